"""From a study file to a tuned, saved model: what `tuner optimize` does, without printing."""

import platform
import socket
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import optuna
from optuna.storages import BaseStorage

from tuner import __version__
from tuner.data.catalogue import CATALOGUE
from tuner.data.load import Places, training_set
from tuner.data.parts import TrainingSet
from tuner.errors import StorageError, StudyError
from tuner.machine import cores, memory, processor
from tuner.search.conductor import Conductor, Outcome
from tuner.search.confirmation import Confirmed, confirm
from tuner.search.costs import Costs
from tuner.search.interfaces import Listener
from tuner.search.notes import write_note
from tuner.search.preflight import Preflight
from tuner.search.samplers import make_sampler
from tuner.search.studies import as_begun, delete_study, open_study, take_back_orphans
from tuner.search.trials import Trials
from tuner.storage import StudyRecord, TrialRecord, open_storage, read_study
from tuner.study import StudyFile
from tuner.worker.executor import Executor
from tuner.worker.processes import Processes

SHARE_OF_MEMORY = 0.9
"""Of the machine's memory, that training processes may have together."""


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What one call of `optimize` is to do: `trials` is the total to reach, `more` adds to what is there."""

    file: StudyFile
    runs: Path
    storage: str
    places: Places
    trials: int
    more: int | None
    seconds: float
    reset: bool
    workers: int
    threads: int
    deterministic: bool


@dataclass(frozen=True)
class Report:
    """What one call of `optimize` came to. `best` and `confirmed` are None where no trial has finished."""

    record: StudyRecord
    outcome: Outcome
    best: TrialRecord | None
    confirmed: Confirmed | None
    seconds: float


def optimize(orders: Orders, listener: Listener) -> Report:
    """Search as ordered, then confirm the winner. Continues what the storage has of this study."""
    started = time.monotonic()
    make_sampler(orders.file.search.sampler, seed=0)  # a missing package is told before anything is made
    folder = prepare_folder(orders.runs, orders.file.name)
    executor = Processes(orders.workers, orders.threads, orders.places, folder)  # imports while we go on
    try:
        storage = open_storage(orders.storage)
        if orders.reset:
            deleted = delete_study(storage, orders.file.name, orders.runs)
            listener.said(f"deleted the study {orders.file.name!r} with {deleted} trials")
        orders = replace(orders, file=as_begun(storage, orders.file))
        study = _open(storage, orders, listener)
        outcome = _search(study, orders, executor, listener)
        best = read_study(storage, orders.file.name).best
        confirmed = _confirm(study, orders, best, executor, listener) if best and outcome.ended != "interrupt" else None
    finally:
        executor.close()
    record = read_study(storage, orders.file.name)
    write_note(study, orders.file, record, confirmed)
    return Report(record, outcome, best, confirmed, time.monotonic() - started)


def prepare_folder(runs: Path, name: str) -> Path:
    """The study's folder under `runs`, made if need be. Raises `StorageError` where that cannot be."""
    try:
        (runs / "artifacts").mkdir(parents=True, exist_ok=True)
        (runs / name).mkdir(exist_ok=True)
        probe = runs / name / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        problem = f"the folder {runs} cannot be written: {error.strerror}; choose another with --runs"
        raise StorageError(problem) from error
    return runs / name


def _open(storage: BaseStorage, orders: Orders, listener: Listener) -> optuna.Study:
    study, differences = open_study(storage, orders.file)
    for difference in differences:
        listener.said(f"changed since the study began: {difference}")
    if orders.file.unbuildable:
        listener.said(str(orders.file.unbuildable))
    if orders.workers > 1 and not orders.deterministic:
        hint = "what ends first depends on the machine; --deterministic makes a seed give the same study every time"
        listener.said(f"{orders.workers} training processes: {hint}")
    again = take_back_orphans(study)
    if again:
        listener.said(f"{again} trials of a process that is gone are queued again")
    return study


def _search(study: optuna.Study, orders: Orders, executor: Executor, listener: Listener) -> Outcome:
    data = _check_data(study, orders, listener)
    counted = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    done = len(study.get_trials(deepcopy=False, states=counted))
    trials = done + orders.more if orders.more is not None else orders.trials
    own = Trials(
        study,
        orders.file,
        listener,
        environment(orders.threads),
        orders.runs / "artifacts",
        worker=0,
        deterministic=orders.deterministic,
        checkpoints=orders.runs / orders.file.name / "checkpoints",
        preflight=Preflight(data, int(SHARE_OF_MEMORY * memory()) // orders.workers, Costs()),
    )
    return Conductor(own, executor).run(trials, orders.seconds)


def _check_data(study: optuna.Study, orders: Orders, listener: Listener) -> dict[str, TrainingSet]:
    """The data sets, there before the first trial. Those that the study began with, or a `StudyError`."""
    before = study.user_attrs.get("data", {})
    now, sets = {}, {}
    for name in orders.file.datasets:
        data = sets[name] = training_set(name, orders.places, listener.said)
        listener.said(f"data: {name}, {len(data.examples)} training examples, {data.origin}")
        now[name] = data.identity
        if before.get(name, data.identity) != data.identity:
            raise StudyError(f"the study began with another version of {name} ({before[name]}, now {data.identity})")
    if before != now:
        study.set_user_attr("data", now)
    return sets


def _confirm(
    study: optuna.Study, orders: Orders, best: TrialRecord, executor: Executor, listener: Listener
) -> Confirmed:
    assert best.recipe is not None
    name = best.recipe.data.name
    return confirm(
        study,
        best,
        orders.file.confirmation.seeds,
        executor,
        listener,
        orders.runs / orders.file.name,
        CATALOGUE[name].test_examples,
        {"study": orders.file.name, "data": study.user_attrs["data"], "environment": environment(orders.threads)},
    )


def environment(threads: int) -> dict[str, str]:
    """Versions, machine and threads, as they are kept with every trial."""
    packages = ("tensorflow", "keras", "optuna", "numpy")
    return {
        "tuner": __version__,
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "processor": processor(),
        "cores": str(cores()),
        "host": socket.gethostname(),
        "threads": str(threads),
    }
