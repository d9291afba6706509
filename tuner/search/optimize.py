"""From a study file to a tuned, saved model: what `tuner optimize` does, without printing."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage

from tuner.base.errors import StudyError
from tuner.base.interrupts import lasting_interrupts
from tuner.base.machine import environment
from tuner.data.examples import TrainingSet
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.data.splits import folds_of
from tuner.outcome import Outcome
from tuner.outcome.words import write_note
from tuner.references import ReferenceModel
from tuner.refit.forecast import forecast
from tuner.refit.references import fit_references, seconds_for_references
from tuner.refit.refit import refit_best
from tuner.refit.session import CHECKPOINT_SPACE, Listener, Session
from tuner.refit.time_budget import time_budget, usable_seconds
from tuner.search.lead import Goal, Lead
from tuner.search.loop import Loop
from tuner.search.proposals import all_starts, make_sampler
from tuner.search.studies import delete_study, open_study
from tuner.storage import Patience, open_storage, raising_storage_errors
from tuner.storage.artifacts import open_artifacts
from tuner.storage.leases import LEASE_SECONDS, Leases
from tuner.study import StudyFile
from tuner.study.resolve import sources_in
from tuner.study.settings import NO_LIMIT
from tuner.training.costs import Preflight
from tuner.worker import make_executor
from tuner.worker.executor import Capacity, Cluster, Executor, Setup, capacity_of
from tuner.worker.folder import Folder


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The options of one call of `optimize`: `trials` is the total to reach, `more` adds to the stored ones. `command` continues
    the study on the command line; the trials of a dead process are taken over after `lease_seconds`. The search ends when further
    trials are expected to improve the objective by less than `enough`. A new study tries the recipes (plain data) of `warm` after
    its starts; with `cold` it has no starts. With `joins` this call belongs to the search that another one leads, of whose seconds
    some had `elapsed` before. `artifacts` is a folder or a bucket (see `open_artifacts`); checkpoints of paused trainings have
    `checkpoint_space` bytes."""

    file: StudyFile
    runs: Path
    storage: str
    places: Places
    trials: int
    seconds: float
    workers: int
    threads: int
    more: int | None = None
    reset: bool = False
    deterministic: bool = False
    executor: str = "processes"
    cluster: Cluster = Cluster()
    enough: float = 0.0
    warm: Callable[[], tuple[Any, ...]] = tuple
    cold: bool = False
    command: str = ""
    lease_seconds: float = LEASE_SECONDS
    joins: bool = False
    elapsed: float = 0.0
    artifacts: str = ""
    checkpoint_space: int = CHECKPOINT_SPACE

    @property
    def folder(self) -> Folder:
        """The study's folder."""
        return Folder(self.runs / self.file.name)


def optimize(options: SearchOptions, listener: Listener) -> Outcome:
    """Search, then refit the best. Continues the study if the storage has it.

    Raises `StorageError` if the storage fails on the way; earlier results stay stored.
    """
    started = time.monotonic() - options.elapsed
    if options.deterministic and options.file.fits_epochs:
        problem = "the number of epochs of a trial depends on this machine's speed"
        raise StudyError(f"--deterministic needs --set budget.epochs=fixed: with 'fit' {problem}")
    make_sampler(options.file.search.sampler, seed=0)  # reports a missing package before anything is created
    options.folder.prepare()
    setup = Setup(options.places, options.workers, options.threads, options.folder, cluster=options.cluster)
    setup = replace(setup, sources=sources_in(options.file.resolved["recipe"]))
    executor = make_executor(options.executor, setup)  # its processes import in parallel with what follows
    try:
        with raising_storage_errors(options.storage), lasting_interrupts():
            return _optimize(replace(options, workers=executor.size), executor, listener, started)
    finally:
        executor.close()


