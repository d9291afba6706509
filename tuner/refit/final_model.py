"""The final model: the best refit, or the average that ensemble selection finds."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.calibration import at_temperature, fitted_temperature
from tuner.base.metric_functions import compute_metrics
from tuner.base.metrics import METRICS, metrics_for
from tuner.base.writing import atomic_path
from tuner.data.splits import folds_of
from tuner.recipe import KFold, Recipe, Table, Views, describe, fold_count
from tuner.refit.ensemble import ensemble_loss, select_ensemble
from tuner.refit.session import Session
from tuner.result import Result
from tuner.storage.confirmed import Confirmed, count_look
from tuner.worker import require_answers
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder, member
from tuner.worker.jobs import Combine, Measured, Test

ENSEMBLE = "ensemble"

MOST_IMAGES = 3
"""Images that a final model computes for one, times the most members: more views leave room for fewer members, and the networks of the
folds are averaged only where there is room for all, since predicting would take too long."""


@dataclass(frozen=True)
class Refit:
    """A trial's recipe trained on a fresh seed, and its result."""

    trial: int
    recipe: Recipe
    result: Result

    @property
    def name(self) -> str:
        """The name of its model in the folder."""
        return member(self.recipe.key)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the storage."""
        return {"trial": self.trial, "recipe": self.recipe.to_dict(), "result": self.result.to_dict()}

    def networks(self, most: int) -> int:
        """The networks in its model, in a study whose final models have at most so many members: with more than one also those of the
        folds, which cost nothing more."""
        protocol = self.recipe.protocol
        return fold_count(protocol) + 1 if isinstance(protocol, KFold) and most > 1 else 1

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Refit":
        """What `to_dict` wrote."""
        return Refit(plain["trial"], Recipe.from_dict(plain["recipe"]), Result.from_dict(plain["result"]))


@dataclass(frozen=True)
class Selection:
    """Which refits the final model averages, with the networks of their folds or without, over which views of an image, the temperature of
    its probabilities, and its validation metric."""

    members: tuple[int, ...]
    views: Views
    validation: float
    temperature: float = 1.0
    with_folds: bool = True

    @property
    def is_combined(self) -> bool:
        """Whether the model is other than one refit: an average of several or over views of an image, or calibrated."""
        return len(self.members) > 1 or self.views != Views() or self.temperature != 1 or not self.with_folds


def make_final_model(session: Session, refits: Sequence[Refit], executor: Executor) -> Confirmed:
    """Select by the predictions on the validation part, write `best.keras` and `predictions.npz`, and test the final model
    and each refit in one look at the test part, if there is one. Where the minutes decide, the networks in the final model stay in the folder:
    a later call may add to them."""
    folder, refits = session.folder, _complete(session, refits)
    metrics = [_validation_metric(session, each) for each in refits]
    signed = [METRICS[session.metric].direction.sign * metric for metric in metrics]
    alone = signed.index(max(signed))
    selection = _select(session, refits) or Selection((alone,), Views(), metrics[alone])
    best, most = max(selection.members, key=signed.__getitem__), session.members
    tested = [Test(each.recipe, each.name, session.metric) for each in refits]
    model, parameters = best, refits[best].networks(most) * refits[best].result.parameters
    if selection.is_combined:
        names = tuple(refits[index].name for index in selection.members)
        parameters = _combine(
            Combine(names, ENSEMBLE, selection.views, selection.temperature, with_folds=selection.with_folds), executor
        )
        tested.append(Test(refits[best].recipe, ENSEMBLE, session.metric))
        model = len(tested) - 1
    session.listener.phase("testing")
    tested[model] = replace(tested[model], is_final=True)
    tests, looks = _test(session, tested, executor)
    final = tests[model] if tests else None
    interval = final and final.intervals.get(session.metric)
    predictions = _write_predictions(folder, tested, model) if tests else None
    _write_model(tested[model], executor, folder)
    needed = [refits[index].name for index in selection.members] if session.file.fits_epochs else []
    _remove(folder, [each.saved for each in tested], needed)
    return Confirmed(
        trial=refits[best].trial,
        recipe=refits[best].recipe,
        seeds=tuple(each.recipe.seed for each in refits),
        measure=session.metric,
        validation=tuple(metrics),
        test=final.scores.value(session.metric) if final else None,
        test_figures=final.scores.figures if final else {},
        test_loss=final.scores.loss if final else None,
        test_interval=(interval.low, interval.high) if interval else None,
        test_intervals=final.intervals if final else {},
        looks=looks,
        test_examples=describe(refits[best].recipe.data).test_examples,
        model=folder.model("best"),
        tests=tuple(each.scores.value(session.metric) for each in tests[: len(refits)]),
        curves=tuple(each.result.to_dict()["folds"][0]["curve"] for each in refits),
        predictions=predictions,
        members=selection.members,
        networks=sum(refits[index].networks(most if selection.with_folds else 1) for index in selection.members),
        recipes=tuple(each.recipe for each in refits),
        trials=tuple(each.trial for each in refits),
        is_mirrored=selection.views.is_mirrored,
        is_shifted=selection.views.is_shifted,
        temperature=selection.temperature,
        model_validation=selection.validation,
        parameters=parameters,
    )


def _complete(session: Session, refits: Sequence[Refit]) -> Sequence[Refit]:
    """The refits that were validated on all folds, if there are any: metrics of the first folds cannot be compared. One that was stopped
    in its first epoch has predictions only, which do not tell a metric of a function's model."""
    of_task = session.metric in metrics_for(session.file.data[0].task)
    complete = [
        each for each in refits if session.folder.validated(each.name).is_file() and (of_task or each.result.validation)
    ]
    left_out = [each for each in refits if complete and each not in complete]
    if left_out:
        session.listener.log(f"refits left out because the time was over before their last fold: {len(left_out)}")
    for each in left_out:
        session.folder.forget(each.name)
    return complete or refits


