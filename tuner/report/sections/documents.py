"""The documents beside the search: all networks in one chart, then each document with its verdicts and pictures."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from tuner.charts import CYCLE, GREY, Axis, Chart, Dots, Mark, Point, Rule
from tuner.documents.assessment import Judgements, Row
from tuner.documents.verdicts import VERDICTS, Judged, JudgedCurve
from tuner.formatting import duration, figure_in_words, recipe_in_words
from tuner.report.colors import DATASET_COLORS
from tuner.report.content import Block, Cell, Paragraph, Section, Table, missing
from tuner.report.drawings import drawn, interval, spread
from tuner.report.evidence import DocumentEvidence, Evidence
from tuner.report.sections.parameters import bad_edge, clamped

ROW = 21


def baselines_section(evidence: Evidence) -> Section:
    """All documented networks and the search's winner, by test accuracy."""
    if not evidence.documents:
        return Section("baselines", "Baselines and the search", (missing("No document is about this study's data."),))
    return Section("baselines", "Baselines and the search", (_overview(evidence), _overview_table(evidence)))


def _overview(evidence: Evidence) -> Block:
    measured = [
        (document, row, tuple(run.figures["test_accuracy"] for run in runs))
        for document in evidence.documents
        for row in document.assessment.rows
        if (runs := document.chosen(row.experiment.id)) and runs[0].recipe["data"]["name"] in evidence.data
    ]
    if not measured:
        return missing("No document has been replicated yet.")
    means = [fmean(values) for _, _, values in measured]
    axis = Axis("test accuracy", percent=True, low=bad_edge(means, maximize=True))
    marks: list[Mark] = []
    told = tuple(
        (clamped(value, axis), float(place))
        for place, (_, row, _) in enumerate(measured)
        for value in row.experiment.told("test_accuracy")
    )
    if told:
        marks.append(Dots("reported", GREY, told, shape="diamond", size=5, sideways=True))
    for color, document in zip(CYCLE, evidence.documents, strict=False):
        own = [(place, row, values) for place, (of, row, values) in enumerate(measured) if of is document]
        marks.append(_measured_dots(document.name if own else "", color, own, axis))
    confirmed = evidence.confirmed
    if confirmed:
        color = DATASET_COLORS.get(evidence.dataset, CYCLE[0])
        marks.append(
            Rule("found by the search", color, confirmed.test_accuracy, upright=True, band=confirmed.test_interval)
        )
    beyond = sum(value < (axis.low or 0.0) for value in means)
    note = "Dots: means of our runs, bars where 95 % of runs lie; diamonds: what the documents report."
    note += " The shaded strip is the winner's test accuracy with its 95 % interval." if confirmed else ""
    note += f" {beyond} networks that do worse stand at the left edge." if beyond else ""
    names = tuple(row.experiment.title for _, row, _ in measured)
    title, height = "Every documented network, and the search", 120 + ROW * len(names)
    return Chart("baselines-chart", title, axis, Axis("", names=names), tuple(marks), note, 900, height)


def _measured_dots(name: str, color: str, own: Sequence[tuple[int, Row, tuple[float, ...]]], axis: Axis) -> Dots:
    points = tuple((clamped(fmean(values), axis), float(place)) for place, _, values in own)
    errors = tuple(_bar(values, axis) for _, _, values in own)
    tips = tuple(f"{row.experiment.title}: {fmean(values):.4f} over {len(values)} runs" for _, row, values in own)
    return Dots(name, color, points, tips, errors=errors, sideways=True)


def _bar(values: Sequence[float], axis: Axis) -> Point:
    """Where 95 % of runs lie; nothing for a network whose place is beyond the edge."""
    low, high = interval(values) if fmean(values) == clamped(fmean(values), axis) else (0.0, 0.0)
    return clamped(low, axis), clamped(high, axis)


