"""Confirming a winner: train it again on fresh seeds, keep the best of them by validation, open the test set once."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from tuner.errors import StudyError
from tuner.recipe import Recipe
from tuner.result import Result, Scores
from tuner.search.interfaces import Listener
from tuner.storage import TrialRecord
from tuner.worker import perform_all
from tuner.worker.executor import Executor
from tuner.worker.jobs import Answer, Failure, Test, Train


@dataclass(frozen=True)
class Confirmed:
    """A winner with figures that did not choose it: validation on fresh seeds, test once, with its 95 % interval. The
    model is that of the seed with the best validation; `test_accuracies` are of all seeds, `curves` their first folds'
    learning curves by figure, `predictions` a file with what each seed's model gives for each test example."""

    trial: int
    recipe: Recipe
    seeds: tuple[int, ...]
    validation_accuracy: tuple[float, ...]
    test_accuracy: float
    test_loss: float
    test_interval: tuple[float, float]
    test_examples: int
    model: Path
    test_accuracies: tuple[float, ...] = ()
    curves: tuple[Mapping[str, Any], ...] = ()
    predictions: Path | None = None

    @property
    def tested(self) -> tuple[float, ...]:
        """The test accuracies that are known: of all seeds, or of the model alone."""
        return self.test_accuracies or (self.test_accuracy,)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it stands beside the model and in the storage."""
        return {
            "trial": self.trial,
            "recipe": self.recipe.to_dict(),
            "seeds": list(self.seeds),
            "validation_accuracy": list(self.validation_accuracy),
            "test_accuracy": self.test_accuracy,
            "test_loss": self.test_loss,
            "test_interval": list(self.test_interval),
            "test_examples": self.test_examples,
            "model": str(self.model),
            "test_accuracies": list(self.test_accuracies),
            "curves": [dict(each) for each in self.curves],
            "predictions": self.predictions and str(self.predictions),
        }

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Confirmed":
        """What `to_dict` wrote."""
        return Confirmed(
            trial=plain["trial"],
            recipe=Recipe.from_dict(plain["recipe"]),
            seeds=tuple(plain["seeds"]),
            validation_accuracy=tuple(plain["validation_accuracy"]),
            test_accuracy=plain["test_accuracy"],
            test_loss=plain["test_loss"],
            test_interval=(plain["test_interval"][0], plain["test_interval"][1]),
            test_examples=plain["test_examples"],
            model=Path(plain["model"]),
            test_accuracies=tuple(plain.get("test_accuracies", ())),
            curves=tuple(plain.get("curves", ())),
            predictions=Path(plain["predictions"]) if plain.get("predictions") else None,
        )


def fresh_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Seeds other than the one that the search trained with."""
    return tuple((seed + 1000 + index) % 2**32 for index in range(count))


def confirm(
    study: optuna.Study,
    winner: TrialRecord,
    seeds: int,
    executor: Executor,
    listener: Listener,
    folder: Path,
    test_examples: int,
    provenance: Mapping[str, Any],
) -> Confirmed:
    """Confirm the winner and write `best.keras`, `best.json` and `predictions.npz` into `folder`.

    A winner that is confirmed already, on as many seeds and with its model there, is not trained or tested again.
    """
    recipe = winner.recipe
    if recipe is None:
        raise StudyError(f"trial {winner.number} has no recipe: it was not made by this program")
    earlier = _confirmed_before(study, recipe, seeds)
    if earlier is not None:
        return earlier
    listener.said(f"confirming trial {winner.number} on {seeds} fresh seeds")
    members = [replace(recipe, seed=seed) for seed in fresh_seeds(recipe.seed, seeds)]
    paths = [folder / f"seed-{member.seed}.keras" for member in members]
    answers = perform_all(executor, [Train(member, path) for member, path in zip(members, paths, strict=True)])
    figures = [_validated(answer) for answer in answers]
    best = max(range(seeds), key=lambda index: figures[index])
    outputs = [path.with_suffix(".npy") for path in paths]
    tests = [Test(*each) for each in zip(members, paths, outputs, strict=True)]
    scores = [_tested(answer) for answer in perform_all(executor, tests)]
    model, predictions = folder / "best.keras", folder / "predictions.npz"
    paths[best].replace(model)
    _keep_predictions(predictions, outputs, best)
    for path in (*paths, *outputs):
        path.unlink(missing_ok=True)
    confirmed = Confirmed(
        trial=winner.number,
        recipe=members[best],
        seeds=tuple(member.seed for member in members),
        validation_accuracy=tuple(figures),
        test_accuracy=scores[best].accuracy,
        test_loss=scores[best].loss,
        test_interval=interval(scores[best].accuracy, test_examples),
        test_examples=test_examples,
        model=model,
        test_accuracies=tuple(each.accuracy for each in scores),
        curves=tuple(answer.to_dict()["folds"][0]["curve"] for answer in answers if isinstance(answer, Result)),
        predictions=predictions,
    )
    write_json(folder / "best.json", {**confirmed.to_dict(), **provenance})
    study.set_user_attr("confirmed", {**confirmed.to_dict(), "winner": recipe.key})
    return confirmed


def interval(accuracy: float, examples: int) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) for an accuracy measured on so many examples: the test set's sampling error."""
    from scipy.stats import binomtest

    found = binomtest(round(accuracy * examples), examples).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def write_json(path: Path, plain: Mapping[str, Any]) -> None:
    """Write aside, then rename."""
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    aside.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
    aside.replace(path)


def _keep_predictions(path: Path, outputs: list[Path], best: int) -> None:
    """All seeds' outputs (seeds, examples, classes) in one file, and which of them is the model's."""
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    np.savez_compressed(aside, outputs=np.stack([np.load(each) for each in outputs]), best=best)
    aside.replace(path)


def _confirmed_before(study: optuna.Study, recipe: Recipe, seeds: int) -> Confirmed | None:
    plain = study.user_attrs.get("confirmed")
    if plain is None or plain["winner"] != recipe.key or len(plain["seeds"]) != seeds:
        return None
    confirmed = Confirmed.from_dict(plain)
    return confirmed if confirmed.model.is_file() else None


def _validated(answer: Answer) -> float:
    """A seed's validation accuracy; a seed that diverged or failed stops the confirmation with its reason."""
    if isinstance(answer, Result) and answer.validation is not None and answer.ended != "diverged":
        return answer.validation.accuracy
    raise StudyError(f"the winner could not be trained again: {_reason(answer)}")


def _tested(answer: Answer) -> Scores:
    if isinstance(answer, Scores):
        return answer
    raise StudyError(f"a confirmed model could not be tested: {_reason(answer)}")


def _reason(answer: Answer) -> str:
    return answer.reason if isinstance(answer, Failure | Result) else str(answer)
