"""Training plain models on the folds of a protocol, as the networks are, and measuring them in as much time as there is."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.metric_functions import measured
from tuner.base.metrics import standard_error
from tuner.data.examples import Examples, TrainingSet
from tuner.data.splits import Fold, folds_of
from tuner.networks import Rows
from tuner.recipe import Holdout, Recipe, described
from tuner.recipe.data import Description
from tuner.references.anchor import CUT, MODELS, MOST_SECONDS, ReferenceModel
from tuner.references.limit import TimeIsUp, within
from tuner.references.models import CELLS, Model, Predict, models, takes_weights

Indices = NDArray[np.int64]

FEWEST, FEW, FEW_CELLS, GROWTH = 500, 2000, 200_000, 4
"""Examples that a model is tried on first, where there are more: 500 to 2,000, of so many numbers all together; and how many
times as many are tried next, where the time would be enough if it took as many times as long."""

TRIED_ROUNDS = 4
"""Of a model that trains a known number of rounds, beside a single one: what is left between them are rounds alone."""


def anchors(
    recipe: Recipe,
    data: TrainingSet,
    measure: str,
    seconds: float = MOST_SECONDS,
    test: Examples | None = None,
    threads: int = 1,
    names: Sequence[str] = (),
) -> tuple[ReferenceModel, ...]:
    """The plain models of these names (all of the recipe's task where none is said) on the folds of its protocol, all together
    in so many seconds: what does not fit is trained on fewer examples or skipped, and says so. Nothing where the protocol has
    no validation part.

    With a `test` part (of any length) each is measured on that, too: the model of the fold, or of several folds one that is trained on
    all of them. Only a confirmed winner's recipe comes with it.
    """
    started = time.perf_counter()
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    test = test if test else None
    work = Work(recipe, data, measure, described(recipe.data), folds_of(recipe.protocol, data), test)
    if work.folds[0].validation is None:
        return ()
    known = models(work.about.task)
    names = names or MODELS[work.about.task]
    end = max(started + seconds, time.perf_counter() + seconds / 2)  # imports take their part of it, but not all
    found = []
    with threadpool_limits(threads):
        for place, name in enumerate(names):
            share = (end - time.perf_counter()) / (len(names) - place)
            found.append(_anchor(work, name, known[name], share))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Work:
    """What all plain models of a study have in common."""

    recipe: Recipe
    data: TrainingSet
    measure: str
    about: Description
    folds: tuple[Fold, ...]
    test: Examples | None

    @property
    def trainings(self) -> int:
        """How many times each is trained."""
        return len(self.folds) + (len(self.folds) > 1 and self.test is not None)

    def sample(self, indices: Indices, most: int, number: int) -> Examples:
        """At most so many of these examples, drawn by the recipe's seed."""
        if most < len(indices):
            chance = np.random.default_rng((self.recipe.seed, number))
            indices = np.sort(chance.choice(indices, most, replace=False))
        return self.chosen(indices)

    def chosen(self, indices: Indices) -> Examples:
        """These examples."""
        examples = self.data.examples
        weights = None if examples.weights is None else examples.weights[indices]
        return Examples(examples.inputs[indices], examples.labels[indices], weights)

    def validated(self, fold: Fold) -> Examples:
        """A fold's validation part, as the networks see it."""
        assert fold.validation is not None
        chosen, protocol = self.chosen(fold.validation), self.recipe.protocol
        if not isinstance(protocol, Holdout) or not protocol.distortion.is_for_images:
            return chosen
        from tuner.training.augmentation import distorted

        return replace(chosen, inputs=distorted(protocol.distortion, chosen.inputs, protocol.seed))

    def figures(self, says: Predict, examples: Examples) -> dict[str, float]:
        """All figures of a model on some examples."""
        return measured(self.about.task, says(examples.inputs), examples.labels, examples.weights)


def _anchor(work: Work, name: str, model: Model, seconds: float) -> ReferenceModel:
    """One plain model, or why there is none."""
    started = time.perf_counter()
    try:
        with within(seconds):
            size = _size(work, model, seconds)
            anchor = _measured(work, name, model, size)
    except TimeIsUp as up:
        anchor = ReferenceModel(name, note=f"skipped: {str(up) or 'takes longer'} and has {seconds:.1f} s")
    except (ArithmeticError, MemoryError, ValueError) as error:  # the others may do better with these numbers
        is_late = time.perf_counter() - started >= seconds  # compiled code makes other errors of an alarm
        why = f"takes longer and has {seconds:.1f} s" if is_late else f"{type(error).__name__}: {error}".splitlines()[0]
        anchor = ReferenceModel(name, note=f"skipped: {why}")
    return replace(anchor, seconds=time.perf_counter() - started)


def _size(work: Work, model: Model, seconds: float) -> int:
    """On how many examples the model can be trained as often as there are folds, in so many seconds. Raises `TimeIsUp`
    where that are none."""
    end = time.perf_counter() + seconds
    largest = max(len(fold.training) for fold in work.folds)
    columns = (
        1
        if model.sees == "nothing"
        else math.prod(work.about.inputs.shape if isinstance(work.about.inputs, Rows) else work.about.inputs)
    )
    fewest = max(FEWEST, min(FEW, FEW_CELLS // columns))
    sizes = list(_sizes(fewest, min(largest, model.most, max(fewest, CELLS // columns))))
    for place, size in enumerate(sizes):
        if place + 1 == len(sizes) and (place == 0 or not model.rounds):
            return size
        took = _seconds_of(work, model, size)
        if model.rounds:  # known before it is trained
            if took * work.trainings > end - time.perf_counter():
                if place == 0:
                    raise TimeIsUp(f"would take about {took * work.trainings:.0f} s")
                return sizes[place - 1]
        elif took * sizes[place + 1] / size * work.trainings > end - time.perf_counter():
            return size
    return sizes[-1]


def _sizes(size: int, most: int) -> Iterator[int]:
    while size < most:
        yield size
        size *= GROWTH
    yield most


def _seconds_of(work: Work, model: Model, size: int) -> float:
    """About what it takes to train on so many examples and to validate."""
    sample = work.sample(work.folds[0].training, size, 0)
    if model.rounds:
        one, several = (_training_seconds(work, model, sample, rounds) for rounds in (1, TRIED_ROUNDS))
        return one + max(0.0, several - one) / (TRIED_ROUNDS - 1) * (model.rounds - 1)
    started = time.perf_counter()
    says = model.trained(work.about, sample, work.recipe.seed)
    work.figures(says, work.validated(work.folds[0]))
    return time.perf_counter() - started


def _training_seconds(work: Work, model: Model, sample: Examples, rounds: int) -> float:
    started = time.perf_counter()
    model.trained(work.about, sample, work.recipe.seed, rounds)
    return time.perf_counter() - started


def _measured(work: Work, name: str, model: Model, size: int) -> ReferenceModel:
    found: list[dict[str, float]] = []
    for number, fold in enumerate(work.folds):
        says = model.trained(work.about, work.sample(fold.training, size, number), work.recipe.seed)
        found.append(work.figures(says, work.validated(fold)))
    tested: Mapping[str, float] = {}
    if work.test is not None:
        if len(work.folds) > 1:
            everything = np.arange(len(work.data.examples))
            says = model.trained(work.about, work.sample(everything, size, len(work.folds)), work.recipe.seed)
        tested = _told(work.figures(says, work.test))
    figures = _told({measure: fmean(each[measure] for each in found) for measure in found[0]})
    return ReferenceModel(
        name,
        figures=figures,
        error=_error(work, figures, [each[work.measure] for each in found]),
        test_figures=tested,
        examples=min(size, max(len(fold.training) for fold in work.folds)),
        note="; ".join(_notes(work, model, size)),
    )


def _told(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(figure) for name, figure in figures.items() if math.isfinite(figure)}


def _error(work: Work, figures: Mapping[str, float], of_folds: list[float]) -> float:
    if work.measure not in figures:
        return 0.0
    if len(of_folds) > 1:
        return stdev(of_folds) / math.sqrt(len(of_folds))
    validation: Any = work.folds[0].validation
    return standard_error(work.measure, figures[work.measure], len(validation))


def _notes(work: Work, model: Model, size: int) -> Iterator[str]:
    largest = max(len(fold.training) for fold in work.folds)
    if size < largest:
        yield f"{CUT} {size:,} of {largest:,} examples"
    if work.data.examples.weights is not None and not takes_weights(model):
        yield "trained without weights"
    if model.note:
        yield model.note
