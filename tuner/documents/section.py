"""A document's section of the report: what was replicated, its own table with ours and the search's, claims, pictures."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from math import fsum
from statistics import fmean
from typing import Any

from tuner.base.formatting import duration_text, number_text
from tuner.charts.content import Block, Cell, Paragraph, Section, Table, missing
from tuner.documents.assessment import Assessment, Row
from tuner.documents.claims import LOOKS
from tuner.documents.drawings import drawn, spread_text
from tuner.documents.headline import TEST, Searched, lead, ways_table
from tuner.documents.verdicts import EXACT, JudgedFigure

OURS, COST = "test accuracy, ours", "seconds of one"
"""Columns that the search has, too."""

COLUMNS: Mapping[str, Callable[[Row, int], Cell]] = {
    "figure": lambda row, at: row.chosen.figures[at].figure.replace("_", " "),
    "reported": lambda row, at: reported_text(row.chosen.figures[at]),
    "measured": lambda row, at: measured_text(row.chosen.figures[at]),
    "runs": lambda row, _: len(row.chosen.runs),
    "margin": lambda row, at: f"{margin:.2g}" if (margin := row.chosen.figures[at].margin) else None,
    "verdict": lambda row, at: row.chosen.figures[at].verdict,
    "others that pass": lambda row, at: row.chosen.figures[at].share_text or None,
    "without the row": lambda row, at: row.left_out.figures[at].verdict,
    "first readings": lambda row, at: row.first.figures[at].verdict,
    "row by row": lambda row, at: row.best.figures[at].verdict,
    "tried": lambda row, _: row.tried,
    "reading": lambda row, _: row.chosen.reading or None,
}
"""The columns of the table of all figures, after the experiment's title: a cell for an experiment and a figure's index."""


def document_section(assessment: Assessment, searches: Sequence[Searched]) -> Section:
    """The section; `searches` stand beside the document's networks on the same data."""
    document = assessment.document
    id_ = f"document-{document.name}"
    if not assessment.runs:
        return Section(id_, document.title, (missing("This document has not been replicated here yet."),))
    unexplained, oddities = ", ".join(assessment.unexplained), " ".join(each.says for each in document.oddity)
    own = [row for row in assessment.rows if not row.experiment.added and row.chosen.runs]
    datasets = {row.chosen.runs[0].dataset for row in own}
    beside = [each for each in searches if each.dataset in datasets]
    blocks: list[Block] = [Paragraph(text, "lead") for text in lead(assessment, own, beside)]
    blocks += [ways_table(f"{id_}-ways", assessment), _own_table(id_, own, beside), _claims(id_, assessment)]
    blocks += [Paragraph(finding.says) for finding in document.finding]
    blocks += [Paragraph(f"Not reproduced and not explained: {unexplained}.", "aside")] if unexplained else []
    blocks.append(_open_settings(id_, assessment))
    blocks += [block for drawing in document.drawing for block in drawn(assessment, drawing)]
    blocks += [Paragraph(f"What is odd in the document: {oddities}", "aside")] if oddities else []
    blocks += [_figures(id_, assessment), _omitted(id_, assessment)]
    known = (block for block in blocks if not isinstance(block, Table) or block.rows)
    return Section(id_, document.title, tuple(known))


def _own_table(id_: str, own: Sequence[Row], searches: Sequence[Searched]) -> Table:
    """The document's table with our figures and their verdicts in each row, then what the search has found."""
    counts = Counter(
        each.figure
        for row in own
        for each in row.chosen.figures
        if each.points is None and row.experiment.members == 1 and each.figure not in EXACT
    )
    common = [name for name, count in counts.items() if name != TEST and 2 * count > max(counts.values())]
    records = [dict(_cells(row, [*common, TEST])) for row in own]
    total = fsum(fmean(run.seconds for run in row.chosen.runs) for row in own)
    affordable = [each for each in searches if each.seconds is not None and each.seconds <= total]
    for name, found in (("at its best", searches), (f"at the cost of this table, {duration_text(total)}", affordable)):
        best = max(found, key=lambda each: each.accuracy, default=None)
        accuracy = f"{best.accuracy:.4f}" if best else "no such search is stored"
        cost = {COST: f"{best.seconds:,.1f}"} if best and best.seconds is not None else {}
        records.append({"experiment": f"The search, {name}", OURS: accuracy, **cost})
    names = dict.fromkeys(name for record in records for name in record)
    columns = tuple(name for name in names if any(record.get(name) is not None for record in records))
    rows = tuple(tuple(record.get(name) for name in columns) for record in records)
    title = "The document's table, with ours and what the search has found"
    note = "Ours: mean ± standard deviation of our runs, with the same settings for all experiments where the document states none; lowest to highest where runs of one experiment differ widely. Weak: more than a quarter of the other experiments' figures (or reports as a whole) would have as good a verdict in its place. The search: the final model of a study on the same data; its cost includes all trials and refits. Last row: the best of the studies that cost no more than one run of each experiment."
    return Table(f"{id_}-own", title, columns, rows, note)


