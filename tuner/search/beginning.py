"""Beginning a trial: a new training, a continued one, or a refused one. Each is written complete, in one piece; if two
processes begin the same thing, the trial with the lower number counts."""

import socket
from collections.abc import Sequence

import optuna
from optuna.trial import TrialState, create_trial

from tuner.recipe import Recipe
from tuner.refit.session import Session
from tuner.search.proposals import Proposal
from tuner.search.trial import RunningTrial
from tuner.storage import private
from tuner.storage.records import recipe_attributes, store_failure, trial_record
from tuner.storage.trainings import DUPLICATE, LONG, StoredTraining


def begin(session: Session, proposal: Proposal, total: int) -> RunningTrial | None:
    """Begin a proposal. None if another process was faster: with the same recipe, or with the last of `total` trials."""
    trial = _create(session, proposal)
    counting = [training for training in session.trainings() if training.counts]
    running = _running(session, proposal, trial, counting[:total])
    if running is not None:
        clear_queue(session, proposal)
    return running


def continue_training(session: Session, training: StoredTraining, longer: Recipe | None = None) -> RunningTrial | None:
    """Continue a training, or take a `longer` look at its recipe, as a trial of its own with all its reported values. None if another
    process was faster."""
    last = training.last
    attributes = {
        name: value
        for name, value in last.system_attrs.items()
        if not name.startswith(private.ARTIFACTS) and name not in LONG
    }
    proposal = Proposal(
        recipe=longer or recipe_of(session, training),
        params=last.params,
        distributions=last.distributions,
        system_attributes=attributes,
        start=training.start,
        asked=training.segments[0].user_attrs.get("asked"),
        continues=last,
    )
    running = _running(session, proposal, _create(session, proposal), session.trainings())
    if running is not None and longer is None:
        _fetch_checkpoint(session, training)
    return running


def _fetch_checkpoint(session: Session, training: StoredTraining) -> None:
    """Bring the checkpoint of another machine here, or say that it is missing."""
    host, shared = training.last.user_attrs.get("lease", {}).get("host"), session.shared_checkpoints
    path, is_elsewhere = session.folder.checkpoint(str(training.first)), host not in (None, socket.gethostname())
    if shared and (is_elsewhere or not path.is_file()):
        shared.fetch(training.first)
    if is_elsewhere and not path.is_file():
        where = f"{path.parent} or {shared.bucket.url}" if shared else path.parent
        problem = f"its checkpoint of {host} is not in {where}"
        session.listener.log(f"trial {training.last.number} continues from its first epoch: {problem}")


def refuse(session: Session, proposal: Proposal, reason: str) -> None:
    """Store a proposal that cannot be trained here. For the sampler it is a bad result; a failed trial would be invisible."""
    trial = _create(session, proposal)
    clear_queue(session, proposal)
    store_failure(trial, reason, ended="refused")
    trial.set_constraint("can be trained", 1.0)
    session.study.tell(trial, state=TrialState.PRUNED)
    session.listener.ended(trial_record(StoredTraining((private.frozen(trial),))))


def recipe_of(session: Session, training: StoredTraining) -> Recipe:
    """The recipe of a training."""
    plain = training.attributes.get("recipe")
    return session.file.fill(training.last) if plain is None else Recipe.from_dict(plain)


def clear_queue(session: Session, proposal: Proposal) -> None:
    """End the queued trial whose proposal has become a trial of its own."""
    if proposal.queued is not None:
        waiting = private.claim(session.study, proposal.queued)
        if waiting is not None:
            _give_up(session, waiting)


def _create(session: Session, proposal: Proposal) -> optuna.Trial:
    before = proposal.continues
    marks = {"continues": before and before.number, "start": proposal.start, "asked": proposal.asked}
    about = recipe_attributes(proposal.recipe, session.environment) if proposal.recipe else {}
    template = create_trial(
        state=TrialState.RUNNING,
        params=dict(proposal.params),
        distributions=dict(proposal.distributions),
        intermediate_values=dict(before.intermediate_values) if before else {},
        user_attrs={
            **{name: value for name, value in about.items() if name not in LONG},
            **{name: value for name, value in marks.items() if value is not None},
            "lease": session.leases.lease(),
        },
        system_attrs={**proposal.system_attributes, **{name: about[name] for name in LONG & about.keys()}},
    )
    return private.begin(session.study, template)


def _running(
    session: Session, proposal: Proposal, trial: optuna.Trial, trainings: Sequence[StoredTraining]
) -> RunningTrial | None:
    """The trial as a running one if it is the last of one of the trainings; else it has been another process's turn."""
    own = next((training for training in trainings if training.last.number == trial.number), None)
    if own is None:
        _give_up(session, trial)
        return None
    assert proposal.recipe is not None
    return RunningTrial(session, trial, proposal.recipe, own)


def _give_up(session: Session, trial: optuna.Trial) -> None:
    store_failure(trial, "it is another trial already", ended=DUPLICATE)
    session.study.tell(trial, state=TrialState.FAIL)
