"""Beginning a trial: a new training, a continued one, or a refused one. Each is written complete, in one piece; of two
processes that began the same thing, the trial with the lower number stands."""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState, create_trial

from tuner.recipe import Recipe
from tuner.refit.session import Session
from tuner.search.proposals import Proposal
from tuner.search.trial import RunningTrial
from tuner.storage import private
from tuner.storage.records import ARTIFACTS, recipe_attributes, store_failure, trial_record
from tuner.storage.trainings import DUPLICATE, StoredTraining


def begin(session: Session, proposal: Proposal, total: int) -> RunningTrial | None:
    """Begin a proposal. None if another process was faster: with the same recipe, or with the last of `total` trials."""
    assert proposal.recipe is not None
    trial = _create(session, proposal.recipe, proposal.params, proposal.distributions, _marks(proposal), proposal.kept)
    counting = [training for training in session.trainings() if training.counts]
    own = next((training for training in counting[:total] if training.first == trial.number), None)
    if own is None:
        _give_up(session, trial)
        return None
    clear_queue(session, proposal)
    return RunningTrial(session, trial, proposal.recipe, own)


def go_on(session: Session, training: StoredTraining) -> RunningTrial | None:
    """Continue a training as a trial of its own, with all its reported values. None if another process was faster."""
    recipe, last = recipe_of(session, training), training.last
    start = {name: value for name, value in training.segments[0].user_attrs.items() if name in ("start", "asked")}
    kept = {name: value for name, value in last.system_attrs.items() if not name.startswith(ARTIFACTS)}
    marks = {"continues": last.number, **start}
    trial = _create(session, recipe, last.params, last.distributions, marks, kept, last.intermediate_values)
    own = next((each for each in session.trainings() if each.last.number == trial.number), None)
    if own is None:
        _give_up(session, trial)
        return None
    return RunningTrial(session, trial, recipe, own)


def refuse(session: Session, proposal: Proposal, reason: str) -> None:
    """Store a proposal that cannot be trained here. For the sampler it is a bad result; a failed trial would be invisible."""
    trial = _create(session, proposal.recipe, proposal.params, proposal.distributions, _marks(proposal), proposal.kept)
    clear_queue(session, proposal)
    store_failure(trial, reason, ended="refused")
    trial.set_constraint("can be trained", 1.0)
    session.study.tell(trial, state=TrialState.PRUNED)
    session.listener.ended(trial_record(StoredTraining((private.frozen(trial),))))


def recipe_of(session: Session, training: StoredTraining) -> Recipe:
    """The recipe of a training."""
    plain = training.attributes.get("recipe")
    return session.file.fill(training.last) if plain is None else Recipe.from_dict(plain)


def _marks(proposal: Proposal) -> dict[str, Any]:
    marks = {"start": proposal.start, "asked": proposal.asked}
    return {name: value for name, value in marks.items() if value is not None}


def _create(
    session: Session,
    recipe: Recipe | None,
    params: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
    marks: Mapping[str, Any],
    kept: Mapping[str, Any],
    values: Mapping[int, float] | None = None,
) -> optuna.Trial:
    about = recipe_attributes(recipe, session.environment) if recipe else {}
    template = create_trial(
        state=TrialState.RUNNING,
        params=dict(params),
        distributions=dict(distributions),
        intermediate_values=dict(values or {}),
        user_attrs={**about, **marks, "lease": session.leases.lease()},
        system_attrs=dict(kept),
    )
    return private.begin(session.study, template)


def clear_queue(session: Session, proposal: Proposal) -> None:
    """End the queued trial whose proposal has become a trial of its own."""
    if proposal.queued is not None:
        waiting = private.claim(session.study, proposal.queued)
        if waiting is not None:
            _give_up(session, waiting)


def _give_up(session: Session, trial: optuna.Trial) -> None:
    store_failure(trial, "it is another trial already", ended=DUPLICATE)
    session.study.tell(trial, state=TrialState.FAIL)
