"""What becomes the model: of the networks that were trained again the best one, or an average of several."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import StudyError
from tuner.base.metric_functions import compute_metrics
from tuner.base.metrics import METRICS
from tuner.base.writing import atomic_path
from tuner.data.splits import folds_of
from tuner.recipe import Recipe, Table, describe
from tuner.refit.candidates import Final
from tuner.refit.ensemble import chosen_together, loss_of_average
from tuner.result import Result
from tuner.search.context import Context
from tuner.storage.confirmed import Confirmed
from tuner.worker import perform_all
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder, member, mirrored
from tuner.worker.jobs import Answer, Combine, Failure, Measured, Test

ENSEMBLE = "ensemble"


def keep_model(context: Context, finals: Sequence[Final], executor: Executor, folder: Folder) -> Confirmed:
    """Choose by what the networks say on the validation part, write `best.keras` and `predictions.npz`, and measure the model
    and each network on the test part, once, where there is one. Where the time decides, the networks that the model is made of are kept: a
    later call may add to them."""
    finals = _whole(context, finals, folder)
    recipes = [each.recipe for each in finals]
    names = [member(each.key) for each in recipes]
    figures = [_figure(context, each, folder) for each in finals]
    sign = METRICS[context.measure].direction.sign
    best = max(range(len(recipes)), key=lambda index: sign * figures[index])
    choice = _choice(context, recipes, folder) or Choice((best,), False, figures[best])
    kept, parameters = best, finals[best].result.parameters
    if choice.is_average:
        combined = Combine(tuple(names[each] for each in choice.members), ENSEMBLE, choice.is_mirrored)
        parameters = _combine(combined, executor)
        names.append(ENSEMBLE)
        kept = len(names) - 1
    pairs = zip([*recipes, recipes[best]], names, strict=False)
    test_examples = describe(recipes[best].data).test_examples
    jobs = [Test(recipe, saved=name, measure=context.measure) for recipe, name in pairs if test_examples]
    tests = [_tested(answer) for answer in perform_all(executor, jobs)]
    predictions = folder.path / "predictions.npz" if tests else None
    if predictions:
        _keep_predictions(predictions, [folder.outputs(name) for name in names], kept)
    if isinstance(recipes[best].data, Table):
        _combine(Combine((names[kept],), "best", table=recipes[best]), executor)
    else:
        with atomic_path(folder.model("best")) as temporary:
            shutil.copyfile(folder.model(names[kept]), temporary)
    needed = {names[index] for index in choice.members} if context.file.fits_epochs else set()
    for name in names:
        folder.outputs(name).unlink(missing_ok=True)
        if name not in needed:
            folder.forget(name)
    return Confirmed(
        trial=finals[best].finalist.trial,
        recipe=recipes[best],
        seeds=tuple(each.seed for each in recipes),
        measure=context.measure,
        validation=tuple(figures),
        test=tests[kept].scores.figures[context.measure] if tests else None,
        test_figures=tests[kept].scores.figures if tests else {},
        test_loss=tests[kept].scores.loss if tests else None,
        test_interval=tests[kept].interval if tests else None,
        test_examples=test_examples,
        model=folder.model("best"),
        tests=tuple(each.scores.figures[context.measure] for each in tests[: len(recipes)]),
        curves=tuple(each.result.to_dict()["folds"][0]["curve"] for each in finals),
        predictions=predictions,
        members=choice.members,
        recipes=tuple(recipes),
        trials=tuple(each.finalist.trial for each in finals),
        is_mirrored=choice.is_mirrored,
        model_validation=choice.validation,
        parameters=parameters,
    )


def _whole(context: Context, finals: Sequence[Final], folder: Folder) -> Sequence[Final]:
    """Those that have been validated to the end, where there are any: of cross-validation that the time has cut short, the
    figures of its first folds are no match for the others'."""
    whole = [each for each in finals if folder.validated(member(each.recipe.key)).is_file()]
    for each in finals if whole else ():
        if each not in whole:
            context.listener.said(f"left out: with seed {each.recipe.seed} the time was over before the last fold")
            folder.forget(member(each.recipe.key))
    return whole or finals