def _optimize(options: SearchOptions, executor: Executor, listener: Listener, started: float) -> Outcome:
    capacity = capacity_of(executor)
    if capacity.text:
        listener.log(capacity.text)
    patience = Patience(listener.log)
    study, file = _open(open_storage(options.storage, patience), options, listener)
    session = replace(_session(study, file, options, capacity, listener), patience=patience)
    seconds = options.seconds - seconds_for_references(session, options.seconds)
    budget = time_budget(file, seconds, executor.size)
    done = sum(training.counts for training in session.trainings())
    total = options.trials or NO_LIMIT if options.more is None else done + options.more
    left = seconds - (time.monotonic() - started)
    listener.planned(session.record, total, options.seconds - (time.monotonic() - started))
    lead = Lead(session, Goal(total, options.seconds, left, options.enough), started)
    with ExitStack() as leading:
        if not options.joins:
            leading.enter_context(lead.held())
        leading.enter_context(patience.ending())
        ended = Loop(session, executor, budget, options.enough).run(total, left)
        leader = lead.leader() if options.joins and ended != "interrupt" else ""
        ends_here = ended != "interrupt" and not leader
        confirmed, references = None, tuple[ReferenceModel, ...]()
        if ends_here:
            if options.joins:
                leading.enter_context(lead.held())
            confirmed = refit_best(session, executor, budget, started + usable_seconds(seconds))
            references = fit_references(session, executor, confirmed, options.seconds)
        record = session.record
        best, expected = next(iter(record.ranking), None), forecast(session, record, confirmed)
        took = time.monotonic() - started
        outcome = Outcome(record, best, confirmed, references, expected, ended, took, leader)
        if ends_here:
            write_note(study, file, outcome)
            lead.finish()
    return outcome


def _open(storage: BaseStorage, options: SearchOptions, listener: Listener) -> tuple[optuna.Study, StudyFile]:
    """The study, and its file as the study began with it."""
    if options.reset:
        deleted = delete_study(storage, options.file.name, options.runs, options.artifacts)
        listener.log(f"deleted the study {options.file.name!r} with {deleted} trials")
    study, file, differences = open_study(storage, options.file)
    for difference in differences:
        listener.log(f"changed since the study began: {difference}")
    if "starts" not in study.user_attrs and not study.get_trials(deepcopy=False):
        study.set_user_attr("starts", [] if options.cold else list(all_starts(file, options.warm())))
    if options.command and options.command != study.user_attrs.get("command"):
        study.set_user_attr("command", options.command)
    if file.unbuildable:
        listener.log(str(file.unbuildable))
    if options.workers > 1 and not options.deterministic and not file.fits_epochs:
        hint = "what ends first depends on the machine; --deterministic makes a seed give the same study every time"
        listener.log(f"{options.workers} training processes: {hint}")
    return study, file


def _session(
    study: optuna.Study, file: StudyFile, options: SearchOptions, capacity: Capacity, listener: Listener
) -> Session:
    data = _check_data(study, file, options.places, listener)
    session = Session(
        study=study,
        file=file,
        leases=Leases(study, options.lease_seconds),
        listener=listener,
        environment=environment(options.threads) | {"device": capacity.device},
        preflight=Preflight(data, capacity.memory),
        artifacts=open_artifacts(options.runs, options.artifacts, listener.log),
        folder=options.folder,
        deterministic=options.deterministic,
        checkpoint_space=options.checkpoint_space,
    )
    if any(training.state == "running" for training in session.swept_trainings()):
        listener.log(f"others may be at work on this study; in {options.lease_seconds:.0f} s that will be clear")
    return session


def _check_data(study: optuna.Study, file: StudyFile, places: Places, listener: Listener) -> dict[str, TrainingSet]:
    """The data sets, read before the first trial. Raises `StudyError` if they have changed since the study began."""
    before = study.user_attrs.get("data", {})
    now, sets = {}, {}
    for each in file.data:
        name, data = each.name, training_set(each, places, listener.log)
        sets[name] = data
        listener.log(f"data: {name}, {len(data.examples)} training examples, {data.origin}")
        now[name] = data.identity
        if before.get(name, data.identity) != data.identity:
            raise StudyError(f"the study began with another version of {name} ({before[name]}, now {data.identity})")
    if before != now:
        study.set_user_attr("data", now)
    first = file.corners[0][1]
    folds_of(first.protocol, sets[first.data.name])  # fills the cache while training processes import
    return sets
