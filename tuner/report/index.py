"""The index page of all reports in a folder, made of their summaries."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from tuner.base.formatting import metric_label
from tuner.charts import GREY, PURPLE, Axis, Chart, Dots, Shape
from tuner.charts.colors import DATASET_COLORS
from tuner.charts.content import Cell, Link, Page, Paragraph, Section, Table, missing
from tuner.documents.assessment import Assessment
from tuner.documents.comparison import assessments_of, variance
from tuner.documents.figures import NORMAL
from tuner.documents.section import Searched, documents_table
from tuner.report.pages import write_page
from tuner.report.write import DOCUMENTS, documents_page
from tuner.report.write import FOOTER as REPORT_FOOTER
from tuner.storage.confirmed import Confirmed

FOOTER = "Each report has its figures in summary.json, trials.csv and baselines.csv."


def write_index(folder: Path, results: Path) -> None:
    """Write index.html and README.md for the reports in a folder, and anew the pages of the documents about their data, by what is in
    the results folder now, with the searches of all reports."""
    summaries: dict[str, dict[str, Any]] = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/summary.json"))
    }
    searches = [Searched(**plain["searched"]) for plain in summaries.values() if plain.get("searched")]
    documents: dict[str, Assessment] = {}
    for name, plain in summaries.items():
        about = assessments_of(plain["data"], results, [])
        documents |= {each.document.name: each for each in about}
        if about:
            page = documents_page(about, searches, plain["title"], plain["data"], _confirmed(plain))
            write_page(page, REPORT_FOOTER, folder / name / f"{DOCUMENTS}.html", folder / name / f"{DOCUMENTS}.md")
    write_page(index_page(summaries, tuple(documents.values())), FOOTER, folder / "index.html", folder / "README.md")


def index_page(summaries: Mapping[str, Mapping[str, Any]], documents: Sequence[Assessment]) -> Page:
    """A row for each report, with links, and one for each document."""
    if not summaries:
        section = Section("reports", "Reports", (missing("python -m tuner report --study NAME"),))
        return Page("Reports", "No report has been written yet.", (section,))
    columns = ("page", "as text", "trials", "metric", "searched, test", "documented, test", "difference")
    rows = tuple(_row(name, plain) for name, plain in summaries.items())
    note = "On the test set, means over seeds; the difference is in percentage points."
    table = Table("reports-table", "All studies", (*columns, "95 % interval"), rows, note)
    sections = [Section("reports", "Reports", (table, *_chart(summaries)))]
    if documents:
        sections.append(
            Section("documents", "The documents, replicated", (documents_table("documents-table", documents),))
        )
    for name, plain in summaries.items():
        sections.append(Section(name, plain["title"], tuple(Paragraph(sentence) for sentence in plain["answer"])))
    return Page("Reports", "What fixed grids reach, and what a search finds.", tuple(sections))


def _confirmed(plain: Mapping[str, Any]) -> Confirmed | None:
    """The winner of a summary, which names no files."""
    return plain["confirmed"] and Confirmed.from_dict({**plain["confirmed"], "model": ""})


def _row(name: str, plain: Mapping[str, Any]) -> tuple[Cell, ...]:
    confirmed, documented, apart = _confirmed(plain), plain["best_documented"], plain["difference"]
    return (
        Link(plain["title"], f"{name}/report.html"),
        Link("report.md", f"{name}/report.md"),
        sum(plain["trials"].values()),
        metric_label(confirmed.measure) if confirmed else None,
        round(fmean(confirmed.tested), 4) if confirmed and confirmed.tested else None,
        documented and round(fmean(documented["accuracies"]), 4),
        apart and f"{100 * apart['value']:+.2f}",
        apart and f"{100 * apart['low']:+.2f} to {100 * apart['high']:+.2f}",
    )


def _chart(summaries: Mapping[str, Mapping[str, Any]]) -> Iterator[Chart]:
    """The test errors of the best networks: searched ones in the colours of their data, documented ones in grey."""
    names, marks = list[str](), list[Dots]()
    for plain in summaries.values():
        confirmed, documented = _confirmed(plain), plain["best_documented"]
        if confirmed is None or confirmed.measure != "accuracy" or not confirmed.tested:
            continue
        place, examples = len(names), confirmed.test_examples
        names.append(plain["title"].partition(":")[0])
        if documented:
            marks.append(_wrong(GREY, place, documented["accuracies"], examples, "diamond"))
        color = DATASET_COLORS.get(confirmed.recipe.data.name, PURPLE)
        marks.append(_wrong(color, place, confirmed.tested, examples, "dot"))
    if not names:
        return
    title, height = "Searched and documented", 80 + 40 * len(names)
    axes = Axis("share of the test set that is classed wrong", scale="log", percent=True), Axis("", names=tuple(names))
    note = "Dots: found by the search, in the colour of the data set. Diamonds: the best documented network, in our runs. Bars: 95 % intervals, of the seeds and the test images."
    yield Chart("reports-chart", title, *axes, tuple(marks), note, 900, height)


def _wrong(color: str, place: int, accuracies: Sequence[float], examples: int, shape: Shape) -> Dots:
    wrong, half = 1 - fmean(accuracies), NORMAL * math.sqrt(variance(accuracies, examples))
    bounds = (max(wrong - half, 0.5 / examples), wrong + half)
    tip = f"{100 * wrong:.2f} % wrong ({100 * bounds[0]:.2f} to {100 * bounds[1]:.2f} %) over {len(accuracies)} seeds"
    point = (max(wrong, 0.5 / examples), float(place))
    return Dots("", color, (point,), (tip,), shape, 5.0, errors=(bounds,), sideways=True)
