"""Confirming a winner: train it again on fresh seeds, keep the best of them by validation, open the test set once."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import optuna

from tuner.data.catalogue import CATALOGUE
from tuner.errors import StudyError
from tuner.recipe import Recipe
from tuner.result import Event, Result, Scores
from tuner.search.context import Context
from tuner.storage import TrialRecord, study_record
from tuner.storage.confirmed import Confirmed, interval
from tuner.storage.leases import Turn
from tuner.worker import perform, perform_all
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder
from tuner.worker.jobs import Answer, Failure, Test, Train


def fresh_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Seeds other than the one that the search trained with."""
    return tuple((seed + 1000 + index) % 2**32 for index in range(count))


class Unconfirmed(StudyError):
    """A winner that could not be trained again."""


def confirm_best(context: Context, executor: Executor, folder: Folder) -> Confirmed | None:
    """The best trial that can be confirmed: where one cannot, that is said, and the next best takes its place."""
    for winner in study_record(context.study).ranking:
        try:
            return confirm(context, winner, executor, folder)
        except Unconfirmed as why:
            context.listener.said(f"{why}; the next best trial takes its place")
    return None


def confirm(context: Context, winner: TrialRecord, executor: Executor, folder: Folder) -> Confirmed:
    """Confirm the winner and write `best.keras`, `best.json` and `predictions.npz` into the folder.

    A winner that is confirmed already, on as many seeds and with its model there, is not trained or tested again; nor is
    a seed that an earlier call has trained. One process at a time does it. Raises `Unconfirmed` where a seed diverges or
    fails.
    """
    recipe, study = winner.recipe, context.study
    if recipe is None:
        raise StudyError(f"trial {winner.number} has no recipe: it was not made by this program")
    turn = Turn(study, "confirmation", context.leases)
    while not turn.take():
        time.sleep(1.0)
    try:
        seeds = fresh_seeds(recipe.seed, context.file.confirmation.seeds)
        earlier = _confirmed_before(study, recipe, len(seeds))
        if earlier is not None:
            return earlier
        context.listener.said(f"confirming trial {winner.number} on {len(seeds)} fresh seeds")
        members = tuple(replace(recipe, seed=seed) for seed in seeds)
        results = _train(study, winner, members, executor, folder, turn)
        confirmed = _test(winner, members, results, executor, folder)
        data, environment = study.user_attrs.get("data", {}), dict(context.environment)
        provenance = {"study": study.study_name, "data": data, "environment": environment}
        write_json(confirmed.model.with_suffix(".json"), {**confirmed.to_dict(), **provenance})
        study.set_user_attr("confirmed", {**confirmed.to_dict(), "winner": recipe.key})
        return confirmed
    finally:
        turn.release()


def _train(
    study: optuna.Study, winner: TrialRecord, members: Sequence[Recipe], executor: Executor, folder: Folder, turn: Turn
) -> list[Result]:
    """Train the members that no earlier call has trained; each is kept in the storage as it ends."""
    kept = study.user_attrs.get("confirming", {})
    done = {key: Result.from_dict(plain) for key, plain in kept.items() if key in {member.key for member in members}}
    missing = [each for each in members if each.key not in done or not folder.model(each.key).is_file()]

    def watch(_: Event) -> bool:
        turn.renew()
        return True

    jobs = [Train(member, save=member.key, checkpoint=member.key) for member in missing]
    for index, answer in perform(executor, jobs, watch):
        if not isinstance(answer, Result) or answer.validation is None or answer.ended == "diverged":
            _give_up(study, winner, missing[index], answer)
        done[missing[index].key] = answer
        study.set_user_attr("confirming", {key: result.to_dict() for key, result in done.items()})
        folder.checkpoint(missing[index].key).unlink(missing_ok=True)
    return [done[member.key] for member in members]


def _give_up(study: optuna.Study, winner: TrialRecord, member: Recipe, answer: Answer) -> NoReturn:
    """A seed that diverges would do so in every call: that is kept. Another failure may pass."""
    assert winner.recipe is not None
    why = f"trial {winner.number} cannot be confirmed: with seed {member.seed} {_reason(answer)}"
    if isinstance(answer, Result):
        study.set_user_attr("unconfirmed", {**study.user_attrs.get("unconfirmed", {}), winner.recipe.key: why})
    raise Unconfirmed(why)


def _test(
    winner: TrialRecord,
    members: Sequence[Recipe],
    results: Sequence[Result],
    executor: Executor,
    folder: Folder,
) -> Confirmed:
    """Keep the model of the seed with the best validation, and measure all of them on the test part, once."""
    test_examples = CATALOGUE[members[0].data.name].test_examples
    figures = [_validation(result) for result in results]
    best = max(range(len(members)), key=lambda index: figures[index])
    scores = [_tested(answer) for answer in perform_all(executor, [Test(each, saved=each.key) for each in members])]
    model, predictions = folder.model("best"), folder.path / "predictions.npz"
    outputs = [folder.outputs(each.key) for each in members]
    _keep_predictions(predictions, outputs, best)
    folder.model(members[best].key).replace(model)
    for path in (*(folder.model(each.key) for each in members), *outputs):
        path.unlink(missing_ok=True)
    return Confirmed(
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
        curves=tuple(result.to_dict()["folds"][0]["curve"] for result in results),
        predictions=predictions,
    )


def _validation(result: Result) -> float:
    assert result.validation is not None
    return result.validation.accuracy


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


def _tested(answer: Answer) -> Scores:
    if isinstance(answer, Scores):
        return answer
    raise StudyError(f"a confirmed model could not be tested: {_reason(answer)}")


def _reason(answer: Answer) -> str:
    return answer.reason if isinstance(answer, Failure | Result) else str(answer)
