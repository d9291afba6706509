"""One document on a page: what came of it, its own table with ours beside, what it leaves unsaid, claims and pictures."""

import math
from collections.abc import Iterator, Sequence
from statistics import fmean

from tuner.base.formatting import duration_text, number_text
from tuner.charts.content import Block, Cell, Paragraph, Section, Table, missing
from tuner.documents.assessment import Judgements, Row
from tuner.documents.claims import LOOKS
from tuner.documents.verdicts import EXACT, Judged, JudgedCurve, shared_in_words
from tuner.report.drawings import drawn, spread
from tuner.report.evidence import DocumentEvidence, Evidence


def document_section(evidence: Evidence, document: DocumentEvidence) -> Section:
    """One document: what holds, what does not, its pictures."""
    assessment = document.assessment
    title, id_ = assessment.document.title, f"document-{document.name}"
    if not document.runs:
        return Section(id_, title, (missing("This document has not been replicated here yet."),))
    blocks: list[Block] = [Paragraph(text) for text in _summary(document)]
    blocks += [Paragraph(finding.says) for finding in assessment.document.finding]
    if assessment.open:
        blocks.append(Paragraph(f"Not reproduced and not explained: {', '.join(assessment.open)}.", "aside"))
    blocks += [_own_table(evidence, document)]
    blocks += _silent(document)
    blocks += [block for drawing in assessment.document.drawing for block in drawn(document, drawing)]
    blocks += [_claims(document)] if assessment.claims else []
    blocks += _wrong(document)
    blocks += _verdicts(document)
    blocks += _omitted(document)
    return Section(id_, title, tuple(blocks))


def _summary(document: DocumentEvidence) -> Iterator[str]:
    assessment = document.assessment
    environment = document.runs[0].environment
    where = f"on {environment.get('cores', '?')} cores of {environment.get('processor', 'an unknown processor')}"
    total = f"{len({run.key for run in document.runs})} trainings in {duration_text(assessment.seconds)} {where}"
    own = sum(not row.experiment.added for row in assessment.rows)
    yield f"{own} experiments; of the reported figures: {assessment.counted('chosen')}. {total}."
    judgements = [each.chosen.judgement for each in assessment.claims]
    if judgements:
        counts = ", ".join(f"{judgements.count(each)} {each}" for each in dict.fromkeys(judgements))
        yield f"Of its {len(judgements)} claims: {counts}."
    if assessment.compared > 1:
        readings = assessment.chosen or "the first ones"
        yield (
            f"Of {assessment.compared} choices of readings of what it leaves unsaid the most probable is: {readings}. "
            f"Under the first ones: {assessment.counted('first')}. With the best one for each experiment: {assessment.counted('best')}."
        )


def _own_table(evidence: Evidence, document: DocumentEvidence) -> Table:
    """The document's table as it has it, and what we have beside each row."""
    rows = [row for row in document.assessment.rows if not row.experiment.added]
    figures = list(
        dict.fromkeys(each.figure for row in rows for each in row.chosen.figures if each.figure not in EXACT)
    ) or ["test_accuracy"]
    words = list(dict.fromkeys(word for row in rows for word in row.experiment.words if "-" not in word))
    columns = ["experiment", *words]
    columns += [f"{figure.replace('_', ' ')}, {whose}" for figure in figures for whose in ("reported", "ours")]
    cells = []
    for row in rows:
        runs = document.chosen(row.experiment.id)
        own: list[Cell] = [row.experiment.title, *(row.experiment.words.get(word) for word in words)]
        for figure in figures:
            told = ", ".join(str(spread((value,))) for value in row.experiment.told(figure))
            own += [told or None, spread(document.values(figure, runs))]
        cells.append((*own, len(runs), _searched(evidence, [run.seconds for run in runs])))
    note = "Ours: mean ± standard deviation over our runs, under the most probable readings. Searched: the best validation accuracy of the study's trials that trained no longer than the network of the row (the test set is shut to them)."
    title = "The document's table, with ours and what the search finds for the same training time"
    return Table(f"document-{document.name}-own", title, (*columns, "runs", "searched, validation"), tuple(cells), note)


