"""Replicating documents as `tuner baseline` does it: run, keep, judge, write the results down."""

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from tuner.data.catalogue import CATALOGUE
from tuner.data.load import Places, training_set
from tuner.documents.assessment import Assessment, assess
from tuner.documents.document import Document
from tuner.documents.replicate import Planned, open_baseline, plan, replicate, stored_runs
from tuner.documents.runs import Run
from tuner.search.executors.processes import Processes
from tuner.search.jobs import Failure
from tuner.search.optimize import environment, prepare_folder
from tuner.storage import open_storage

Said = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What one call of `baseline` is to do. `only` is a pattern of experiments' names."""

    documents: Mapping[str, Document]
    storage: str
    places: Places
    results: Path
    only: str
    repeats: int
    every_reading: bool
    workers: int
    threads: int
    runs: Path


def baseline(orders: Orders, said: Said) -> dict[str, Assessment]:
    """Run what is not done yet and judge each document by all that is. Results are written after each document."""
    logs = prepare_folder(orders.runs, "documents")
    storage = open_storage(orders.storage)
    executor = Processes(orders.workers, orders.threads, orders.places, logs)
    assessments = {}
    try:
        for name, document in orders.documents.items():
            study = open_baseline(storage, f"document: {name}", document)
            _run(study, document, orders, executor, said)
            assessments[name] = assess(document, list(stored_runs(study)), held_out_sizes())
            write_runs(orders.results / f"{name}.json", document, list(stored_runs(study)), orders.threads)
    finally:
        executor.close()
    return assessments


def _run(study: optuna.Study, document: Document, orders: Orders, executor: Processes, said: Said) -> None:
    planned = list(plan(document, orders.only, orders.repeats, orders.every_reading))
    names: list[str] = list(dict.fromkeys(each.recipe.data.name for each in planned))
    data = {name: training_set(name, orders.places, said) for name in names}
    said(f"{document.title}: {len(planned)} runs are asked for")
    started = time.monotonic()
    answers = replicate(study, planned, data, executor, environment(orders.threads))
    for count, (each, answer) in enumerate(answers, start=1):
        said(f"{time.monotonic() - started:7.1f} s  {count:>3}  {_words(each, answer)}")


def _words(planned: Planned, answer: Run | Failure) -> str:
    reading = f" [{planned.variant.reading}]" if planned.variant.reading else ""
    name = f"{planned.variant.experiment.id}{reading} #{planned.repeat}"
    if isinstance(answer, Failure):
        return f"{name}: failed: {answer.reason}"
    test = answer.figures["test_accuracy"]
    told = planned.variant.experiment.reported.get("test_accuracy")
    beside = f" (reported {told})" if told is not None else ""
    return f"{name}: test accuracy {test:.4f}{beside}, {answer.seconds:.1f} s{_ended(answer)}"


def _ended(run: Run) -> str:
    return "" if run.ended == "finished" else f", {run.ended}"


def held_out_sizes() -> dict[str, int]:
    """How many images the test part of each data set has."""
    return {name: entry.test_examples for name, entry in CATALOGUE.items()}


def write_runs(path: Path, document: Document, runs: list[Run], threads: int) -> None:
    """Keep all runs of a document where reports read them: small, and without what the recipe says already."""
    plain = {
        "title": document.title,
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "environment": {name: value for name, value in environment(threads).items() if name != "host"},
        "seconds": round(sum({run.key: run.seconds for run in runs}.values()), 1),
        "runs": [run.to_dict() for run in sorted(runs, key=lambda run: run.names)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    aside.write_text(_lines(plain), encoding="utf-8")
    aside.replace(path)


def read_runs(path: Path) -> list[Run]:
    """The runs that `write_runs` kept."""
    return [Run.from_dict(each) for each in json.loads(path.read_text(encoding="utf-8"))["runs"]]


def _lines(plain: Mapping[str, Any]) -> str:
    """JSON with a run on each line: small, and its changes can be read."""
    head = json.dumps({name: value for name, value in plain.items() if name != "runs"}, indent=1)[:-2]
    runs = ",\n".join(f"  {json.dumps(run, separators=(',', ':'))}" for run in plain["runs"])
    return f'{head},\n "runs": [\n{runs}\n ]\n}}\n'
