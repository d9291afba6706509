"""A report on disk: the page in HTML and in Markdown with its figures, and its numbers for programs."""

import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial

from tuner import __version__
from tuner.data.load import Places
from tuner.errors import StorageError
from tuner.report.answer import answer_section, difference, documented, sentences
from tuner.report.chart import Chart
from tuner.report.content import Page, Picture
from tuner.report.cost_part import cost_section, provenance_section, saved_by_pruning
from tuner.report.documents_part import baselines_section, document_section
from tuner.report.evidence import DocumentEvidence, Evidence, gather
from tuner.report.html import page_as_html
from tuner.report.importance import METHOD, Importance, importances
from tuner.report.markdown import FIGURES, figure_name, page_as_markdown
from tuner.report.publish import publish
from tuner.report.search_part import search_section
from tuner.report.svg import draw
from tuner.report.timing import measure_latencies
from tuner.report.winner_part import winner_section
from tuner.storage import load_study, open_storage

STATES = ("complete", "pruned", "failed", "interrupted", "running", "waiting")
FOOTER = f"Made by tuner {__version__}. Every figure is in summary.json, trials.csv and baselines.csv beside this page."


def write_report(
    url: str,
    study: str,
    results: Path,
    places: Places,
    out: Path,
    runs: Path | None = None,
    latency: bool = False,
) -> Page:
    """Write the whole report into a folder; what an earlier report left there is replaced.

    With `runs`, the folder of the artifacts, it is shown in optuna-dashboard too; with `latency` the best networks are
    timed first. Raises `StudyError` where the storage has no such study, `StorageError` where the folder cannot be
    written.
    """
    storage = open_storage(url)
    opened = load_study(storage, study)
    if latency:
        measure_latencies(opened, places)
    evidence = gather(storage, study, url, results, places)
    trials = opened.get_trials(deepcopy=False)
    weights = importances(trials, evidence.record.maximize)
    page = compose(evidence, trials, weights)
    try:
        _write_files(page, summary(evidence, weights), tables(evidence), out)
    except OSError as error:
        raise StorageError(f"the report cannot be written to {out}: {error.strerror}; choose another --out") from error
    if runs is not None:
        publish(opened, evidence, page, out / "report.html", runs)
    return page


def searched_studies(url: str) -> list[str]:
    """The studies of a storage that `optimize` made."""
    storage = open_storage(url)
    return [name for name in optuna.get_all_study_names(storage) if "file" in load_study(storage, name).user_attrs]


def compose(evidence: Evidence, trials: Sequence[FrozenTrial], weights: Sequence[Importance]) -> Page:
    """The page: the answer first, the provenance last."""
    sections = (
        answer_section(evidence),
        baselines_section(evidence),
        search_section(evidence, trials, weights),
        winner_section(evidence),
        *(document_section(document) for document in evidence.documents),
        cost_section(evidence),
        provenance_section(evidence),
    )
    record = evidence.record
    counts = ", ".join(f"{count} {state}" for state in STATES if (count := record.count(state))) or "no"
    objectives = " and ".join(name.replace("_", " ") for name in record.objectives)
    return Page(evidence.title, f"Study {evidence.study}: {counts} trials, optimizing {objectives}.", sections)


def summary(evidence: Evidence, weights: Sequence[Importance]) -> dict[str, Any]:
    """Every figure of the page, for programs."""
    record, best, confirmed = evidence.record, evidence.record.best, evidence.confirmed
    documented_best, apart = documented(evidence), difference(evidence)
    epochs, seconds = saved_by_pruning(evidence)
    return {
        "study": evidence.study,
        "title": evidence.title,
        "answer": sentences(evidence),
        "trials": {state: record.count(state) for state in STATES},
        "objectives": list(record.objectives),
        "best": best and {"number": best.number, "values": list(best.values), "params": dict(best.params)},
        "confirmed": confirmed
        and {key: value for key, value in confirmed.to_dict().items() if key not in ("model", "predictions")},
        "best_documented": documented_best and asdict(documented_best),
        "difference": apart and asdict(apart),
        "importance": {"method": METHOD, "parameters": [asdict(each) for each in weights]} if weights else None,
        "saved_by_pruning": {"epochs": epochs, "seconds": seconds},
        "documents": {each.name: _document(each) for each in evidence.documents},
        "gaps": list(evidence.gaps),
        "data": dict(evidence.data),
    }


