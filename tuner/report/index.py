"""The page above all reports of a folder, made of their summaries."""

import json
from pathlib import Path
from typing import Any

from tuner.report.content import Cell, Link, Page, Paragraph, Section, Table, missing
from tuner.report.html import page_as_html
from tuner.report.markdown import page_as_markdown

FOOTER = "Each report has its figures in summary.json, trials.csv and baselines.csv."


def write_index(folder: Path) -> None:
    """Write index.html and README.md over the reports that lie in a folder."""
    summaries = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/summary.json"))
    }
    page = index(summaries)
    (folder / "index.html").write_text(page_as_html(page, FOOTER), encoding="utf-8")
    (folder / "README.md").write_text(page_as_markdown(page, FOOTER), encoding="utf-8")


def index(summaries: dict[str, dict[str, Any]]) -> Page:
    """A row for each report, with links."""
    if not summaries:
        return Page(
            "Reports",
            "No report has been written yet.",
            (Section("reports", "Reports", (missing("python -m tuner report --study NAME"),)),),
        )
    columns = ("study", "trials", "searched, test", "documented, test", "difference", "95 % interval", "page", "text")
    rows = tuple(_row(name, plain) for name, plain in summaries.items())
    note = "Accuracies on the test set, means over seeds; the difference is in percentage points."
    sections = [Section("reports", "Reports", (Table("reports-table", "All studies", columns, rows, note),))]
    for name, plain in summaries.items():
        sections.append(Section(name, plain["title"], tuple(Paragraph(sentence) for sentence in plain["answer"])))
    return Page("Reports", "What fixed grids reach, and what a search finds.", tuple(sections))


def _row(name: str, plain: dict[str, Any]) -> tuple[Cell, ...]:
    confirmed, documented, apart = plain["confirmed"], plain["best_documented"], plain["difference"]
    return (
        plain["title"],
        sum(plain["trials"].values()),
        confirmed and _mean(confirmed["test_accuracies"] or [confirmed["test_accuracy"]]),
        documented and _mean(documented["accuracies"]),
        apart and f"{100 * apart['value']:+.2f}",
        apart and f"{100 * apart['low']:+.2f} to {100 * apart['high']:+.2f}",
        Link("report.html", f"{name}/report.html"),
        Link("report.md", f"{name}/report.md"),
    )


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4)