def _cells(row: Row, figures: Sequence[str]) -> Iterator[tuple[str, Cell]]:
    """The cells of an experiment by their columns."""
    judged = {each.figure: each for each in row.chosen.figures if each.points is None}
    yield "experiment", row.experiment.title
    yield "name", row.experiment.id
    yield from ((word, text) for word, text in row.experiment.words.items() if "-" not in word)
    for name in figures:
        label, found, reported = name.replace("_", " "), judged.get(name), row.experiment.values(name)
        yield f"{label}, reported", ", ".join(str(spread_text([value])) for value in reported) or None
        yield f"{label}, ours", spread_text(row.chosen.values(name))
        yield f"{label}, verdict", ", ".join(filter(None, (found.verdict, found.worth))) if found else None
    yield "report as a whole", row.chosen.worth or None
    yield "runs", len(row.chosen.runs)
    yield COST, f"{fmean(run.seconds for run in row.chosen.runs):,.1f}"


def _open_settings(id_: str, assessment: Assessment) -> Table:
    options = ((each, [option.name for option in each.reading.options]) for each in assessment.readings)
    rows = tuple((each.reading.silent, names[0], "; ".join(names[1:]), each.conclusion) for each, names in options)
    columns = ("setting that it leaves open", "first reading", "alternatives", "what our runs say")
    note = f"The one script is the most probable of {assessment.compared} that all experiments with figures were run under. A first reading has the prior probability one half, and its alternatives share the other half; the numbers are posterior probabilities. Row by row {assessment.row_fields} fields are free: log prior probability {assessment.row_prior:.1f}, of the one script {assessment.script_prior:.1f}."
    return Table(f"{id_}-readings", "The settings that it leaves open", columns, rows, note)


def _claims(id_: str, assessment: Assessment) -> Table:
    pairs = ((each.claim, each.chosen) for each in assessment.claims)
    rows = tuple(
        (claim.says, found.judgement, found.scope or None, found.reason, claim.basis, found.runs)
        for claim, found in pairs
    )
    columns = ("claim", "our runs", "under which settings", "because", "basis", "runs of each, at least")
    errors = ""
    if (rate := assessment.false_discovery) is not None:
        errors = f" At most {rate:.1%} of the claims that hold or fail are expected to be errors."
    note = f"All experiments of a claim are compared under the same settings. They have the names of the table above; a difference is that of the figure that the claim is about. Holds, fails: significant at 5 %, over looks at {', '.join(map(str, LOOKS))} runs of each network and both directions. Equal within: the bound of the difference with 95 % confidence. Equal: this bound is below one point of accuracy, or a tenth of another figure. Basis: whether the document states the claim of its runs, implies it by its figures, guesses it as a reason, or states it in general; a reading is our interpretation.{errors}"
    return Table(f"{id_}-claims", "What it claims", columns, rows, note)


def _figures(id_: str, assessment: Assessment) -> Table:
    rows = tuple(
        (row.experiment.title, *(cell(row, at) for cell in COLUMNS.values()))
        for row in assessment.rows
        for at in range(len(row.chosen.figures))
    )
    note = "Margin: the largest distance from our mean at which a reported figure is reproduced. Others that pass: the share of the other experiments whose figure would have as good a verdict in its place; above a quarter the verdict is weak."
    return Table(f"{id_}-figures", f"All {len(rows)} figures", ("experiment", *COLUMNS), rows, note, long=True)


def _omitted(id_: str, assessment: Assessment) -> Table:
    omitted = assessment.document.omitted
    rows = tuple((kind, name, reason) for kind, each in omitted.items() for name, reason in each.items())
    return Table(f"{id_}-omitted", "Not replicated", ("what", "name", "because"), rows, long=True)


def reported_text(judged: JudgedFigure) -> str:
    """The reported values, or how many points the reported curve has."""
    return ", ".join(map(number_text, judged.reported)) if judged.points is None else f"{len(judged.points)} points"


def measured_text(judged: JudgedFigure) -> str | None:
    """The figures of our runs as text, or how many points of a curve are reproduced; None where it was not measured."""
    if judged.points is not None:
        return judged.reason
    if judged.figure == "layer_parameters":
        return ", ".join(map(number_text, judged.measured))
    return spread_text(judged.measured)


def summary_of(assessment: Assessment) -> dict[str, Any]:
    """The document's verdicts as plain data, for the report's `summary.json`."""
    figures = [
        {"experiment": row.experiment.id, "reading": row.chosen.reading, **asdict(each), "worth": each.worth}
        for row in assessment.rows
        for each in row.chosen.figures
    ]
    claims = [
        {name: getattr(each.claim, name) for name in ("id", "says", "basis")}
        | {name: getattr(each.chosen, name) for name in ("judgement", "runs", "scope", "within", "chance")}
        | {"because": each.chosen.reason}
        for each in assessment.claims
    ]
    return {
        "readings": assessment.document.reading_name(assessment.choice),
        "seconds": assessment.seconds,
        "open": list(assessment.unexplained),
        "claims": claims,
        "figures": [each for each in figures if each["points"] is None],
        "curves": [each for each in figures if each["points"] is not None],
    }
