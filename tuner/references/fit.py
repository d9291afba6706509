"""Fitting the reference models on the folds of a protocol, within a time limit."""

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from types import FrameType

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import compute_metrics
from tuner.base.metrics import standard_error
from tuner.data.examples import Examples, TrainingSet
from tuner.data.splits import Fold, folds_of
from tuner.networks import Rows
from tuner.recipe import Holdout, Recipe, describe, fold_count
from tuner.recipe.description import Description
from tuner.references.estimators import CELLS, Estimator, Predict, estimators
from tuner.references.record import MOST_SECONDS, SUBSAMPLED, ReferenceModel, model_names, naive_forecasts

FEWEST, FEW, FEW_CELLS, GROWTH = 500, 2000, 200_000, 4
"""The first size that a model is timed on: 500 to 2,000 examples, at most so many numbers; and the factor to the next size, which
is timed if that factor times the last time fits into the limit."""

TIMED_ROUNDS = 4
"""A model with a known number of rounds is timed with these and with one: the difference is the time of the rounds alone."""

ALARM_SECONDS = 0.2
"""The alarm is repeated because compiled code loses exceptions: boosted trees ran 70 s after a single alarm at 9 s."""


def fit_reference_models(
    recipe: Recipe,
    data: TrainingSet,
    metric: str,
    seconds: float = MOST_SECONDS,
    test: Examples | None = None,
    threads: int = 1,
    names: Sequence[str] = (),
) -> tuple[ReferenceModel, ...]:
    """The reference models of these names (default: all of the recipe's task) on the folds of its protocol, all within so many
    seconds: a model that is too slow is fitted on fewer examples or skipped, and its note says so. Empty where the protocol
    has no validation part.

    With a `test` part (of any length) each is tested too: the model of the single fold, or one fitted on all examples where
    there are several folds. Only the recipe of a final model comes with one.
    """
    started = time.perf_counter()
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    folds = folds_of(recipe.protocol, data)[: fold_count(recipe.protocol)]
    problem = _Problem(recipe, data, metric, describe(recipe.data), folds, test or None)
    if problem.folds[0].validation is None:
        return ()
    known = estimators(problem.about.task)
    known |= {name: replace(known["mean"], repeats=places) for name, places in naive_forecasts(recipe.data).items()}
    names = names or model_names(problem.about.task, recipe.data)
    end = max(started + seconds, time.perf_counter() + seconds / 2)  # imports take at most half of the time
    fitted = []
    with threadpool_limits(threads):
        for place, name in enumerate(names):
            share = (end - time.perf_counter()) / (len(names) - place)
            fitted.append(_reference_model(problem, name, known[name], share))
    return tuple(fitted)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in code that takes longer, at its next line of Python. Has no effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), ALARM_SECONDS)
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        finally:  # also where the alarm has just rung once more
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True, eq=False)
class _Problem:
    """What all reference models of a study share."""

    recipe: Recipe
    data: TrainingSet
    metric: str
    about: Description
    folds: tuple[Fold, ...]
    test: Examples | None

    @property
    def trainings(self) -> int:
        """How often each model is fitted."""
        return len(self.folds) + (len(self.folds) > 1 and self.test is not None)

    @property
    def largest(self) -> int:
        """The number of examples in the largest training part."""
        return max(len(fold.training) for fold in self.folds)

    def fit(self, model: Estimator, indices: NDArray[np.int64], most: int, number: int) -> Predict:
        """The model fitted on at most so many of these examples."""
        return model.fit(self.about, self.sample(indices, most, number), self.recipe.seed)

    def sample(self, indices: NDArray[np.int64], most: int, number: int) -> Examples:
        """At most so many of these examples, drawn by the recipe's seed and the number."""
        if most < len(indices):
            generator = np.random.default_rng((self.recipe.seed, number))
            indices = np.sort(generator.choice(indices, most, replace=False))
        return self.data.examples.take(indices)

    def validation(self, fold: Fold) -> Examples:
        """The validation part of a fold as the networks get it."""
        assert fold.validation is not None
        examples, protocol = self.data.examples.take(fold.validation), self.recipe.protocol
        if not isinstance(protocol, Holdout) or not protocol.distortion.is_for_images:
            return examples
        from tuner.training.augmentation import distorted

        return replace(examples, inputs=distorted(protocol.distortion, examples.inputs, protocol.seed))

    def metrics(self, predict: Predict, examples: Examples) -> dict[str, float]:
        """All metrics of a model on some examples."""
        return compute_metrics(self.about.task, predict(examples.inputs), examples.labels, examples.weights)


