"""The documents beside the search: all networks in one chart."""

from collections.abc import Sequence
from statistics import fmean

from tuner.charts import CYCLE, GREY, Axis, Chart, Dots, Mark, Point, Rule
from tuner.charts.colors import DATASET_COLORS
from tuner.charts.content import Block, Section, missing
from tuner.documents.assessment import Row
from tuner.report.evidence import Evidence

ROW = 21
FLOOR = 5e-4
"""The smallest share of errors that is told apart from none."""


def baselines_section(evidence: Evidence) -> Section:
    """All documented networks and the search's winner, by test accuracy."""
    if not evidence.documents:
        return Section("baselines", "Baselines and the search", (missing("No document is about this study's data."),))
    return Section("baselines", "Baselines and the search", (_overview(evidence),))


def _overview(evidence: Evidence) -> Block:
    """By the share of errors, on a scale that shows networks that fail beside those that differ by a tenth of a point."""
    measured = [
        (document, row, tuple(run.figures["test_accuracy"] for run in runs))
        for document in evidence.documents
        for row in document.assessment.rows
        if (runs := document.chosen(row.experiment.id)) and runs[0].recipe["data"]["name"] in evidence.data
    ]
    if not measured:
        return missing("No document has been replicated yet.")
    marks: list[Mark] = []
    told = tuple(
        (_wrong(value), float(place))
        for place, (_, row, _) in enumerate(measured)
        for value in row.experiment.told("test_accuracy")
    )
    if told:
        marks.append(Dots("reported", GREY, told, shape="diamond", size=5, sideways=True))
    for color, document in zip(CYCLE, evidence.documents, strict=False):
        own = [(place, row, values) for place, (of, row, values) in enumerate(measured) if of is document]
        marks.append(_measured_dots(document.name if own else "", color, own))
    confirmed = evidence.confirmed
    if confirmed and confirmed.test is not None and confirmed.test_interval:
        color, (low, high) = DATASET_COLORS.get(evidence.dataset, CYCLE[0]), confirmed.test_interval
        band = _wrong(high), _wrong(low)
        marks.append(Rule("found by the search", color, _wrong(confirmed.test), upright=True, band=band))
    note = "Dots: means of our runs, bars from the best to the worst; diamonds: what the documents report."
    note += " The shaded strip is the winner's share of errors with its 95 % interval." if confirmed else ""
    names = tuple(row.experiment.title for _, row, _ in measured)
    axis = Axis("share of the test set that is classed wrong", scale="log", percent=True)
    title, height = "Every documented network, and the search", 120 + ROW * len(names)
    return Chart("baselines-chart", title, axis, Axis("", names=names), tuple(marks), note, 900, height)


def _measured_dots(name: str, color: str, own: Sequence[tuple[int, Row, tuple[float, ...]]]) -> Dots:
    points = tuple((_wrong(fmean(values)), float(place)) for place, _, values in own)
    errors = tuple(_bar(values) for _, _, values in own)
    tips = tuple(
        f"{row.experiment.title}: accuracy {fmean(values):.4f} over {len(values)} runs" for _, row, values in own
    )
    return Dots(name, color, points, tips, errors=errors, sideways=True)


def _bar(values: Sequence[float]) -> Point:
    """From the best run to the worst: some networks learn or fail by their seed, and lie between in none of their runs."""
    return _wrong(max(values)), _wrong(min(values))


def _wrong(accuracy: float) -> float:
    return max(1 - accuracy, FLOOR)
