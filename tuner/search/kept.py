"""What becomes the model: of the networks that were trained again the best one, or an average of several."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.catalogue import CATALOGUE
from tuner.data.splits import folds
from tuner.errors import StudyError
from tuner.recipe import Recipe
from tuner.result import Result, Scores
from tuner.search.context import Context
from tuner.search.finals import Finalist, chosen_together, has_one_validation_part
from tuner.storage.confirmed import Confirmed, interval
from tuner.worker import perform_all
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Combine, Failure, Test

ENSEMBLE = "ensemble"


def keep_model(
    context: Context, chosen: Sequence[Finalist], results: Sequence[Result], executor: Executor, folder: Folder
) -> Confirmed:
    """Choose by what the networks say on the validation part, write `best.keras` and `predictions.npz`, and measure the model
    and each network on the test part, once."""
    recipes = [each.recipe for each in chosen]
    names = [each.key for each in recipes]
    figures = [_figure(context, recipe, result, folder) for recipe, result in zip(recipes, results, strict=True)]
    best = max(range(len(recipes)), key=lambda index: figures[index])
    members = _members(context, recipes, folder, best)
    kept, validation, parameters = best, figures[best], results[best].parameters
    if len(members) > 1:
        parameters = _combine([names[each] for each in members], executor)
        validation = _together(context, [recipes[each] for each in members], folder)
        names.append(ENSEMBLE)
        kept = len(names) - 1
    tests = [Test(recipe, saved=name) for recipe, name in zip([*recipes, recipes[best]], names, strict=False)]
    scores = [_tested(answer) for answer in perform_all(executor, tests)]
    predictions = folder.path / "predictions.npz"
    _keep_predictions(predictions, [folder.outputs(name) for name in names], kept)
    folder.model(names[kept]).replace(folder.model("best"))
    for name in names:
        for path in (folder.model(name), folder.outputs(name), folder.validated(name)):
            path.unlink(missing_ok=True)
    test_examples = CATALOGUE[recipes[0].data.name].test_examples
    return Confirmed(
        trial=chosen[best].trial.number,
        recipe=recipes[best],
        seeds=tuple(each.seed for each in recipes),
        validation_accuracy=tuple(figures),
        test_accuracy=scores[kept].accuracy,
        test_loss=scores[kept].loss,
        test_interval=interval(scores[kept].accuracy, test_examples),
        test_examples=test_examples,
        model=folder.model("best"),
        test_accuracies=tuple(each.accuracy for each in scores[: len(recipes)]),
        curves=tuple(result.to_dict()["folds"][0]["curve"] for result in results),
        predictions=predictions,
        members=members,
        recipes=tuple(recipes),
        model_validation=validation,
        parameters=parameters,
    )


def _combine(names: Sequence[str], executor: Executor) -> int:
    """Save the average of the saved models; how many parameters it has."""
    (answer,) = perform_all(executor, [Combine(tuple(names), ENSEMBLE)])
    if isinstance(answer, int):
        return answer
    reason = answer.reason if isinstance(answer, Failure | Result) else str(answer)
    raise StudyError(f"the ensemble could not be saved: {reason}")


def _together(context: Context, recipes: Sequence[Recipe], folder: Folder) -> float:
    """The validation accuracy of the networks' average."""
    pairs = [_validated(context, recipe, folder) for recipe in recipes]
    mean = np.mean([outputs for outputs, _ in pairs], axis=0)
    return float((mean.argmax(axis=1) == pairs[0][1]).mean())


def _figure(context: Context, recipe: Recipe, result: Result, folder: Folder) -> float:
    """A network's validation accuracy; that of what it says now where its training was stopped within an epoch."""
    if result.ended == "pruned" and has_one_validation_part(recipe):
        outputs, labels = _validated(context, recipe, folder)
        return float((outputs.argmax(axis=1) == labels).mean())
    return result.validation.accuracy if result.validation else 0.0


def _members(context: Context, recipes: Sequence[Recipe], folder: Folder, best: int) -> tuple[int, ...]:
    """Which of the networks become the model."""
    most = context.file.confirmation.members
    if most == 1 or len(recipes) == 1 or not has_one_validation_part(recipes[0]):
        return (best,)
    pairs = [_validated(context, recipe, folder) for recipe in recipes]
    together = chosen_together([outputs for outputs, _ in pairs], pairs[0][1], most)
    return together if len(together) > 1 else (best,)


def _validated(context: Context, recipe: Recipe, folder: Folder) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """What a network says of the validation part, and what is true."""
    labels = context.preflight.data[recipe.data.name].examples.labels
    (fold,) = folds(recipe.protocol, labels)
    assert fold.validation is not None
    return np.load(folder.validated(recipe.key)), labels[fold.validation].astype(np.int64)


def _keep_predictions(path: Path, outputs: list[Path], best: int) -> None:
    """All networks' outputs (networks, examples, classes) in one file, and which of them is the model's."""
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    np.savez_compressed(aside, outputs=np.stack([np.load(each) for each in outputs]), best=best)
    aside.replace(path)


def _tested(answer: Answer) -> Scores:
    if isinstance(answer, Scores):
        return answer
    reason = answer.reason if isinstance(answer, Failure | Result) else str(answer)
    raise StudyError(f"a confirmed model could not be tested: {reason}")
