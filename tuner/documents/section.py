"""A document's section of the report: its verdicts, its own table with ours, open settings, claims and pictures."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from tuner.base.formatting import duration_text, number_text
from tuner.charts.content import Block, Cell, Paragraph, Section, Table, missing
from tuner.documents.assessment import Assessment, Row
from tuner.documents.claims import LOOKS
from tuner.documents.drawings import drawn, reported_and_ours, reported_and_ours_of, spread_text
from tuner.documents.verdicts import EXACT, JudgedFigure
from tuner.storage import TrialRecord

COLUMNS: Mapping[str, Callable[[Row, int], Cell]] = {
    "figure": lambda row, at: row.chosen.figures[at].figure.replace("_", " "),
    "reported": lambda row, at: reported_text(row.chosen.figures[at]),
    "measured": lambda row, at: _measured(row.chosen.figures[at]),
    "runs": lambda row, _: len(row.chosen.runs),
    "margin": lambda row, at: f"{margin:.2g}" if (margin := row.chosen.figures[at].margin) else None,
    "verdict": lambda row, at: row.chosen.figures[at].verdict,
    "others that pass": lambda row, at: row.chosen.figures[at].share_text or None,
    "first readings": lambda row, at: row.first.figures[at].verdict,
    "best reading": lambda row, at: row.best.figures[at].verdict,
    "tried": lambda row, _: row.tried,
    "reading": lambda row, _: row.chosen.reading or None,
}
"""The columns of the table of all figures, after the experiment's title: a cell for an experiment and a figure's index."""


def document_section(assessment: Assessment, trials: Sequence[TrialRecord]) -> Section:
    """The section; `trials` are those of the search that the document is compared with."""
    document = assessment.document
    id_ = f"document-{document.name}"
    if not assessment.runs:
        return Section(id_, document.title, (missing("This document has not been replicated here yet."),))
    unexplained, oddities = ", ".join(assessment.unexplained), " ".join(each.says for each in document.oddity)
    blocks: list[Block] = [Paragraph(text) for text in _summary(assessment)]
    blocks += [Paragraph(finding.says) for finding in document.finding]
    blocks += [Paragraph(f"Not reproduced and not explained: {unexplained}.", "aside")] if unexplained else []
    blocks += [_own_table(assessment, trials), *_open_settings(assessment)]
    blocks += [block for drawing in document.drawing for block in drawn(assessment, drawing)]
    blocks += _claims(assessment)
    blocks += [Paragraph(f"What is odd in the document: {oddities}", "aside")] if oddities else []
    blocks += [*_figures(assessment), *_omitted(assessment)]
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
    columns = ("experiment", *words, *reported_and_ours(figures), "runs", "searched, validation")
    cells = tuple(
        (
            row.experiment.title,
            *(row.experiment.words.get(word) for word in words),
            *reported_and_ours_of(row, figures),
            len(row.chosen.runs),
            _affordable(trials, [run.seconds for run in row.chosen.runs]),
        )
        for row in rows
    )
    note = "Ours: mean ± standard deviation over our runs, under the most probable readings. Searched: the best validation accuracy of the study's trials that trained no longer than the network of the row (the test set is shut to them)."
    title = "The document's table, with ours and what the search finds for the same training time"
    return Table(f"document-{assessment.document.name}-own", title, columns, cells, note)


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
    rows = [
        (each.silent, names[0], "; ".join(names[1:]), each.conclusion)
        for each in assessment.readings
        if (names := [option.name for option in each.reading.options])
        and any(each.reading.concerns(experiment.id) for experiment in experiments)
    ]
    columns = ("what it does not say", "first reading", "alternatives", "what our runs say")
    note = "A first reading is as probable beforehand as all its alternatives together; the numbers are posterior probabilities, all other readings being as chosen."
    yield from _table(assessment, "readings", "What it leaves unsaid", columns, rows, note)


def _claims(assessment: Assessment) -> Iterator[Table]:
    rows = [
        (claim.says, claim.basis, decision.judgement, decision.reason, decision.runs, decision.looks)
        for claim, decision in ((each.claim, each.chosen) for each in assessment.claims)
    ]
    columns = ("claim", "basis", "our runs", "decided by", "runs of each, at least", "looks")
    note = f"What is undecided is looked at after {', '.join(map(str, LOOKS))} runs of each network, each time at a third of 5 %; “at most”: with 95 % confidence figures differ by no more."
    yield from _table(assessment, "claims", "What it claims", columns, rows, note)


def _figures(assessment: Assessment) -> Iterator[Table]:
    rows = [
        (row.experiment.title, *(cell(row, at) for cell in COLUMNS.values()))
        for row in assessment.rows
        for at in range(len(row.chosen.figures))
    ]
    note = "Margin: how far a reported figure may lie from our mean and be reproduced. Others that pass: the share of the document's other networks whose runs would have had as good a verdict in its place; above a half the verdict is weak."
    yield from _table(
        assessment, "figures", f"All {len(rows)} figures", ("experiment", *COLUMNS), rows, note, long=True
    )


def _omitted(assessment: Assessment) -> Iterator[Table]:
    omitted = assessment.document.omitted
    rows = [(kind, id_, reason) for kind, each in omitted.items() for id_, reason in each.items()]
    yield from _table(assessment, "omitted", "Not replicated", ("what", "name", "because"), rows, long=True)


def _table(
    assessment: Assessment,
    kind: str,
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Cell, ...]],
    note: str = "",
    *,
    long: bool = False,
) -> Iterator[Table]:
    """A table of the document, unless it has no rows."""
    if rows:
        yield Table(f"document-{assessment.document.name}-{kind}", title, columns, tuple(rows), note, long)


def reported_text(judged: JudgedFigure) -> str:
    """The reported values, or how many points the reported curve has."""
    return ", ".join(map(number_text, judged.reported)) if judged.points is None else f"{len(judged.points)} points"


def _measured(judged: JudgedFigure) -> str | None:
    if judged.points is not None:
        return judged.reason
    if judged.figure == "layer_parameters":
        return ", ".join(map(number_text, judged.measured))
    return spread_text(judged.measured)


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
    plain: dict[str, Any] = {"experiment": row.experiment.id, "reading": row.chosen.reading}
    plain |= {name: getattr(judged, name) for name in ("figure", "verdict", "shared", "worth", "reason")}
    if judged.points is None:
        return plain | {name: getattr(judged, name) for name in ("reported", "measured", "margin")}
    names = ("reported", "measured", "verdict")
    return plain | {"points": [{name: getattr(each, name) for name in names} for each in judged.points]}