def _select(session: Session, refits: Sequence[Refit]) -> Selection | None:
    """The average with the lowest validation loss; None if that is one network, or if predictions are missing."""
    most, files = session.members, session.folder.validated
    selections: list[tuple[float, Selection]] = []
    for views in (Views(is_mirrored=m, is_shifted=s) for s in (False, True) for m in (False, True)):
        if most == 1 or not all(files(each.name, part).is_file() for each in refits for part in views.parts):
            continue
        validated = [_validated(session, each, views) for each in refits]
        first, *_ = validated
        count = max(1, min(most, MOST_IMAGES * most // views.images))
        members = select_ensemble([each.outputs for each in validated], first.true, count, first.weights)
        outputs = np.stack([validated[each].outputs for each in members]).mean(axis=0, dtype=np.float64)
        loss = ensemble_loss(outputs, first.true, first.weights)
        temperature = 1.0
        if all(refits[each].recipe.network.output == "softmax" for each in members) and first.true.ndim == 1:
            temperature = round(fitted_temperature(outputs, first.true, first.weights), 4)
            outputs = at_temperature(outputs, temperature)
        validation = replace(first, outputs=outputs).metric(session)
        images = views.images * sum(refits[index].networks(most) for index in members)
        with_folds = images <= MOST_IMAGES * most
        selections.append((loss, Selection(members, views, validation, temperature, with_folds)))
    _, best = min(selections, key=lambda pair: pair[0], default=(0.0, None))
    return best if best and best.is_combined else None


def _combine(job: Combine, executor: Executor) -> int:
    """Save the average of saved models; its number of parameters."""
    (parameters,) = require_answers(executor, [job], int, "the ensemble could not be saved")
    return parameters


def _test(session: Session, jobs: Sequence[Test], executor: Executor) -> tuple[list[Measured], int]:
    """The test results of saved models, and how often the study has looked at its test part; none if there is no test part."""
    if not describe(jobs[0].recipe.data).test_examples:
        return [], 0
    looks = count_look(session.study)
    return require_answers(executor, jobs, Measured, "a confirmed model could not be tested"), looks


def _write_predictions(folder: Folder, tested: Sequence[Test], model: int) -> Path:
    """The test outputs of all networks (networks, examples, classes) in one file, and which of them is the final model's."""
    path = folder.path / "predictions.npz"
    outputs = np.stack([np.load(folder.outputs(each.saved)) for each in tested])
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, outputs=outputs, best=model)
    return path


def _write_model(model: Test, executor: Executor, folder: Folder) -> None:
    """Write `best.keras`; a table's model gets the coding of its rows in front."""
    if isinstance(model.recipe.data, Table):
        _combine(Combine((model.saved,), "best", table=model.recipe), executor)
        return
    with atomic_path(folder.model("best")) as temporary:
        shutil.copyfile(folder.model(model.saved), temporary)


def _remove(folder: Folder, names: Sequence[str], needed: Sequence[str]) -> None:
    """Remove the models and their outputs; of those still needed the test outputs only."""
    for name in names:
        folder.outputs(name).unlink(missing_ok=True)
        if name not in needed:
            folder.forget(name)


def _validation_metric(session: Session, refit: Refit) -> float:
    """A refit's validation metric; from its predictions if its training was stopped within an epoch."""
    is_of_task = session.metric in metrics_for(session.file.data[0].task)
    if refit.result.ended == "pruned" and is_of_task and session.folder.validated(refit.name).is_file():
        return _validated(session, refit).metric(session)
    return session.validation_metric(refit.result)


@dataclass(frozen=True, eq=False)
class Validated:
    """A network's outputs for the validation examples, their targets and their weights."""

    outputs: NDArray[Any]
    true: NDArray[Any]
    weights: NDArray[Any] | None

    def metric(self, session: Session) -> float:
        """The study's metric of them."""
        return compute_metrics(session.file.data[0].task, self.outputs, self.true, self.weights)[session.metric]


def _validated(session: Session, refit: Refit, views: Views = Views()) -> Validated:  # noqa: B008 (frozen)
    """Fold after fold, each example by the network that was not trained on it; averaged over its views."""
    data, folder = session.preflight.data[refit.recipe.data.name], session.folder
    folds = folds_of(refit.recipe.protocol, data)[: fold_count(refit.recipe.protocol)]
    parts = [each.validation for each in folds if each.validation is not None]
    places, examples = np.concatenate(parts), data.examples
    outputs = np.mean([np.load(folder.validated(refit.name, part)) for part in views.parts], axis=0)
    return Validated(outputs, examples.labels[places], None if examples.weights is None else examples.weights[places])