def _searched(evidence: Evidence, seconds: Sequence[float]) -> str | None:
    """The best trial that cost no more than such trainings."""
    if not seconds:
        return None
    affordable = [
        (trial.result.validation.accuracy, trial.number)
        for trial in evidence.record.trials
        if trial.result and trial.result.validation and trial.result.seconds <= fmean(seconds)
    ]
    accuracy, number = max(affordable, default=(math.nan, -1))
    return f"{accuracy:.4f} (trial {number})" if affordable else None


def _silent(document: DocumentEvidence) -> Iterator[Table]:
    rows = tuple(
        (each.silent, each.options[0].name, "; ".join(option.name for option in each.options[1:]), each.found)
        for each in document.assessment.readings
        if any(each.reading.is_about(experiment.id) for experiment in document.assessment.document.experiment)
    )
    columns = ("what it does not say", "first reading", "alternatives", "what our runs say")
    note = "A first reading is as probable beforehand as all its alternatives together; the numbers are posterior probabilities, all other readings being as chosen."
    if rows:
        yield Table(f"document-{document.name}-readings", "What it leaves unsaid", columns, rows, note)


def _claims(document: DocumentEvidence) -> Table:
    rows = tuple(
        (
            each.claim.says,
            each.claim.basis,
            each.chosen.judgement,
            each.chosen.because,
            each.chosen.runs,
            each.chosen.looks,
        )
        for each in document.assessment.claims
    )
    columns = ("claim", "basis", "our runs", "decided by", "runs of each, at least", "looks")
    note = f"What is undecided is looked at after {', '.join(map(str, LOOKS))} runs of each network, each time at a third of 5 %; “at most”: with 95 % confidence figures differ by no more."
    return Table(f"document-{document.name}-claims", "What it claims", columns, rows, note)


def _wrong(document: DocumentEvidence) -> Iterator[Paragraph]:
    says = " ".join(oddity.says for oddity in document.assessment.document.oddity)
    if says:
        yield Paragraph(f"What is odd in the document: {says}", "aside")


def _verdicts(document: DocumentEvidence) -> Iterator[Table]:
    rows = tuple(cells for row in document.assessment.rows for cells in figures_of_row(row))
    if rows:
        note = "Margin: how far a reported figure may lie from our mean and be reproduced. Others that pass: the share of the document's other networks whose runs would have had as good a verdict in its place; above a half the verdict is weak."
        yield Table(
            f"document-{document.name}-figures",
            f"All {len(rows)} figures",
            ("experiment", *COLUMNS),
            rows,
            note,
            long=True,
        )


def _omitted(document: DocumentEvidence) -> Iterator[Table]:
    omitted = document.assessment.document.omitted
    rows = tuple((kind, id_, reason) for kind, each in omitted.items() for id_, reason in each.items())
    if rows:
        columns = ("what", "name", "because")
        yield Table(f"document-{document.name}-omitted", "Not replicated", columns, rows, long=True)


COLUMNS = (
    "figure",
    "reported",
    "measured",
    "runs",
    "margin",
    "verdict",
    "others that pass",
    "first readings",
    "best reading",
    "tried",
    "reading",
)


def figures_of_row(row: Row) -> Iterator[tuple[Cell, ...]]:
    """The cells of each figure of an experiment, in `COLUMNS` after its title."""
    for first, judged, best in zip(row.first.all, row.chosen.all, row.best.all, strict=True):
        yield (
            row.experiment.title,
            *_cells(judged, row.chosen),
            shared_in_words(judged) or None,
            first.verdict,
            best.verdict,
            row.tried,
            row.chosen.reading or None,
        )


def _cells(judged: Judged | JudgedCurve, judgements: Judgements) -> tuple[Cell, ...]:
    figure = judged.figure.replace("_", " ")
    if isinstance(judged, JudgedCurve):
        return figure, f"{len(judged.points)} points", judged.reason, judgements.runs, None, judged.verdict
    reported = ", ".join(map(number_text, judged.reported))
    measured = ", ".join(map(number_text, judged.measured)) if judged.figure in EXACT else spread(judged.measured)
    if judged.figure == "parameters":
        measured = spread(judged.measured)
    margin = f"{judged.margin:.2g}" if judged.margin else None
    return figure, reported, measured, judgements.runs, margin, judged.verdict
