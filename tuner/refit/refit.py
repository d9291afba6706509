"""Training the best trials again: choose, train on fresh seeds, make the final model, test it once. Read this file first."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from tuner.base.errors import StudyError
from tuner.base.writing import write_json, write_text
from tuner.outcome.card import card
from tuner.recipe import Recipe
from tuner.refit.candidates import Candidate, candidates, contenders, fresh_seeds
from tuner.refit.final_model import Refit, make_final_model
from tuner.refit.ranking import RankedTrial, ranked_trials
from tuner.refit.session import Session
from tuner.refit.time_budget import MOST_ROUNDS, UNLIMITED, FixedEpochs, Minutes, TimeBudget
from tuner.result import Event, Result
from tuner.storage import TrialRecord
from tuner.storage.confirmed import Confirmed
from tuner.storage.leases import Lock
from tuner.worker import perform, perform_all
from tuner.worker.executor import Executor
from tuner.worker.folder import is_damaged, member
from tuner.worker.jobs import Answer, EpochTime, Train, reason_of


class Unconfirmed(StudyError):
    """A winner that could not be refitted."""


WORTH_MEASURING_SECONDS = 60.0
"""From so much time for refits on, epoch times are measured again."""

AT_LEAST_SECONDS = 5.0
"""For the first model of a study, if the time is over before its training has begun."""


def refit_best(
    session: Session, executor: Executor, budget: TimeBudget = UNLIMITED, end: float = math.inf
) -> Confirmed | None:
    """Refit the best trial that can be refitted until `end` (by the monotonic clock). Where one cannot, the next best takes
    its place. None if no trial could win."""
    for _ in session.record.trials:
        trials = session.record.ranking
        if not trials:
            return None
        try:
            return refit(session, trials, executor, budget, end)
        except Unconfirmed as why:
            session.listener.log(f"{why}; the next best trial takes its place")
    return None


def refit(
    session: Session,
    trials: Sequence[TrialRecord],
    executor: Executor,
    budget: TimeBudget = UNLIMITED,
    end: float = math.inf,
) -> Confirmed:
    """Refit the first of the trials (best first), and its contenders where the minutes decide, until `end`; write
    `best.keras`, `best.json`, `best.md` and `predictions.npz` into the folder.

    Seeds that an earlier call has trained are not trained again. With fixed epochs, a winner that is confirmed already is returned
    unchanged if its model is there. One process at a time does it. Raises `Unconfirmed` if a seed diverges or fails.
    """
    winner = trials[0]
    if winner.recipe is None:
        raise StudyError(f"trial {winner.number} has no recipe: it was not made by this program")
    lock = Lock(session.study, "confirmation", session.leases)
    with lock.held():
        confirmed = _confirmed_before(session, winner.recipe)
        if confirmed is not None and not session.file.fits_epochs:
            return confirmed
        earlier = stored_refits(session) if session.file.fits_epochs else ()
        chosen, end = _choose(session, budget, trials, executor, end, must=confirmed is None)
        if confirmed is not None and not chosen:
            return confirmed
        session.listener.phase("refitting")
        session.listener.log(_announcement(chosen, earlier))
        refits = _Refitting(session, winner, executor, end).train(chosen)
        if lock.is_ours:
            confirmed = replace(make_final_model(session, (*earlier, *refits), executor), best_trial=winner.number)
            _publish(session, confirmed, winner.recipe)
            return confirmed
    session.listener.log("another process refits since the storage did not answer")
    return refit(session, trials, executor, budget, end)


def _choose(
    session: Session,
    budget: TimeBudget,
    trials: Sequence[TrialRecord],
    executor: Executor,
    end: float,
    must: bool,
) -> tuple[tuple[Candidate, ...], float]:
    """The refits of this call and their end, which is not before one of them can train if there `must` be one."""
    if isinstance(budget, FixedEpochs):
        winner, recipe = trials[0], trials[0].recipe
        assert recipe is not None
        seeds = fresh_seeds(recipe.seed, session.file.confirmation.seeds)
        return tuple(Candidate(winner.number, replace(recipe, seed=seed)) for seed in seeds), math.inf
    ranking: Sequence[RankedTrial] = ranked_trials(session, trials)
    if end - time.monotonic() > WORTH_MEASURING_SECONDS:
        ranking = with_measured_epochs(budget, ranking, executor, end - time.monotonic())
    if must:
        end = max(end, time.monotonic() + min(AT_LEAST_SECONDS, budget.usable / 10))
    seconds = max(1.0, end - time.monotonic())
    return candidates(budget, ranking, seconds, [each.recipe for each in earlier_refits(session)]), end


def with_measured_epochs(
    budget: Minutes, trials: Sequence[RankedTrial], executor: Executor, left: float
) -> Sequence[RankedTrial]:
    """The trials; contenders with the epoch times of now, measured with all processes at work. Other work may load the machine
    more or less than during the search."""
    rivals = contenders(trials, MOST_ROUNDS * budget.workers, left / 2)
    busy = [rivals[place % len(rivals)] for place in range(max(len(rivals), budget.workers))]
    seconds: dict[int, float] = {}
    for each, answer in zip(busy, perform_all(executor, [EpochTime(each.recipe) for each in busy]), strict=True):
        if isinstance(answer, float):
            seconds[each.trial.number] = max(answer, seconds.get(each.trial.number, 0.0))
    return [replace(each, epoch_seconds=seconds.get(each.trial.number, each.epoch_seconds)) for each in trials]


def _announcement(chosen: Sequence[Candidate], earlier: Sequence[Refit]) -> str:
    trials = list(dict.fromkeys(each.trial for each in chosen))
    names = f"trial{'s' if len(trials) > 1 else ''} {', '.join(map(str, trials))}"
    before = f"; {len(earlier)} refits of earlier calls" if earlier else ""
    many = f": {len(chosen)} trainings on fresh seeds" if len(trials) > 1 else f" on {len(chosen)} fresh seeds"
    return f"refitting {names}{many}{before}"


def earlier_refits(session: Session) -> tuple[Refit, ...]:
    """The refits of earlier calls."""
    return tuple(map(Refit.from_dict, session.study.user_attrs.get("confirming", {}).values()))


def stored_refits(session: Session) -> tuple[Refit, ...]:
    """The refits of earlier calls whose models are still there. A damaged one is removed: this call does without it, or trains it again."""
    stored = [each for each in earlier_refits(session) if session.folder.model(each.name).is_file()]
    damaged = [each for each in stored if is_damaged(session.folder.model(each.name))]
    for each in damaged:
        session.listener.log(f"left out: {session.folder.model(each.name)} or its outputs are damaged")
        session.folder.forget(each.name)
    return tuple(each for each in stored if each not in damaged)


@dataclass(frozen=True)
class _Refitting:
    """Trains refits. Where the minutes decide, a training that has not ended at `end` is stopped and its last state counts; and a
    candidate that cannot be trained is left out if there are others."""

    session: Session
    winner: TrialRecord
    executor: Executor
    end: float

    def train(self, chosen: Sequence[Candidate]) -> list[Refit]:
        """Train what no earlier call has trained; each refit is stored as it ends. Those that can be used, in their order."""
        refits = {each.recipe.key: each for each in stored_refits(self.session)}
        missing = [each for each in chosen if each.recipe.key not in refits]
        jobs = [self._job(each.recipe) for each in missing]
        answer: Answer = 0
        for index, answer in perform(self.executor, jobs, self._watch(missing)):
            recipe = missing[index].recipe
            if not isinstance(answer, Result) or not self._is_usable(answer):
                if not self.session.file.fits_epochs or len(missing) == 1:
                    self._give_up(recipe.seed, answer)
                self.session.listener.log(
                    f"left out: trial {missing[index].trial} with seed {recipe.seed} {reason_of(answer)}"
                )
                continue
            refits[recipe.key] = Refit(missing[index].trial, recipe, answer)
            self._store(refits[recipe.key])
        if not refits:
            self._give_up(chosen[0].recipe.seed, answer)
        return [refits[each.recipe.key] for each in chosen if each.recipe.key in refits]

    def _watch(self, missing: Sequence[Candidate]) -> Callable[[int, Event], bool]:
        def watch(index: int, event: Event) -> bool:
            self.session.listener.refitting(missing[index].recipe, event)
            return time.monotonic() < self.end

        return watch

    def _job(self, recipe: Recipe) -> Train:
        """Where the minutes decide, the model of a stopped training is saved; else it leaves a checkpoint."""
        fits, averages = self.session.file.fits_epochs, self.session.members > 1
        checkpoint = None if fits else recipe.key
        return Train(recipe, member(recipe.key), checkpoint, save_stopped=fits, averages_folds=averages)

    def _is_usable(self, result: Result) -> bool:
        return result.ended != "diverged" and (result.validation is not None or self.session.file.fits_epochs)

    def _store(self, refit: Refit) -> None:
        study, key = self.session.study, refit.recipe.key
        study.set_user_attr("confirming", {**study.user_attrs.get("confirming", {}), key: refit.to_dict()})
        self.session.folder.checkpoint(key).unlink(missing_ok=True)

    def _give_up(self, seed: int, answer: Answer) -> NoReturn:
        """A seed that diverges would diverge in every call: that is stored. Another failure may pass."""
        assert self.winner.recipe is not None
        study = self.session.study
        why = f"trial {self.winner.number} cannot be confirmed: with seed {seed} {reason_of(answer)}"
        if isinstance(answer, Result):
            study.set_user_attr("unconfirmed", {**study.user_attrs.get("unconfirmed", {}), self.winner.recipe.key: why})
        raise Unconfirmed(why)


def _confirmed_before(session: Session, winner: Recipe) -> Confirmed | None:
    """The confirmed winner of an earlier call, if it is this one and its model is still there, and undamaged."""
    plain: dict[str, Any] | None = session.study.user_attrs.get("confirmed")
    if plain is None or plain["winner"] != winner.key:
        return None
    if not session.file.fits_epochs and len(plain["seeds"]) != session.file.confirmation.seeds:
        return None
    confirmed = Confirmed.from_dict(plain)
    if confirmed.model.is_file() and is_damaged(confirmed.model):
        session.listener.log(f"{confirmed.model} is damaged: it is made again")
        return None
    return confirmed if confirmed.model.is_file() else None


def _publish(session: Session, confirmed: Confirmed, winner: Recipe) -> None:
    """Write the model's metadata and card into its folder, and store what was confirmed."""
    study, plain = session.study, confirmed.to_dict()
    data, environment = study.user_attrs.get("data", {}), dict(session.environment)
    metadata = {**plain, "study": study.study_name, "data": data, "environment": environment}
    write_json(confirmed.model.with_suffix(".json"), metadata)
    write_text(confirmed.model.with_suffix(".md"), card(metadata))
    study.set_user_attr("confirmed", {**plain, "winner": winner.key})