@dataclass(frozen=True)
class Choice:
    """What the model is: which networks, over mirror images too or not, and its validation figure."""

    members: tuple[int, ...]
    is_mirrored: bool
    validation: float

    @property
    def is_average(self) -> bool:
        """Whether it is anything but one network as it is."""
        return len(self.members) > 1 or self.is_mirrored


def _choice(context: Context, recipes: Sequence[Recipe], folder: Folder) -> Choice | None:
    """The average with the lowest loss on the validated examples, if it is one; None where that cannot be told."""
    most = context.file.confirmation.members
    if most == 1 or not all(folder.validated(member(each.key)).is_file() for each in recipes):
        return None
    found: list[tuple[float, Choice]] = []
    for is_mirrored in (False, True):
        if is_mirrored and not all(each.training.augmentation.flip for each in recipes):
            continue
        said = [_validated(context, recipe, folder, is_mirrored) for recipe in recipes]
        true, weights = said[0].true, said[0].weights
        members = chosen_together([each.outputs for each in said], true, most, weights)
        mean = replace(
            said[0], outputs=np.stack([said[each].outputs for each in members]).mean(axis=0, dtype=np.float64)
        )
        loss = loss_of_average(mean.outputs, true, weights)
        found.append((loss, Choice(members, is_mirrored, mean.figure(context))))
    _, best = min(found, key=lambda pair: pair[0])
    return best if best.is_average else None


def _combine(job: Combine, executor: Executor) -> int:
    """Save the average of saved models; how many parameters it has."""
    (answer,) = perform_all(executor, [job])
    if isinstance(answer, int):
        return answer
    reason = answer.reason if isinstance(answer, Failure | Result) else str(answer)
    raise StudyError(f"the ensemble could not be saved: {reason}")


def _figure(context: Context, final: Final, folder: Folder) -> float:
    """A network's validation figure; that of what it says now where its training was stopped within an epoch."""
    if final.result.ended == "pruned" and folder.validated(member(final.recipe.key)).is_file():
        return _validated(context, final.recipe, folder).figure(context)
    return context.figure_of(final.result)


@dataclass(frozen=True, eq=False)
class Validated:
    """What a network says of the validated examples, what is true of them, and how much each counts."""

    outputs: NDArray[Any]
    true: NDArray[Any]
    weights: NDArray[Any] | None

    def figure(self, context: Context) -> float:
        """The study's measure of it."""
        return compute_metrics(context.file.data[0].task, self.outputs, self.true, self.weights)[context.measure]


def _validated(context: Context, recipe: Recipe, folder: Folder, is_mirrored: bool = False) -> Validated:
    """Of a network's folds, fold after fold, each by the network that was not trained on it; on average over mirror images where
    it `is_mirrored`."""
    data = context.preflight.data[recipe.data.name]
    parts = [each.validation for each in folds_of(recipe.protocol, data) if each.validation is not None]
    places, examples, name = np.concatenate(parts), data.examples, member(recipe.key)
    labels = examples.labels[places]
    outputs = np.load(folder.validated(name))
    if is_mirrored:
        outputs = (outputs + np.load(folder.validated(mirrored(name)))) / 2
    true = labels.astype(np.int64) if labels.ndim == 1 else labels
    return Validated(outputs, true, None if examples.weights is None else examples.weights[places])


def _keep_predictions(path: Path, outputs: list[Path], best: int) -> None:
    """All networks' outputs (networks, examples, classes) in one file, and which of them is the model's."""
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, outputs=np.stack([np.load(each) for each in outputs]), best=best)


def _tested(answer: Answer) -> Measured:
    if isinstance(answer, Measured):
        return answer
    reason = answer.reason if isinstance(answer, Failure | Result) else str(answer)
    raise StudyError(f"a confirmed model could not be tested: {reason}")
