"""The index page of all reports in a folder, made of their summaries."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from tuner.base.formatting import metric_label
from tuner.charts import GREY, PURPLE, Axis, Chart, Dots, Shape
from tuner.charts.colors import DATASET_COLORS
from tuner.charts.content import Cell, Link, Page, Paragraph, Section, Table, missing
from tuner.documents.claims import JUDGEMENTS
from tuner.documents.comparison import variance
from tuner.documents.figures import NORMAL
from tuner.documents.verdicts import VERDICTS
from tuner.report.html import page_as_html
from tuner.report.markdown import page_as_markdown, write_figures

FOOTER = "Each report has its figures in summary.json, trials.csv and baselines.csv."


def write_index(folder: Path) -> None:
    """Write index.html and README.md for the reports in a folder."""
    summaries = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/summary.json"))
    }
    page = index_page(summaries)
    (folder / "index.html").write_text(page_as_html(page, FOOTER), encoding="utf-8")
    (folder / "README.md").write_text(page_as_markdown(page, FOOTER), encoding="utf-8")
    write_figures(page, folder)


def index_page(summaries: dict[str, dict[str, Any]]) -> Page:
    """A row for each report, with links."""
    if not summaries:
        section = Section("reports", "Reports", (missing("python -m tuner report --study NAME"),))
        return Page("Reports", "No report has been written yet.", (section,))
    columns = ("page", "as text", "trials", "metric", "searched, test", "documented, test", "difference")
    rows = tuple(_row(name, plain) for name, plain in summaries.items())
    note = "On the test set, means over seeds; the difference is in percentage points."
    table = Table("reports-table", "All studies", (*columns, "95 % interval"), rows, note)
    sections = [Section("reports", "Reports", (table, *_chart(summaries))), *_replicated(summaries)]
    for name, plain in summaries.items():
        sections.append(Section(name, plain["title"], tuple(Paragraph(sentence) for sentence in plain["answer"])))
    return Page("Reports", "What fixed grids reach, and what a search finds.", tuple(sections))


def _row(name: str, plain: dict[str, Any]) -> tuple[Cell, ...]:
    confirmed, documented, apart = plain["confirmed"], plain["best_documented"], plain["difference"]
    tested = _tested(confirmed) if confirmed else []
    return (
        Link(plain["title"], f"{name}/report.html"),
        Link("report.md", f"{name}/report.md"),
        sum(plain["trials"].values()),
        confirmed and metric_label(_measure(confirmed)),
        round(fmean(tested), 4) if tested else None,
        documented and round(fmean(documented["accuracies"]), 4),
        apart and f"{100 * apart['value']:+.2f}",
        apart and f"{100 * apart['low']:+.2f} to {100 * apart['high']:+.2f}",
    )


def _chart(summaries: Mapping[str, Mapping[str, Any]]) -> Iterator[Chart]:
    """The test errors of the best networks: searched ones in the colours of their data, documented ones in grey."""
    confirmed = [plain for plain in summaries.values() if _is_classed(plain["confirmed"])]
    if not confirmed:
        return
    marks = []
    for place, plain in enumerate(confirmed):
        found, documented = plain["confirmed"], plain["best_documented"]
        color = DATASET_COLORS.get(found["recipe"]["data"].get("name", ""), PURPLE)
        if documented:
            marks.append(_wrong(GREY, place, documented["accuracies"], found["test_examples"], "diamond"))
        marks.append(_wrong(color, place, _tested(found), found["test_examples"], "dot"))
    names = tuple(plain["title"].partition(":")[0] for plain in confirmed)
    axis = Axis("share of the test set that is classed wrong", scale="log", percent=True)
    note = "Dots: found by the search, in the colour of the data set. Diamonds: the best documented network, in our runs. Bars: 95 % intervals, of the seeds and the test images."
    height = 80 + 40 * len(names)
    yield Chart(
        "reports-chart", "Searched and documented", axis, Axis("", names=names), tuple(marks), note, 900, height, False
    )


def _wrong(color: str, place: int, accuracies: Sequence[float], examples: int, shape: Shape) -> Dots:
    wrong, half = 1 - fmean(accuracies), NORMAL * math.sqrt(variance(accuracies, examples))
    bounds = (max(wrong - half, 0.5 / examples), wrong + half)
    tip = f"{100 * wrong:.2f} % wrong ({100 * bounds[0]:.2f} to {100 * bounds[1]:.2f} %) over {len(accuracies)} seeds"
    point = (max(wrong, 0.5 / examples), float(place))
    return Dots("", color, (point,), (tip,), shape, 5.0, errors=(bounds,), sideways=True)


def _replicated(summaries: Mapping[str, Mapping[str, Any]]) -> Iterator[Section]:
    """The verdicts and judgements of each document, over all pages that have a part of it."""
    figures: dict[str, dict[tuple[str, ...], tuple[str, str]]] = {}
    claims: dict[str, dict[str, str]] = {}
    for plain in summaries.values():
        for name, document in plain["documents"].items():
            for kind in ("figures", "curves"):
                for each in document[kind]:
                    key = each["experiment"], each["figure"], kind
                    figures.setdefault(name, {})[key] = each["verdict"], each["worth"]
            claims.setdefault(name, {}).update({each["id"]: each["judgement"] for each in document["claims"]})
    rows = []
    for name, found in figures.items():
        tally, judgements = Counter(found.values()), list(claims.get(name, {}).values())
        counts: list[Cell] = [_with_weak(tally, verdict) for verdict in VERDICTS]
        exact = f"{tally['reproduced', 'exact']} of {sum(tally[each, 'exact'] for each in VERDICTS)}"
        rows.append((name, *counts, exact, *(judgements.count(each) for each in JUDGEMENTS)))
    if rows:
        columns = ("document", *VERDICTS, "parameter counts equal", *(f"claims: {each}" for each in JUDGEMENTS))
        note = "Reported accuracies and losses, and claims, under the most probable readings of what a document leaves unsaid. Weak: more than half of the document's other networks would have had as good a verdict in its place."
        table = Table("documents-table", "The documents, replicated", columns, tuple(rows), note)
        yield Section("documents", "The documents", (table,))


def _with_weak(tally: Counter[tuple[str, str]], verdict: str) -> str:
    weak = tally[verdict, "weak"]
    return f"{weak + tally[verdict, 'sharp'] + tally[verdict, '']}" + (f" ({weak} weak)" if weak else "")


def _tested(confirmed: Mapping[str, Any]) -> list[float]:
    alone = confirmed[f"test_{_measure(confirmed)}"]
    return list(confirmed["tests"] or ([] if alone is None else [alone]))


def _measure(confirmed: Mapping[str, Any]) -> str:
    return str(confirmed.get("measure", "accuracy"))


def _is_classed(confirmed: Mapping[str, Any] | None) -> bool:
    """Whether a confirmed winner has a test accuracy."""
    return confirmed is not None and _measure(confirmed) == "accuracy" and bool(_tested(confirmed))
