"""Confirming a winner: train it again on fresh seeds, make a model of what that gave, open the test set once."""

import math
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import optuna

from tuner.base.errors import StudyError
from tuner.base.writing import write_json, write_text
from tuner.outcome.card import card
from tuner.recipe import Recipe
from tuner.refit.candidates import (
    Final,
    RefitCandidate,
    at_pace,
    beating,
    contending,
    finalists,
    standing,
)
from tuner.refit.final_model import keep_model
from tuner.result import Event, Result
from tuner.search.context import Context
from tuner.search.plan import MOST_ROUNDS, Plan
from tuner.storage import TrialRecord, study_record
from tuner.storage.confirmed import Confirmed
from tuner.storage.leases import Lock
from tuner.worker import perform, perform_all
from tuner.worker.executor import Executor
from tuner.worker.folder import Folder, member
from tuner.worker.jobs import Answer, Failure, Pace, Train


class Unconfirmed(StudyError):
    """A winner that could not be trained again."""


NO_HURRY = Plan(3600.0, 1)

WORTH_MEASURING_SECONDS = 60.0
"""So much time is to be left for the finals that what an epoch takes is worth measuring again."""

AT_LEAST_SECONDS = 5.0
"""For the first model of a study, where the time is over before its training has begun."""


def confirm_best(
    context: Context, executor: Executor, folder: Folder, plan: Plan = NO_HURRY, end: float = math.inf
) -> Confirmed | None:
    """The best trial that can be confirmed until `end` (by the monotonic clock). Where one cannot, that is said, and the next
    best takes its place."""
    for _ in study_record(context.study).trials:
        trials = standing(study_record(context.study))
        if not trials:
            return None
        try:
            return confirm(context, trials, executor, folder, plan, end)
        except Unconfirmed as why:
            context.listener.said(f"{why}; the next best trial takes its place")
    return None


def confirm(
    context: Context,
    trials: Sequence[TrialRecord],
    executor: Executor,
    folder: Folder,
    plan: Plan = NO_HURRY,
    end: float = math.inf,
) -> Confirmed:
    """Confirm the first of the trials (best first; where the time decides, contenders beside it), with trainings that end
    until `end`, and write `best.keras`, `best.json` and `predictions.npz` into the folder.

    A winner that is confirmed already, with its model there, is not trained or tested again; nor is a seed that an earlier
    call has trained. Where the time decides, more networks are trained, and those that earlier calls have kept may be part of
    the model. One process at a time does it. Raises `Unconfirmed` where a seed diverges or fails.
    """
    winner, study = trials[0], context.study
    if winner.recipe is None:
        raise StudyError(f"trial {winner.number} has no recipe: it was not made by this program")
    turn = Lock(study, "confirmation", context.leases)
    while not turn.take():
        time.sleep(1.0)
    try:
        earlier = _confirmed_before(context, winner)
        is_timed = context.file.fits_epochs
        if earlier is not None and not is_timed:
            return earlier
        before = _finals_before(study, folder) if is_timed else ()
        first = next((trial for trial in trials if trial.start == 0), winner)
        plan = beating(context, plan, first)
        if is_timed and end - time.monotonic() > WORTH_MEASURING_SECONDS:
            trials = _at_present(context, plan, trials, executor)
        end = max(end, time.monotonic() + min(AT_LEAST_SECONDS, plan.slot)) if earlier is None else end
        chosen = finalists(context, plan, trials, max(1.0, end - time.monotonic()), before)
        if earlier is not None and not chosen:
            return earlier
        context.listener.said(_announced(winner, chosen, before))
        finals = _train(context, winner, chosen, executor, folder, turn, end)
        confirmed = keep_model(context, (*before, *finals), executor, folder)
        data, environment = study.user_attrs.get("data", {}), dict(context.environment)
        provenance = {"study": study.study_name, "data": data, "environment": environment}
        papers = {**confirmed.to_dict(), **provenance}
        write_json(confirmed.model.with_suffix(".json"), papers)
        write_text(confirmed.model.with_suffix(".md"), card(papers))
        study.set_user_attr("confirmed", {**confirmed.to_dict(), "winner": winner.recipe.key})
        return confirmed
    finally:
        turn.release()


