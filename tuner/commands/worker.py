"""`worker`: takes part in the search of a study that `optimize` began, from any machine."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.base.errors import StorageError, StudyError
from tuner.commands.arguments import (
    RUNS,
    Artifacts,
    CheckpointSpace,
    CpusPerTrial,
    DataDir,
    Executor,
    GpusPerTrial,
    Json,
    Lease,
    Quiet,
    RayAddress,
    Runs,
    Storage,
    StoredStudy,
    Verbose,
    Workers,
    required_storage,
    seconds_of,
)

if TYPE_CHECKING:
    import optuna

PAUSE_SECONDS = 1.0
OPENING_SECONDS = 5.0
"""For how long a server may not answer that may be a wrong one."""


def worker(
    study: StoredStudy,
    minutes: Annotated[
        str | None, typer.Option(metavar="MINUTES", help="Time of this call: 10, or 90s, 1h. [as long as the search]")
    ] = None,
    wait: Annotated[str, typer.Option(metavar="TIME", help="How long to wait for a study that is yet to begin.")] = "",
    workers: Workers = "auto",
    executor: Executor = "processes",
    ray_address: RayAddress = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    lease: Lease = "20s",
    runs: Runs = RUNS,
    storage: Storage = None,
    artifacts: Artifacts = "",
    checkpoint_space: CheckpointSpace = 20.0,
    data_dir: DataDir = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    json_: Json = False,
) -> int:
    """Train trials of a study that `optimize` began, on this machine or another with the same storage, until its search ends."""
    from tuner.commands.optimize import search_and_print, training_processes
    from tuner.commands.terminal import print_message
    from tuner.data.sources import Places
    from tuner.search.joining import stored_file
    from tuner.search.lead import Goal
    from tuner.search.optimize import SearchOptions
    from tuner.storage.private import close

    where = training_processes(executor, workers, ray_address, cpus_per_trial, gpus_per_trial)
    places = Places.from_environment(data_dir)
    known = begun_study(study, runs, storage, seconds_of("--wait", wait) if wait else 0.0)
    goal = Goal.of(known, file := stored_file(known, places, print_message))
    close(known)
    seconds = seconds_of("--minutes", minutes, "m") if minutes else 0.0
    if not (seconds or goal.left):
        print(f"the search of {study!r} has ended; another call of `optimize` continues it, and workers can join that")
        return 0
    options = SearchOptions(
        file=file,
        runs=runs,
        storage=required_storage(runs, storage),
        places=places,
        trials=goal.trials,
        seconds=seconds or goal.seconds,
        elapsed=0.0 if seconds else goal.seconds - goal.left,
        enough=goal.enough,
        **where,
        lease_seconds=seconds_of("--lease", lease),
        artifacts=artifacts,
        checkpoint_space=int(checkpoint_space * 2**30),
        joins=True,
    )
    return search_and_print(options, runs, storage, quiet=quiet, verbose=verbose, as_object=json_)


def begun_study(study: str, runs: Path, storage: str | None, seconds: float) -> "optuna.Study":
    """The study, which may begin within so many seconds: there is one as soon as a leader has stored its goal. Where a server restarts,
    what is asked of it waits. Raises `StudyError` or `StorageError` where there is none after that."""
    from tuner.commands.terminal import print_message
    from tuner.search.lead import GOAL
    from tuner.storage import Patience, load_study, open_storage
    from tuner.storage.outages import PATIENCE_SECONDS

    end, opened, patience = time.monotonic() + seconds, None, Patience(print_message, OPENING_SECONDS)
    while True:
        try:
            opened = opened or open_storage(required_storage(runs, storage), patience)
            patience.seconds = PATIENCE_SECONDS
            known = load_study(opened, study)
            if GOAL in known.user_attrs or time.monotonic() >= end:
                return known
        except (StudyError, StorageError):
            if time.monotonic() >= end:
                raise
        time.sleep(PAUSE_SECONDS)