def _overview_table(evidence: Evidence) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for document in evidence.documents:
        for row in document.assessment.rows:
            rows += [(document.name, *cells) for cells in _figures(row)]
    if evidence.confirmed:
        accuracies = evidence.confirmed.tested
        measured = spread(accuracies)
        words = recipe_in_words(evidence.confirmed.recipe)
        rows.insert(0, ("found by the search", words, "test accuracy", None, measured, len(accuracies), None, None))
    columns = ("document", "experiment", "figure", "reported", "measured", "runs", "verdict", "reading")
    note = "Measured: mean ± standard deviation over runs under the readings of what the document leaves unsaid that explain the whole document best."
    return Table("baselines-table", "Every figure, reported and measured", columns, tuple(rows), note, long=True)


def document_section(document: DocumentEvidence) -> Section:
    """One document: what holds, what does not, its pictures."""
    assessment = document.assessment
    title = assessment.document.title
    id_ = f"document-{document.name}"
    if not document.runs:
        return Section(id_, title, (missing("This document has not been replicated here yet."),))
    blocks: list[Block] = [Paragraph(_summary(document))]
    blocks += [Paragraph(f"Odd in the document: {oddity.says}", "aside") for oddity in assessment.document.oddity]
    blocks += [Paragraph(finding.says) for finding in assessment.document.finding]
    if assessment.open:
        blocks.append(Paragraph(f"Not reproduced and not explained: {', '.join(assessment.open)}.", "aside"))
    blocks += _silent(document)
    blocks += [block for drawing in assessment.document.drawing for block in drawn(document, drawing)]
    blocks += [_claims(document)] if assessment.claims else []
    rows = tuple(cells for row in assessment.rows for cells in _figures(row))
    columns = ("experiment", "figure", "reported", "measured", "runs", "verdict", "reading")
    if rows:
        blocks.append(Table(f"{id_}-figures", f"All {len(rows)} figures", columns, rows, long=True))
    return Section(id_, title, tuple(blocks))


def _summary(document: DocumentEvidence) -> str:
    assessment = document.assessment
    counts = ", ".join(
        f"{assessment.count(verdict, 'chosen')} {verdict}"
        for verdict in VERDICTS
        if assessment.count(verdict, "chosen")
    )
    environment = document.runs[0].environment
    where = f"on {environment.get('cores', '?')} cores of {environment.get('processor', 'an unknown processor')}"
    readings = f" The readings that explain it best: {assessment.chosen}." if assessment.chosen else ""
    total = f"{len({run.key for run in document.runs})} trainings in {duration(assessment.seconds)} {where}"
    return f"{len(assessment.rows)} experiments; of the reported figures: {counts}.{readings} {total}."


def _silent(document: DocumentEvidence) -> Iterator[Table]:
    assessment = document.assessment
    rows = tuple(
        (
            reading.silent,
            reading.options[0].name,
            "; ".join(each.name for each in reading.options[1:]),
            reading.options[number].name,
        )
        for reading, number in zip(assessment.document.reading, assessment.choice, strict=True)
        if any(reading.is_about(experiment.id) for experiment in assessment.document.experiment)
    )
    columns = ("what it does not say", "first reading", "alternatives", "explains it best")
    if rows:
        yield Table(f"document-{document.name}-readings", "What it leaves unsaid", columns, rows)


def _claims(document: DocumentEvidence) -> Table:
    rows = tuple((each.claim.says, each.chosen[0], each.chosen[1]) for each in document.assessment.claims)
    return Table(f"document-{document.name}-claims", "What it claims", ("claim", "our runs", "decided by"), rows)


def _figures(row: Row) -> Iterator[tuple[Cell, ...]]:
    for judged in row.chosen.all:
        yield (row.experiment.title, *_cells(judged, row.chosen), row.chosen.reading or None)


def _cells(judged: Judged | JudgedCurve, judgements: Judgements) -> tuple[Cell, ...]:
    figure = judged.figure.replace("_", " ")
    if isinstance(judged, JudgedCurve):
        return figure, f"{len(judged.points)} points", judged.reason, judgements.runs, judged.verdict
    reported = ", ".join(map(figure_in_words, judged.reported))
    return figure, reported, spread(judged.measured), judgements.runs, judged.verdict
