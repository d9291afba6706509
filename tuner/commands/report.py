"""`report`: pages and figures about a study."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.commands.arguments import DataDir, Runs, Storage, required_storage


def report(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage, or all.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write into. [reports/NAME]")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the documents' results.")] = Path("reports/documents"),
    latency: Annotated[
        bool, typer.Option("--latency", help="Measure the latency of the best networks first, on this machine.")
    ] = False,
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> None:
    """Write report.html, report.md, summary.json, trials.csv and baselines.csv, and attach the report to the study in optuna-dashboard."""
    from tuner.data.sources import Places
    from tuner.report.index import write_index
    from tuner.report.write import searched_studies, write_report
    from tuner.study.places import runs_folder

    url, places = required_storage(runs, storage), Places.from_environment(data_dir)
    for name in searched_studies(url) if study == "all" else [study]:
        folder = out / name if out and study == "all" else out or Path("reports") / name
        write_report(url, name, results, places, folder, runs_folder(runs), latency)
        print(folder / "report.html")
    if study == "all":
        write_index(out or Path("reports"))
