"""Searching: what studies there are, what they search, doing it, doing one trial again."""

import json
from typing import Annotated

import typer

from tuner.commands.arguments import (
    DataDir,
    Name,
    Runs,
    Set,
    Storage,
    Study,
    demanded_storage,
    existing_storage,
    load_study_file,
    seconds_of,
    workers_of,
)
from tuner.errors import StudyError


def studies(runs: Runs = None, storage: Storage = None) -> None:
    """List the study files, and what the storage has of them."""
    from tuner.commands.tables import print_studies

    print_studies(existing_storage(runs, storage))


def check(
    study: Study,
    set_: Set = [],  # noqa: B006 (typer reads it, nobody changes it)
    build: Annotated[bool, typer.Option("--build", help="Also count the parameters of every corner.")] = False,
) -> None:
    """Decode every corner of a study's space, and print the space."""
    from tuner.commands.tables import print_corners, print_space

    file = load_study_file(study, set_, None)
    print_space(file)
    if build:
        print_corners(file)


def optimize(
    study: Study,
    trials: Annotated[int | None, typer.Option(min=1, help="Finished and pruned trials in all. [the file's]")] = None,
    more: Annotated[int | None, typer.Option(min=0, help="That many more than there are.")] = None,
    timeout: Annotated[str | None, typer.Option(help="Time for the search: 90s, 10m, 1h. [the file's]")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the search; --set seed=… is the training's.")] = None,
    set_: Set = [],  # noqa: B006
    name: Name = None,
    reset: Annotated[bool, typer.Option("--reset", help="Delete the study's old trials first.")] = False,
    workers: Annotated[
        str, typer.Option(metavar="N|auto", help="Training processes; auto: one for each core.")
    ] = "auto",
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Tell results in the order of trials: the same study on every run.")
    ] = False,
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> int:
    """Search, confirm the winner on fresh seeds, save its model and test it once. A second call continues."""
    from tuner.commands.progress import Tally, shown
    from tuner.commands.summary import as_json, print_summary
    from tuner.data.load import Places
    from tuner.machine import cores
    from tuner.search.optimize import Orders
    from tuner.search.optimize import optimize as run_study
    from tuner.storage import default_url
    from tuner.study.places import runs_folder

    settings = [*set_, *([f"search.seed={seed}"] if seed is not None else [])]
    file = load_study_file(study, settings, name)
    if trials is not None and more is not None:
        raise StudyError(
            "--trials and --more exclude each other: the first is a total, the second adds to what is there"
        )
    orders = Orders(
        file=file,
        runs=runs_folder(runs),
        storage=storage or default_url(runs_folder(runs)),
        places=Places.from_environment(data_dir),
        trials=trials or file.budget.trials,
        more=more,
        seconds=seconds_of(timeout) if timeout else file.budget.minutes * 60,
        reset=reset,
        workers=workers_of(workers),
        threads=max(1, cores() // workers_of(workers)),
        deterministic=deterministic,
    )
    with shown(Tally(file.objectives[0])) as listener:
        report = run_study(orders, listener)
    print_summary(report, orders)
    if json_:
        print(json.dumps(as_json(report, orders)))
    return 0 if report.best is not None else 1


def replay(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage.")],
    trial: Annotated[int, typer.Option(help="Number of the trial.")],
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> int:
    """Train one trial again and compare its curve with the stored one."""
    from tuner.data.load import Places
    from tuner.search.replay import replay as train_again
    from tuner.search.replay import trial_with_curve
    from tuner.storage import open_storage, read_study
    from tuner.worker.processes import Processes

    record = trial_with_curve(read_study(open_storage(demanded_storage(runs, storage)), study), trial)
    threads = int(record.environment.get("threads", "1"))
    executor = Processes(1, threads, Places.from_environment(data_dir), None)
    try:
        answer = train_again(record, executor)
    finally:
        executor.close()
    different = answer.first_difference
    if different is None:
        print(f"trial {trial}: the same curve again, {len(answer.now)} epochs to six digits")
        return 0
    print(f"trial {trial}: differs from epoch {different.number} of fold {different.fold} on")
    return 1
