"""A document's section of the report: its verdicts, its own table with ours, open settings, claims and pictures."""

import math
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

from tuner.base.formatting import duration_text, number_text
from tuner.charts.content import Block, Cell, Paragraph, Section, Table, missing
from tuner.documents.assessment import Assessment, Row
from tuner.documents.claims import LOOKS
from tuner.documents.drawings import drawn, spread_text
from tuner.documents.verdicts import EXACT, JudgedFigure
from tuner.storage import TrialRecord

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


def document_section(assessment: Assessment, trials: Sequence[TrialRecord]) -> Section:
    """The section; `trials` are those of the search that the document is compared with."""
    document = assessment.document
    id_ = f"document-{document.name}"
    if not assessment.runs:
        return Section(id_, document.title, (missing("This document has not been replicated here yet."),))
    blocks: list[Block] = [Paragraph(text) for text in _summary(assessment)]
    blocks += [Paragraph(finding.says) for finding in document.finding]
    if assessment.unexplained:
        text = f"Not reproduced and not explained: {', '.join(assessment.unexplained)}."
        blocks.append(Paragraph(text, "aside"))
    blocks.append(_own_table(assessment, trials))
    blocks += _open_settings(assessment)
    blocks += [block for drawing in document.drawing for block in drawn(assessment, drawing)]
    blocks += [_claims(assessment)] if assessment.claims else []
    if document.oddity:
        oddities = " ".join(oddity.says for oddity in document.oddity)
        blocks.append(Paragraph(f"What is odd in the document: {oddities}", "aside"))
    blocks += _figures(assessment)
    blocks += _omitted(assessment)
    return Section(id_, document.title, tuple(blocks))


def _summary(assessment: Assessment) -> Iterator[str]:
    environment = assessment.runs[0].environment
    where = f"on {environment.get('cores', '?')} cores of {environment.get('processor', 'an unknown processor')}"
    total = f"{len(assessment.trainings)} trainings in {duration_text(assessment.seconds)} {where}"
    own = sum(not row.experiment.added for row in assessment.rows)
    yield f"{own} experiments; of the reported figures: {assessment.tally_text('chosen')}. {total}."
    judgements = [each.chosen.judgement for each in assessment.claims]
    if judgements:
        counts = ", ".join(f"{judgements.count(each)} {each}" for each in dict.fromkeys(judgements))
        yield f"Of its {len(judgements)} claims: {counts}."
    if assessment.compared > 1:
        readings = assessment.chosen_readings or "the first ones"
        yield (
            f"Of {assessment.compared} choices of readings of what it leaves unsaid the most probable is: {readings}. "
            f"Under the first ones: {assessment.tally_text('first')}. "
            f"With the best one for each experiment: {assessment.tally_text('best')}."
        )


def _own_table(assessment: Assessment, trials: Sequence[TrialRecord]) -> Table:
    """The document's table, with our figures in each row."""
    rows = [row for row in assessment.rows if not row.experiment.added]
    names = dict.fromkeys(each.figure for row in rows for each in row.chosen.figures if each.points is None)
    figures = [name for name in names if name not in EXACT] or ["test_accuracy"]
    words = list(dict.fromkeys(word for row in rows for word in row.experiment.words if "-" not in word))
    columns = ["experiment", *words]
    columns += [f"{figure.replace('_', ' ')}, {whose}" for figure in figures for whose in ("reported", "ours")]
    cells = []
    for row in rows:
        own: list[Cell] = [row.experiment.title, *(row.experiment.words.get(word) for word in words)]
        for figure in figures:
            reported = ", ".join(str(spread_text((value,))) for value in row.experiment.values(figure))
            own += [reported or None, spread_text(row.chosen.values(figure))]
        cells.append((*own, len(row.chosen.runs), _affordable(trials, [run.seconds for run in row.chosen.runs])))
    note = "Ours: mean ± standard deviation over our runs, under the most probable readings. Searched: the best validation accuracy of the study's trials that trained no longer than the network of the row (the test set is shut to them)."
    title = "The document's table, with ours and what the search finds for the same training time"
    id_ = f"document-{assessment.document.name}-own"
    return Table(id_, title, (*columns, "runs", "searched, validation"), tuple(cells), note)


def _affordable(trials: Sequence[TrialRecord], seconds: Sequence[float]) -> str | None:
    """The best trial that took no longer than the mean of such trainings."""
    affordable = [
        (trial.result.validation.accuracy, trial.number)
        for trial in trials
        if seconds and trial.result and trial.result.validation and trial.result.seconds <= fmean(seconds)
    ]
    accuracy, number = max(affordable, default=(math.nan, -1))
    return f"{accuracy:.4f} (trial {number})" if affordable else None