def _document(document: DocumentEvidence) -> dict[str, Any]:
    return {
        "readings": document.assessment.chosen,
        "seconds": document.assessment.seconds,
        "open": list(document.assessment.open),
        "claims": [
            {"says": each.claim.says, "judgement": each.chosen[0], "because": each.chosen[1]}
            for each in document.assessment.claims
        ],
        "figures": [
            {
                "experiment": row.experiment.id,
                "reading": row.chosen.reading,
                "figure": judged.figure,
                "reported": list(judged.reported),
                "measured": list(judged.measured),
                "margin": judged.margin,
                "verdict": judged.verdict,
                "reason": judged.reason,
            }
            for row in document.assessment.rows
            for judged in row.chosen.figures
        ],
        "curves": [
            {
                "experiment": row.experiment.id,
                "reading": row.chosen.reading,
                "figure": curve.figure,
                "points": [
                    {"reported": list(each.reported), "measured": list(each.measured), "verdict": each.verdict}
                    for each in curve.points
                ],
                "verdict": curve.verdict,
                "reason": curve.reason,
            }
            for row in document.assessment.rows
            for curve in row.chosen.curves
        ],
    }


def tables(evidence: Evidence) -> dict[str, pd.DataFrame]:
    """`trials.csv`: a row for each trial. `baselines.csv`: one for each run of a document."""
    trials = [
        {
            "number": trial.number,
            "state": trial.state,
            **dict(zip(evidence.record.objectives, trial.values, strict=False)),
            "parameters": trial.result.parameters if trial.result else None,
            "epochs": trial.result.epochs if trial.result else None,
            "seconds": trial.result.seconds if trial.result else None,
            "reason": trial.reason,
            **{f"params.{name}": value for name, value in trial.params.items()},
        }
        for trial in evidence.record.trials
    ]
    runs = [
        {
            "document": document.name,
            "experiment": run.experiment,
            "reading": run.reading,
            "repeat": run.repeat,
            "ended": run.ended,
            "seconds": run.seconds,
            **run.figures,
        }
        for document in evidence.documents
        for run in document.runs
    ]
    first = ["number", "state"]
    return {
        "trials.csv": pd.DataFrame(trials, columns=None if trials else first),
        "baselines.csv": pd.DataFrame(runs, columns=None if runs else ["document", "experiment"]),
    }


def _write_files(page: Page, figures: Mapping[str, Any], frames: Mapping[str, pd.DataFrame], out: Path) -> None:
    """Everything aside first, then in its place: a reader never sees half a report."""
    aside = out.with_name(f".{out.name}-{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    (aside / FIGURES).mkdir(parents=True)
    try:
        (aside / "report.html").write_text(page_as_html(page, FOOTER), encoding="utf-8")
        (aside / "report.md").write_text(page_as_markdown(page, FOOTER), encoding="utf-8")
        (aside / "summary.json").write_text(json.dumps(_plain(figures), indent=1) + "\n", encoding="utf-8")
        for name, frame in frames.items():
            frame.to_csv(aside / name, index=False)
        for block in page.blocks():
            if isinstance(block, Chart):
                (aside / FIGURES / figure_name(block)).write_text(draw(block, standalone=True), encoding="utf-8")
            elif isinstance(block, Picture):
                (aside / FIGURES / figure_name(block)).write_bytes(block.png)
        _replace(out, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _replace(out: Path, aside: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out / FIGURES, ignore_errors=True)
    for path in aside.iterdir():
        path.replace(out / path.name)


def _plain(value: Any) -> Any:
    """The same with texts for numbers that JSON lacks."""
    match value:
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
    return value
