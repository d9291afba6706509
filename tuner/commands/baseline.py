"""The experiments of documents, replicated and judged."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tuner.base.errors import TunerError
from tuner.commands.arguments import RUNS, DataDir, Runs, Storage, Workers, storage_url


def baseline(
    study: Annotated[str, typer.Option("--study", "-s", help="The documents about this study's data; or all.")] = "all",
    document: Annotated[str, typer.Option(help="Only this document.")] = "*",
    only: Annotated[str, typer.Option(metavar="PATTERN", help="Only experiments whose names match.")] = "*",
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each experiment, each with a seed of its own.")] = 1,
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="3 runs of each experiment, then 6 and 10 where claims are undecided."),
    ] = False,
    readings: Annotated[Literal["first", "all"], typer.Option(help="Readings of silent fields to try.")] = "first",
    workers: Workers = "auto",
    results: Annotated[Path, typer.Option(help="Folder of stored results, one file a document.")] = Path(
        "reports/documents"
    ),
    details: Annotated[
        bool, typer.Option("--details", help="Also layers, confusion matrix and metrics by class of each experiment.")
    ] = False,
    runs: Runs = RUNS,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> int:
    """Replicate documents' experiments and judge their figures. A second call runs only what is missing."""
    from tuner.base.machine import cores, worker_count
    from tuner.commands.replication import print_details, print_replication
    from tuner.commands.terminal import print_message
    from tuner.data.sources import Places
    from tuner.documents.baseline import BaselineOptions
    from tuner.documents.baseline import baseline as replicate
    from tuner.documents.document import load_document
    from tuner.study.places import find_documents

    documents = [load_document(path) for path in find_documents(document).values()]
    about_study = [each for each in documents if study in (each.study, "all")]
    count = worker_count(workers, print_message)
    options = BaselineOptions(
        documents=tuple(each for each in about_study if each.matching(only)),
        storage=storage_url(runs, storage),
        places=Places.from_environment(data_dir),
        results=results,
        only=only,
        repeats=repeats,
        until_decided=until_decided,
        every_reading=readings == "all",
        workers=count,
        threads=max(1, cores() // count),
        runs=runs,
    )
    if not about_study:
        studies_of = ", ".join(sorted({each.study for each in documents}))
        raise TunerError(
            f"no document is about the study {study!r}; there are some about {studies_of}, or add --study all"
        )
    if not options.documents:
        raise TunerError(f"--only {only}: no document about {study} has such an experiment; --only '*' shows all")
    assessments = replicate(options, print_message).values()
    for assessment in assessments:
        print_replication(assessment)
        if details:
            print_details(assessment, only)
    return 1 if any(each.failures for each in assessments) else 0