def _open_settings(assessment: Assessment) -> Iterator[Table]:
    experiments = assessment.document.experiment
    rows = tuple(
        (each.silent, names[0], "; ".join(names[1:]), each.conclusion)
        for each in assessment.readings
        if (names := [option.name for option in each.reading.options])
        and any(each.reading.concerns(experiment.id) for experiment in experiments)
    )
    columns = ("what it does not say", "first reading", "alternatives", "what our runs say")
    note = "A first reading is as probable beforehand as all its alternatives together; the numbers are posterior probabilities, all other readings being as chosen."
    if rows:
        yield Table(f"document-{assessment.document.name}-readings", "What it leaves unsaid", columns, rows, note)


def _claims(assessment: Assessment) -> Table:
    pairs = ((each.claim, each.chosen) for each in assessment.claims)
    rows = tuple(
        (claim.says, claim.basis, decision.judgement, decision.reason, decision.runs, decision.looks)
        for claim, decision in pairs
    )
    columns = ("claim", "basis", "our runs", "decided by", "runs of each, at least", "looks")
    note = f"What is undecided is looked at after {', '.join(map(str, LOOKS))} runs of each network, each time at a third of 5 %; “at most”: with 95 % confidence figures differ by no more."
    return Table(f"document-{assessment.document.name}-claims", "What it claims", columns, rows, note)


def _figures(assessment: Assessment) -> Iterator[Table]:
    rows = tuple(cells for row in assessment.rows for cells in _cells_of_row(row))
    note = "Margin: how far a reported figure may lie from our mean and be reproduced. Others that pass: the share of the document's other networks whose runs would have had as good a verdict in its place; above a half the verdict is weak."
    id_, title = f"document-{assessment.document.name}-figures", f"All {len(rows)} figures"
    if rows:
        yield Table(id_, title, ("experiment", *COLUMNS), rows, note, long=True)


def _cells_of_row(row: Row) -> Iterator[tuple[Cell, ...]]:
    """The cells of each figure of an experiment: its title, then `COLUMNS`."""
    chosen = row.chosen
    for first, judged, best in zip(row.first.figures, chosen.figures, row.best.figures, strict=True):
        margin = f"{judged.margin:.2g}" if judged.margin else None
        yield (
            row.experiment.title,
            judged.figure.replace("_", " "),
            reported_text(judged),
            _measured(judged),
            len(chosen.runs),
            margin,
            judged.verdict,
            judged.share_text or None,
            first.verdict,
            best.verdict,
            row.tried,
            chosen.reading or None,
        )


def reported_text(judged: JudgedFigure) -> str:
    """The reported values, or how many points the reported curve has."""
    return ", ".join(map(number_text, judged.reported)) if judged.points is None else f"{len(judged.points)} points"


def _measured(judged: JudgedFigure) -> str | None:
    if judged.points is not None:
        return judged.reason
    if judged.figure == "layer_parameters":
        return ", ".join(map(number_text, judged.measured))
    return spread_text(judged.measured)


def _omitted(assessment: Assessment) -> Iterator[Table]:
    omitted = assessment.document.omitted
    rows = tuple((kind, id_, reason) for kind, each in omitted.items() for id_, reason in each.items())
    if rows:
        columns = ("what", "name", "because")
        yield Table(f"document-{assessment.document.name}-omitted", "Not replicated", columns, rows, long=True)


def summary_of(assessment: Assessment) -> dict[str, Any]:
    """The document's verdicts as plain data, for the report's `summary.json`."""
    figures = [(row, judged) for row in assessment.rows for judged in row.chosen.figures]
    return {
        "readings": assessment.chosen_readings,
        "seconds": assessment.seconds,
        "open": list(assessment.unexplained),
        "claims": [
            {
                "id": each.claim.id,
                "says": each.claim.says,
                "basis": each.claim.basis,
                "judgement": each.chosen.judgement,
                "because": each.chosen.reason,
                "runs": each.chosen.runs,
            }
            for each in assessment.claims
        ],
        "figures": [_summary_of_figure(row, each) for row, each in figures if each.points is None],
        "curves": [_summary_of_figure(row, each) for row, each in figures if each.points is not None],
    }


def _summary_of_figure(row: Row, judged: JudgedFigure) -> dict[str, Any]:
    plain = {"experiment": row.experiment.id, "reading": row.chosen.reading}
    fields = ("figure", "verdict", "shared", "worth", "reason")
    if judged.points is None:
        return plain | _fields(judged, *fields, "reported", "measured", "margin")
    points = [_fields(each, "reported", "measured", "verdict") for each in judged.points]
    return plain | _fields(judged, *fields) | {"points": points}


def _fields(judged: JudgedFigure, *names: str) -> dict[str, Any]:
    return {name: getattr(judged, name) for name in names}
