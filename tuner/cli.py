"""The command line: read arguments, call one function, print. Errors become exit codes here and nowhere else.

0: good. 1: it worked, and the answer is no (no trial finished, say). 2: the user's mistake or circumstance.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tuner import __version__
from tuner.arguments import (
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
from tuner.errors import StudyError, TunerError

app = typer.Typer(
    name="tuner",
    help="Tunes Keras networks with Optuna: a study file is a recipe with holes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="List the data sets, or fetch them.", invoke_without_command=True)
app.add_typer(data_app, name="data")


def run(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    try:
        answer = app(args=arguments, standalone_mode=False)
    except TunerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if hasattr(error, "show"):  # a wrong option or argument
            error.show()
            return 2
        raise
    return answer if isinstance(answer, int) else 0


@app.command()
def studies(runs: Runs = None, storage: Storage = None) -> None:
    """List the study files, and what the storage has of them."""
    from tuner.tables import print_studies

    print_studies(existing_storage(runs, storage))


@app.command()
def check(
    study: Study,
    set_: Set = [],  # noqa: B006 (typer reads it, nobody changes it)
    build: Annotated[bool, typer.Option("--build", help="Also count the parameters of every corner.")] = False,
) -> None:
    """Decode every corner of a study's space, and print the space."""
    from tuner.tables import print_corners, print_space

    file = load_study_file(study, set_, None)
    print_space(file)
    if build:
        print_corners(file)


@app.command()
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
    from tuner.data.load import Places
    from tuner.machine import cores
    from tuner.places import runs_folder
    from tuner.progress import Tally, shown
    from tuner.search.optimize import Orders
    from tuner.search.optimize import optimize as run_study
    from tuner.storage import default_url
    from tuner.summary import as_json, print_summary

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


@app.command()
def baseline(
    study: Annotated[str, typer.Option("--study", "-s", help="The documents about this study's data; or all.")],
    document: Annotated[str, typer.Option(help="Only this document.")] = "*",
    only: Annotated[str, typer.Option(metavar="PATTERN", help="Only experiments whose names match.")] = "*",
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each experiment, each with a seed of its own.")] = 1,
    readings: Annotated[
        str, typer.Option(metavar="first|all", help="What documents leave unsaid, read how.")
    ] = "first",
    workers: Annotated[str, typer.Option(metavar="N|auto", help="Training processes; auto: one a core.")] = "auto",
    results: Annotated[
        Path, typer.Option(help="Folder of the results, one file a document; what they have is not run again.")
    ] = Path("reports/documents"),
    details: Annotated[
        bool, typer.Option("--details", help="Also layers, confusion matrix and figures by class of each experiment.")
    ] = False,
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> int:
    """Replicate documents' experiments and judge their figures. A second call runs only what is missing."""
    from tuner.data.load import Places
    from tuner.documents.baseline import Orders
    from tuner.documents.baseline import baseline as replicate
    from tuner.documents.document import load_document
    from tuner.documents.show import print_details, print_replication
    from tuner.machine import cores
    from tuner.places import find_documents, runs_folder
    from tuner.storage import default_url

    if readings not in ("first", "all"):
        raise TunerError(f"--readings {readings}: must be first or all")
    found = {name: load_document(path) for name, path in find_documents(document).items()}
    orders = Orders(
        documents={name: each for name, each in found.items() if study in (each.study, "all")},
        storage=storage or default_url(runs_folder(runs)),
        places=Places.from_environment(data_dir),
        results=results,
        only=only,
        repeats=repeats,
        every_reading=readings == "all",
        workers=workers_of(workers),
        threads=max(1, cores() // workers_of(workers)),
        runs=runs_folder(runs),
    )
    if not orders.documents:
        studies_of = ", ".join(sorted({each.study for each in found.values()}))
        raise TunerError(f"no document is about the study {study!r}; there are some about {studies_of}, or say all")
    replications = replicate(orders, lambda line: print(line, file=sys.stderr))
    for name, replication in replications.items():
        print_replication(name, replication)
        if details:
            print_details(replication, only)
    return 1 if any(replication.failures for replication in replications.values()) else 0


@app.command()
def report(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write into. [reports/NAME]")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the documents' results.")] = Path("reports/documents"),
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> None:
    """Write report.html, report.md, summary.json, trials.csv and baselines.csv about a study and its documents."""
    from tuner.data.load import Places
    from tuner.report.write import write_report

    folder = out or Path("reports") / study
    write_report(demanded_storage(runs, storage), study, results, Places.from_environment(data_dir), folder)
    print(folder / "report.html")


@app.command()
def replay(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage.")],
    trial: Annotated[int, typer.Option(help="Number of the trial.")],
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> int:
    """Train one trial again and compare its curve with the stored one."""
    from tuner.data.load import Places
    from tuner.search.executors.processes import Processes
    from tuner.search.replay import replay as train_again
    from tuner.search.replay import trial_with_curve
    from tuner.storage import open_storage, read_study

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


@app.command()
def dashboard(
    runs: Runs = None,
    storage: Storage = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8080,
) -> None:
    """Open optuna-dashboard on the storage, for this machine only."""
    from tuner.dashboard import serve
    from tuner.places import runs_folder

    serve(demanded_storage(runs, storage), runs_folder(runs), port)


@app.command()
def export(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study whose winner is confirmed.")],
    out: Annotated[Path, typer.Option(help="The .keras file to write; a .json goes beside it.")],
    runs: Runs = None,
    storage: Storage = None,
) -> None:
    """Write the confirmed winner's model and its papers."""
    from tuner.export import export_winner

    model, papers = export_winner(demanded_storage(runs, storage), study, out)
    print(f"{model}\n{papers}")


@data_app.callback()
def data(context: typer.Context, data_dir: DataDir = None) -> None:
    """List each data set: where it is or would come from, shapes, classes."""
    if context.invoked_subcommand is None:
        from tuner.data.load import Places
        from tuner.tables import print_data

        print_data(Places.from_environment(data_dir))


@data_app.command()
def fetch(names: Annotated[list[str], typer.Argument(help="Names of data sets.")], data_dir: DataDir = None) -> None:
    """Bring data sets to this machine."""
    from tuner.data.catalogue import CATALOGUE
    from tuner.data.load import Places
    from tuner.data.load import fetch as bring
    from tuner.errors import near_miss

    for name in names:
        if name not in CATALOGUE:
            raise TunerError(f"there is no data set {name!r}; {near_miss(name, CATALOGUE)}")
    for name in names:
        bring(name, Places.from_environment(data_dir), lambda line: print(line, file=sys.stderr))


@app.command()
def version() -> None:
    """Print the version."""
    print(f"tuner {__version__}")
