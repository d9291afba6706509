"""A judged document on the terminal: reported beside measured, with verdicts."""

from rich.console import Console
from rich.table import Table

from tuner.documents.assessment import Assessment, Row
from tuner.documents.verdicts import Judged
from tuner.words import duration

STYLES = {
    "reproduced": "green",
    "close": "yellow",
    "not reproduced": "red",
    "cannot be checked": "dim",
    "holds": "green",
    "fails": "red",
    "undecided": "dim",
}


def print_assessment(name: str, assessment: Assessment) -> None:
    """The table of figures, the claims, the oddities, and the counts."""
    console = Console(highlight=False)
    if not console.is_terminal:  # a pipe has no width to fold to
        console = Console(highlight=False, width=400)
    console.print(f"\n{assessment.document.title} ({name})", style="bold")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("experiment", "figure", "reported", "measured", "runs", "verdict", "under the reading", "there"):
        table.add_column(column, overflow="fold")
    for row in assessment.rows:
        for first, best in zip(row.first, row.best, strict=True):
            table.add_row(*_cells(row, first, best))
    console.print(table)
    for claim, judgement, reason in assessment.claims:
        console.print(f"[{STYLES[judgement]}]{judgement}[/]: {claim.says} ({reason})", markup=True)
    for oddity in assessment.document.oddity:
        console.print(f"odd in the document ({', '.join(oddity.about)}): {oddity.says}", markup=False)
    verdicts = ("reproduced", "close", "not reproduced", "cannot be checked")
    counts = ", ".join(f"{assessment.count(verdict)} {verdict}" for verdict in verdicts)
    console.print(f"{counts}; {duration(assessment.seconds)} of training", markup=False)


def _cells(row: Row, first: Judged, best: Judged) -> list[str]:
    reading = [row.reading, f"{_measured(best)} [{STYLES[best.verdict]}]{best.verdict}[/]"] if row.reading else ["", ""]
    return [
        row.experiment.title,
        first.figure.replace("_", " "),
        ", ".join(f"{value:g}" for value in first.reported),
        _measured(first),
        str(len(first.measured)),
        f"[{STYLES[first.verdict]}]{first.verdict}[/]",
        *reading,
    ]


def _measured(judged: Judged) -> str:
    if not judged.measured:
        return "–"
    if judged.figure == "parameters":
        return f"{judged.mean:.0f}"
    return f"{judged.mean:.4g} ± {judged.margin:.2g}" if judged.margin else f"{judged.mean:.4g}"