def _reference_model(problem: _Problem, name: str, model: Estimator, seconds: float) -> ReferenceModel:
    """The figures of one model, or the reason why it was skipped."""
    started = time.perf_counter()
    try:
        with time_limit(seconds):
            fitted = _evaluated(problem, name, model, _size(problem, model, seconds))
    except TimeoutError as error:
        fitted = ReferenceModel(name, note=f"skipped, {_too_slow(seconds, str(error))}")
    except (ArithmeticError, MemoryError, ValueError) as error:  # the other models may succeed with these numbers
        is_late = time.perf_counter() - started >= seconds  # compiled code turns the alarm into other errors
        why = _too_slow(seconds) if is_late else f"{type(error).__name__}: {error}".splitlines()[0]
        fitted = ReferenceModel(name, note=f"skipped, {why}")
    return replace(fitted, seconds=time.perf_counter() - started)


def _too_slow(limit: float, needed: str = "") -> str:
    """The reason why a model had too little time."""
    return f"it needs {needed}, {limit:.1f} s were left" if needed else f"it needs more than the {limit:.1f} s left"


def _size(problem: _Problem, model: Estimator, seconds: float) -> int:
    """The number of examples on which all fits take at most so many seconds. Raises `TimeoutError` where there is none."""
    end = time.perf_counter() + seconds
    inputs = problem.about.inputs
    columns = 1 if model.features == "none" else math.prod(inputs.shape if isinstance(inputs, Rows) else inputs)
    fewest = max(FEWEST, min(FEW, FEW_CELLS // columns))
    most = min(problem.largest, model.most, max(fewest, CELLS // columns))
    sizes = [fewest]
    while sizes[-1] < most:
        sizes.append(sizes[-1] * GROWTH)
    sizes = [min(size, most) for size in sizes]
    for place, size in enumerate(sizes):
        is_last = place + 1 == len(sizes)
        if is_last and (place == 0 or not model.rounds):
            return size
        needed = _seconds(problem, model, size) * problem.trainings
        left = end - time.perf_counter()
        if model.rounds:  # its time is known before it is fitted
            if needed > left:
                if place == 0:
                    raise TimeoutError(f"about {needed:.0f} s")
                return sizes[place - 1]
        elif needed * sizes[place + 1] / size > left:
            return size
    return sizes[-1]


def _seconds(problem: _Problem, model: Estimator, size: int) -> float:
    """About the time to fit on so many examples and to validate."""
    sample, seed = problem.sample(problem.folds[0].training, size, 0), problem.recipe.seed

    def fit_seconds(rounds: int) -> float:
        started = time.perf_counter()
        predict = model.fit(problem.about, sample, seed, rounds)
        if not rounds:
            problem.metrics(predict, problem.validation(problem.folds[0]))
        return time.perf_counter() - started

    if not model.rounds:
        return fit_seconds(0)
    one, several = fit_seconds(1), fit_seconds(TIMED_ROUNDS)
    return one + max(0.0, several - one) / (TIMED_ROUNDS - 1) * (model.rounds - 1)


def _evaluated(problem: _Problem, name: str, model: Estimator, size: int) -> ReferenceModel:
    by_fold: list[dict[str, float]] = []
    for number, fold in enumerate(problem.folds):
        predict = problem.fit(model, fold.training, size, number)
        by_fold.append(problem.metrics(predict, problem.validation(fold)))
    tested: Mapping[str, float] = {}
    if problem.test is not None:
        if len(problem.folds) > 1:
            predict = problem.fit(model, np.arange(len(problem.data.examples)), size, len(problem.folds))
        tested = _finite(problem.metrics(predict, problem.test))
    figures = _finite({metric: fmean(each[metric] for each in by_fold) for metric in by_fold[0]})
    return ReferenceModel(
        name,
        figures=figures,
        error=_error(problem, figures, [each[problem.metric] for each in by_fold]),
        test_figures=tested,
        examples=min(size, problem.largest),
        note="; ".join(_notes(problem, model, size)),
    )


def _finite(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(figure) for name, figure in figures.items() if math.isfinite(figure)}


def _error(problem: _Problem, figures: Mapping[str, float], by_fold: list[float]) -> float:
    if problem.metric not in figures:
        return 0.0
    if len(by_fold) > 1:
        return stdev(by_fold) / math.sqrt(len(by_fold))
    validation = problem.folds[0].validation
    assert validation is not None
    return standard_error(problem.metric, figures[problem.metric], len(validation))


def _notes(problem: _Problem, model: Estimator, size: int) -> Iterator[str]:
    if size < problem.largest:
        yield f"{SUBSAMPLED} {size:,} of {problem.largest:,} examples"
    if problem.data.examples.weights is not None and not model.takes_weights:
        yield "trained without weights"
    if model.note:
        yield model.note
