"""A report on disk: its pages as HTML and Markdown, their figures, and its data for programs."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pandas as pd

from tuner import __version__
from tuner.base.errors import StorageError
from tuner.base.formatting import metric_label
from tuner.base.writing import remove, temporary_folder
from tuner.charts.content import Link, Page, Section
from tuner.data.sources import Places
from tuner.documents.assessment import Assessment
from tuner.documents.comparison import overview_section
from tuner.documents.section import Searched, document_section
from tuner.report.answer import answer_blocks
from tuner.report.evidence import Evidence, gather
from tuner.report.measuring import measure_columns, measure_latencies
from tuner.report.pages import FIGURES, write_page
from tuner.report.publish import publish
from tuner.report.sections.cost import cost_blocks, provenance_blocks
from tuner.report.sections.references import reference_blocks
from tuner.report.sections.search import search_blocks
from tuner.report.sections.trials import state_name
from tuner.report.sections.winner import winner_blocks
from tuner.report.summary import STATES, summary, tables
from tuner.storage import load_study, open_storage
from tuner.storage.artifacts import open_artifacts
from tuner.storage.confirmed import Confirmed

DOCUMENTS = "documents"
"""The name of the page on the documents, which are longer than all else."""

FOOTER = (
    f"Made by tuner {__version__}. Every figure is in summary.json, trials.csv and baselines.csv next to this page."
)


def write_report(
    url: str,
    study: str,
    results: Path,
    places: Places,
    out: Path,
    runs: Path | None = None,
    *,
    artifacts: str = "",
    latency: bool = False,
) -> Page:
    """Write the report into a folder, in place of an earlier one.

    With `runs` optuna-dashboard shows it too, from `artifacts` (see `open_artifacts`). With `latency` the best networks are timed
    first. Raises `StudyError` if the storage has no such study, `StorageError` if the folder cannot be written.
    """
    opened = load_study(open_storage(url), study)
    if latency:
        measure_latencies(opened, places)
    measure_columns(opened, places)
    evidence = gather(opened, url, results, places)
    pages = report_pages(evidence)
    try:
        _write_files(pages, summary(evidence, tuple(pages.values())), tables(evidence), out)
    except OSError as error:
        raise StorageError(f"the report cannot be written to {out}: {error.strerror}; choose another --out") from error
    if runs is not None:
        publish(opened, evidence, tuple(pages.values()), out, open_artifacts(runs, artifacts))
    return pages["report"]


def searched_studies(url: str) -> list[str]:
    """The studies of a storage that `optimize` created."""
    storage = open_storage(url)
    return [name for name in optuna.get_all_study_names(storage) if "file" in load_study(storage, name).user_attrs]


def report_pages(evidence: Evidence) -> dict[str, Page]:
    """The pages by the names of their files: the report, and the documents on the same data."""
    if not evidence.documents:
        return {"report": report_page(evidence)}
    searches = (evidence.searched,) if evidence.searched else ()
    page = documents_page(evidence.documents, searches, evidence.title, evidence.data, evidence.confirmed)
    return {"report": replace(report_page(evidence), links=(Link(page.title, DOCUMENTS),)), DOCUMENTS: page}


def documents_page(
    documents: Sequence[Assessment],
    searches: Sequence[Searched],
    study: str,
    datasets: Collection[str],
    confirmed: Confirmed | None,
) -> Page:
    """The documents about a study's data sets, which link back to its report; the `searches` stand beside their networks."""
    back = (Link(f"Back to the report: {study}", "report"),)
    sections = (
        *(document_section(each, searches) for each in documents),
        overview_section(documents, datasets, confirmed),
    )
    lead = "What the documents report, and what our runs of their networks reach."
    return Page("The documents on this data, replicated", lead, sections, back)


def report_page(evidence: Evidence) -> Page:
    """The page: the answer first, the provenance last."""
    record, own = evidence.record, evidence.own
    model: tuple[Section, ...] = ()
    if record.objectives:  # a script's study has no refits
        model = (
            Section("winner", "The winner", tuple(winner_blocks(evidence))),
            Section("anchors", "Reference models", tuple(reference_blocks(evidence))),
        )
    sections = (
        Section("answer", "The answer", tuple(answer_blocks(evidence))),
        Section("search", "The search", tuple(search_blocks(evidence))),
        *model,
        *((Section("data", "The data", own),) if own else ()),
        Section("cost", "Cost", tuple(cost_blocks(evidence))),
        Section("provenance", "Provenance", tuple(provenance_blocks(evidence))),
    )
    states = Counter(map(state_name, sorted(record.trials, key=lambda trial: STATES.index(trial.state))))
    counts = ", ".join(f"{count} {state}" for state, count in states.items()) or "no"
    objectives = " and ".join(map(metric_label, record.objectives)) or "what its script returns"
    trials = "trial" if len(record.trials) == 1 else "trials"
    return Page(evidence.title, f"Study {record.name}: {counts} {trials}, optimizing {objectives}.", sections)


def _write_files(
    pages: Mapping[str, Page], figures: Mapping[str, Any], frames: Mapping[str, pd.DataFrame], out: Path
) -> None:
    """Write all files to a temporary folder first: a reader never sees half a report."""
    with temporary_folder(out.parent) as folder:
        (folder / FIGURES).mkdir()
        for name, page in pages.items():
            write_page(page, FOOTER, folder / f"{name}.html", folder / f"{name}.md")
        (folder / "summary.json").write_text(_json_lines(figures), encoding="utf-8")
        for name, frame in frames.items():
            frame.to_csv(folder / name, index=False)
        _replace(out, folder)


def _replace(out: Path, folder: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for earlier in (FIGURES, f"{DOCUMENTS}.html", f"{DOCUMENTS}.md"):
        remove(out / earlier)
    for path in folder.iterdir():
        path.replace(out / path.name)


def _json_lines(figures: Mapping[str, Any]) -> str:
    """JSON with one line for each key."""
    lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in figures.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
