"""`optimize`: searches a study and confirms its winner."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuner.base.errors import StudyError
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
    Name,
    Quiet,
    RayAddress,
    Runs,
    Set,
    Storage,
    Study,
    Verbose,
    Workers,
    command_line,
    load_study_file,
    seconds_of,
    storage_url,
)

if TYPE_CHECKING:
    from tuner.search.optimize import SearchOptions
    from tuner.study import StudyFile


def optimize(
    study: Study,
    minutes: Annotated[
        str | None, typer.Option(metavar="MINUTES", help="Time of this call: 10, or 90s, 10m, 1h. [the file's]")
    ] = None,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="The same, always with a unit.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Finished and pruned trials in all. [the file's]")] = None,
    more: Annotated[int | None, typer.Option(min=0, help="Number of additional trials.")] = None,
    enough: Annotated[float, typer.Option(min=0.0, help="End when the expected improvement is below this.")] = 0.0,
    set_: Set = [],  # noqa: B006
    name: Name = None,
    reset: Annotated[bool, typer.Option("--reset", help="Delete the study's trials first.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the search; training: --set seed=…")] = None,
    warm_start: Annotated[
        list[str], typer.Option("--warm-start", metavar="STUDY", help="Also try the best recipes of a stored study.")
    ] = [],  # noqa: B006
    cold: Annotated[bool, typer.Option("--cold", help="Begin with the sampler's proposals, without starts.")] = False,
    deterministic: Annotated[
        bool,
        typer.Option("--deterministic", help="Report results in the order of the trials: runs give equal studies."),
    ] = False,
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
    """Search, refit the winner on fresh seeds, save its model and test it. A second call continues the study."""
    from tuner.data.sources import Places
    from tuner.search.optimize import SearchOptions

    settings = [*set_, *([f"search.seed={seed}"] if seed is not None else [])]
    file = load_study_file(study, settings, name)
    if trials is not None and more is not None:
        raise StudyError(TOTAL_AND_MORE)
    if minutes is not None and timeout is not None:
        raise StudyError("--minutes and --timeout exclude each other: both are the time of this call")
    seconds = seconds_of("--minutes", minutes, "m") if minutes else file.budget.minutes * 60
    seconds = seconds_of("--timeout", timeout) if timeout else seconds
    url, shared = storage_url(runs, storage), dict[str, Any](runs=runs, storage=storage, artifacts=artifacts)
    options = SearchOptions(
        file=file,
        runs=runs,
        storage=url,
        places=Places.from_environment(data_dir),
        trials=trials or file.budget.trials,
        more=more,
        seconds=seconds,
        reset=reset,
        deterministic=deterministic,
        **training_processes(executor, workers, ray_address, cpus_per_trial, gpus_per_trial),
        warm=warm_recipes(file, [] if cold else warm_start, url),
        cold=cold,
        enough=enough,
        command=command_line("optimize", study=study, name=name, set=settings, **shared, data_dir=data_dir),
        lease_seconds=seconds_of("--lease", lease),
        artifacts=artifacts,
        checkpoint_space=int(checkpoint_space * 2**30),
    )
    return search_and_print(options, runs, storage, quiet=quiet, verbose=verbose, as_object=json_)


def search_and_print(
    options: "SearchOptions", runs: Path, storage: str | None, *, quiet: bool, verbose: bool, as_object: bool
) -> int:
    """Search and print what came of it, `as_object` of JSON too; the exit status."""
    from tuner.commands.progress import progress_on_stderr
    from tuner.commands.results import print_outcome
    from tuner.outcome.words import as_json
    from tuner.search.optimize import optimize as run_study

    if quiet and verbose:
        raise StudyError("--quiet and --verbose exclude each other")
    with progress_on_stderr("quiet" if quiet else "verbose" if verbose else "usual") as listener:
        outcome = run_study(options, listener)
    if not (quiet and as_object):
        print_outcome(outcome, runs=runs, storage=storage, artifacts=options.artifacts)
    if as_object:
        print(json.dumps(as_json(outcome, options.storage)))
    if outcome.ended == "interrupt":
        return 130
    return 0 if outcome.best is not None else 1


def training_processes(
    executor: str, workers: str, ray_address: str | None, cpus: float | None, gpus: float | None
) -> dict[str, Any]:
    """The options of a search that say where it trains. Raises `TunerError` where those for Ray are used without it."""
    from tuner.base.machine import cores, worker_count, workers_asked
    from tuner.commands.terminal import print_message
    from tuner.worker.executor import Cluster

    if executor == "ray":
        cluster = Cluster(ray_address or "", 1.0 if cpus is None else cpus, gpus or 0.0)
        threads = max(1, int(cluster.cpus))
        return {"executor": executor, "cluster": cluster, "workers": workers_asked(workers), "threads": threads}
    for option, value in (("ray-address", ray_address), ("cpus-per-trial", cpus), ("gpus-per-trial", gpus)):
        if value is not None:
            raise StudyError(f"--{option} is for training in a Ray cluster: add --executor ray")
    count = worker_count(workers, print_message)
    return {"executor": executor, "workers": count, "threads": max(1, cores() // count)}


BEST_OF_EACH = 3
TOTAL_AND_MORE = "--trials and --more exclude each other: the first is a total, the second adds to the trials so far"


def warm_recipes(file: "StudyFile", studies: list[str], url: str) -> Callable[[], tuple[Any, ...]]:
    """A function that gives the recipes (plain data) that a new study tries after its own starts: the best of the named studies,
    then the best documented ones for the same data. A continued study never calls it."""
    from tuner.storage import open_storage, read_study

    others = [read_study(open_storage(url), name).ranking[:BEST_OF_EACH] for name in studies]
    recipes = [trial.recipe.to_dict() for trials in others for trial in trials if trial.recipe]

    def warm() -> tuple[Any, ...]:
        from tuner.documents.comparison import best_documented

        if not file.search.documented:
            return tuple(recipes)
        return (*recipes, *(each.to_dict() for each in best_documented(file.datasets)))

    return warm