def _at_present(
    context: Context, plan: Plan, trials: Sequence[TrialRecord], executor: Executor
) -> Sequence[TrialRecord]:
    """The trials, those that contend at the pace that they have now, with all processes at work: others may load the machine
    more or less than in the search, and the finals are as long as there is time for."""
    rivals = [trial for trial in contending(context, plan, trials, MOST_ROUNDS * plan.workers) if trial.recipe]
    places = [rivals[place % len(rivals)] for place in range(max(len(rivals), plan.workers))]
    answers = perform_all(executor, [Pace(trial.recipe) for trial in places if trial.recipe])
    paces: dict[int, float] = {}
    for trial, answer in zip(places, answers, strict=True):
        if isinstance(answer, float):
            paces[trial.number] = max(answer, paces.get(trial.number, 0.0))
    return [at_pace(trial, paces[trial.number]) if trial.number in paces else trial for trial in trials]


def _announced(winner: TrialRecord, chosen: Sequence[RefitCandidate], before: Sequence[Final]) -> str:
    others = dict.fromkeys(each.trial for each in chosen if each.trial != winner.number)
    beside = f" and {', '.join(map(str, others))}" if others else ""
    kept = f"; kept from earlier calls: {len(before)}" if before else ""
    return f"confirming trial {winner.number}{beside} on {len(chosen)} fresh seeds{kept}"


def _finals_before(study: optuna.Study, folder: Folder) -> tuple[Final, ...]:
    """What earlier calls have trained and kept."""
    kept = study.user_attrs.get("confirming", {}).values()
    finals = (Final.from_dict(plain) for plain in kept if "recipe" in plain)  # version 0.1 did not keep it
    return tuple(each for each in finals if folder.model(member(each.recipe.key)).is_file())


def _train(
    context: Context,
    winner: TrialRecord,
    chosen: Sequence[RefitCandidate],
    executor: Executor,
    folder: Folder,
    turn: Lock,
    end: float,
) -> list[Final]:
    """Train what no earlier call has trained; each is kept in the storage as it ends. Those that can be used, in their order.

    Where the time decides, a training that has not ended at its end is stopped, and what it has become counts; and of
    several contenders one that cannot be trained is left out.
    """
    study, is_timed = context.study, context.file.fits_epochs
    known: dict[str, Any] = study.user_attrs.get("confirming", {})
    done = {each.recipe.key: each for each in _finals_before(study, folder)}
    missing = [each for each in chosen if each.recipe.key not in done]

    def watch(index: int, event: Event) -> bool:
        turn.renew()
        context.listener.confirms(missing[index].recipe, event)
        return not is_timed or time.monotonic() < end

    jobs = [_job(each.recipe, is_timed) for each in missing]
    for index, answer in perform(executor, jobs, watch):
        if not isinstance(answer, Result) or answer.ended == "diverged" or not (answer.validation or is_timed):
            if not is_timed or len(missing) == 1:
                _give_up(study, winner, missing[index].recipe.seed, answer)
            context.listener.said(f"left out: with seed {missing[index].recipe.seed} {_reason(answer)}")
            continue
        final = Final(missing[index], answer)
        done[final.recipe.key] = final
        known = {**known, final.recipe.key: final.to_dict()}
        study.set_user_attr("confirming", known)
        folder.checkpoint(final.recipe.key).unlink(missing_ok=True)
    if not done:
        _give_up(study, winner, chosen[0].recipe.seed, answer)
    return [done[each.recipe.key] for each in chosen if each.recipe.key in done]


def _job(recipe: Recipe, is_timed: bool) -> Train:
    """What is stopped because the time is up is saved as it is; else it leaves a checkpoint."""
    name = member(recipe.key)
    return Train(recipe, save=name, checkpoint=None if is_timed else recipe.key, save_stopped=is_timed)


def _give_up(study: optuna.Study, winner: TrialRecord, seed: int, answer: Answer) -> NoReturn:
    """A seed that diverges would do so in every call: that is kept. Another failure may pass."""
    assert winner.recipe is not None
    why = f"trial {winner.number} cannot be confirmed: with seed {seed} {_reason(answer)}"
    if isinstance(answer, Result):
        study.set_user_attr("unconfirmed", {**study.user_attrs.get("unconfirmed", {}), winner.recipe.key: why})
    raise Unconfirmed(why)


def _confirmed_before(context: Context, winner: TrialRecord) -> Confirmed | None:
    """The confirmation of an earlier call, if it was of this winner and its model is still there."""
    plain, file = context.study.user_attrs.get("confirmed"), context.file
    if plain is None or winner.recipe is None or plain["winner"] != winner.recipe.key:
        return None
    if not file.fits_epochs and len(plain["seeds"]) != file.confirmation.seeds:
        return None
    confirmed = Confirmed.from_dict(plain)
    return confirmed if confirmed.model.is_file() else None


def _reason(answer: Answer) -> str:
    return answer.reason if isinstance(answer, Failure | Result) else str(answer)
