"""A document's section of the report: what was replicated, its own table with ours and the search's, claims, pictures."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from math import fsum
from statistics import fmean
from typing import Any

from tuner.base.formatting import duration_text, number_text
from tuner.charts.content import Block, Cell, Paragraph, Section, Table, missing
from tuner.documents.assessment import WAYS, Assessment, Row, count
from tuner.documents.claims import JUDGEMENTS, LOOKS
from tuner.documents.drawings import drawn, spread_text
from tuner.documents.verdicts import EXACT, VERDICTS, JudgedFigure

TEST = "test_accuracy"
OURS, COST = "test accuracy, ours", "seconds of a training"
"""Columns that the search has, too."""
GLOSS = {"equal": " (no difference that matters)", "undecided": " (too few runs for their spread)"}
"""What judgements mean, for the lead."""

COLUMNS: Mapping[str, Callable[[Row, int], Cell]] = {
    "figure": lambda row, at: row.chosen.figures[at].figure.replace("_", " "),
    "reported": lambda row, at: reported_text(row.chosen.figures[at]),
    "measured": lambda row, at: measured_text(row.chosen.figures[at]),
    "runs": lambda row, _: len(row.chosen.runs),
    "margin": lambda row, at: f"{margin:.2g}" if (margin := row.chosen.figures[at].margin) else None,
    "verdict": lambda row, at: row.chosen.figures[at].verdict,
    "others that pass": lambda row, at: row.chosen.figures[at].share_text or None,
    "chosen without the row": lambda row, at: row.left_out.figures[at].verdict,
    "fixed before": lambda row, at: row.first.figures[at].verdict,
    "the row's own": lambda row, at: row.best.figures[at].verdict,
    "settings tried": lambda row, _: row.tried,
    "settings": lambda row, _: row.chosen.reading or None,
}
"""The columns of the table of all figures, after the experiment's title: a cell for an experiment and a figure's index."""

NOTE = "A document does not state all settings. The same settings for all: those that explain the document best. Chosen without the row: those that explain the other experiments best, so that no report chooses its own settings. Fixed before any run: what we took for the likeliest settings then. The row's own: those that explain this experiment best, which is the most generous way. Reproduced: within the 95 % interval around the mean of our runs. Close: within twice that, one point of accuracy, or a tenth of the loss. A verdict is sharp if at most a quarter of the other experiments' figures would have one as good in its place, else weak: it says little. The same for reports as a whole: all figures of an experiment together."


@dataclass(frozen=True)
class Searched:
    """What a search came to: its final model's test accuracy, and the `seconds` of all trainings, which older summaries lack."""

    title: str
    dataset: str
    accuracy: float
    seconds: float | None = None


def document_section(assessment: Assessment, searches: Sequence[Searched]) -> Section:
    """The section; `searches` stand beside the document's networks on the same data."""
    document = assessment.document
    id_ = f"document-{document.name}"
    if not assessment.runs:
        return Section(id_, document.title, (missing("This document has not been replicated here yet."),))
    unexplained, oddities = ", ".join(assessment.unexplained), " ".join(each.says for each in document.oddity)
    own = [row for row in assessment.rows if not row.experiment.added and row.chosen.runs]
    beside = [each for each in searches if each.dataset in {row.dataset for row in own}]
    blocks: list[Block] = [Paragraph(text, "lead") for text in _lead(assessment, own, beside)]
    blocks += [ways_table(f"{id_}-ways", assessment), _own_table(id_, own, beside), _claims(id_, assessment)]
    blocks += [Paragraph(finding.says) for finding in document.finding]
    blocks += [Paragraph(f"Not reproduced and not explained: {unexplained}.", "aside")] if unexplained else []
    blocks.append(_open_settings(id_, assessment))
    blocks += [block for drawing in document.drawing for block in drawn(assessment, drawing)]
    blocks += [Paragraph(f"What is odd in the document: {oddities}", "aside")] if oddities else []
    blocks += [_figures(id_, assessment), _omitted(id_, assessment)]
    known = (block for block in blocks if not isinstance(block, Table) or block.rows)
    return Section(id_, document.title, tuple(known))


def _lead(assessment: Assessment, own: Sequence[Row], searches: Sequence[Searched]) -> Iterator[str]:
    """What the document is, what was replicated of it, and what came of it."""
    document, environment, script = assessment.document, assessment.runs[0].environment, count(assessment, "chosen")
    judgements = [each.chosen.judgement for each in assessment.claims]
    where = f"on {environment.get('cores', '?')} cores of {environment.get('processor', 'an unknown processor')}"
    yield f"What it is: {document.about} It has {len(own)} experiments on {', '.join(dict.fromkeys(row.dataset for row in own))}. The document reports {script.checked} accuracies and losses that can be checked, and makes {len(judgements)} claims. We trained all of its networks again: {len(assessment.trainings)} trainings, {duration_text(assessment.seconds)} {where}."
    exact = f" {script.equal} counts of parameters are equal." if script.equal else ""
    open_ = ", ".join(each.reading.name(each.chosen) for each in assessment.readings)
    yield f"What was replicated: {script.reproduced} of the {script.checked} figures are reproduced and {script.close} are close.{_differing(own, script.differing)}{exact} {script.sharp} of these {script.reproduced + script.close} verdicts are sharp: most other figures of the document would not pass in their place. All figures of an experiment together are sharp for {script.reports} experiments. A setting that the document leaves open has one value for all experiments: {open_ or 'there is none'}."
    held = ", ".join(f"{each}{GLOSS.get(each, '')} {judgements.count(each)}" for each in JUDGEMENTS)
    doubtful = sum(each.covered < 0.5 for each in assessment.claims)
    scope = f" {doubtful} of them are judged under settings that fit the document less well, since we have fewer than {LOOKS[0]} runs under the best ones."
    found = (f" The search “{each.title}” reaches {each.accuracy:.4f}{_cost(each)}." for each in searches)
    yield f"What came of it: the verdicts of our runs on its {len(judgements)} claims: {held}.{scope if doubtful else ''} {_best(own)}{''.join(found)}"


def _cost(search: Searched) -> str:
    return "" if search.seconds is None else f" after {duration_text(search.seconds)} of training"


def _differing(own: Sequence[Row], count: int) -> str:
    """How many figures are not reproduced, and of which experiments; three of them by name."""
    names = [f"“{row.experiment.title}”" for row in own if row.chosen.differs]
    others = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f" Not reproduced: {count}, of {', '.join(names[:3])}{others}." if names else ""


def _best(own: Sequence[Row]) -> str:
    """The best network by the reported test accuracy, or by ours on the first row's data."""
    reporting = [row for row in own if row.experiment.values(TEST) and row.experiment.members == 1]
    alike = [row for row in own if row.dataset == own[0].dataset]
    best = max(reporting or alike, key=lambda row: fmean(row.experiment.values(TEST) or row.chosen.values(TEST)))
    ours = f"ours {spread_text(best.chosen.values(TEST))}, runs: {len(best.chosen.runs)}"
    network = f"“{best.experiment.title}”"
    if not reporting:
        return f"The document reports no test accuracy; its best network in our runs is {network}: {ours}."
    return f"The best test accuracy that it reports is {max(best.experiment.values(TEST)):.4f} ({network}): {ours}."


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
        accuracy = f"{best.accuracy:.4f}" if best else "not searched at this cost"
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
    others = Counter(each.verdict for name, each in judged.items() if name not in {*figures, *EXACT})
    yield "other figures", ", ".join(f"{n} {verdict}" for verdict, n in others.items()) or None
    yield "report as a whole", row.chosen.worth or None
    yield "runs", len(row.chosen.runs)
    yield COST, f"{fmean(run.seconds for run in row.chosen.runs):,.1f}"


def _open_settings(id_: str, assessment: Assessment) -> Table:
    options = ((each, [option.name for option in each.reading.options]) for each in assessment.readings)
    rows = tuple((each.reading.silent, names[0], "; ".join(names[1:]), each.conclusion) for each, names in options)
    columns = ("setting that it leaves open", "fixed before any run", "alternatives", "what our runs say")
    note = f"The same settings for all are the most probable of {assessment.compared} combinations that all experiments with figures were run under. The setting that was fixed before any run has the prior probability one half, and its alternatives share the other half; the numbers are posterior probabilities. With each row's own settings {assessment.row_fields} fields are free: log prior probability {assessment.row_prior:.1f}, with the same for all {assessment.document.log_prior(assessment.choice):.1f}."
    return Table(f"{id_}-readings", "The settings that it leaves open", columns, rows, note)


def _claims(id_: str, assessment: Assessment) -> Table:
    found = ((each.claim, each.chosen) for each in assessment.claims)
    rows = tuple((a.says, b.judgement, b.scope or None, b.reason, a.basis, b.runs) for a, b in found)
    columns = ("claim", "our runs", "under which settings", "because", "basis", "runs of each, at least")
    note = f"All experiments of a claim are compared under the same settings. They have the names of the table above; a difference is that of the figure that the claim is about. Holds, fails: significant at 5 %, over looks at {', '.join(map(str, LOOKS))} runs of each network and both directions. Apart by at most: the bound of the difference with 95 % confidence. Equal: this bound is below one point of accuracy, or a tenth of another figure. Basis: whether the document states the claim of its runs, implies it by its figures, guesses it as a reason, or states it in general; a reading is our interpretation."
    if (rate := assessment.false_discovery) is not None:
        note += f" At most {rate:.1%} of the claims that hold or fail are expected to be errors; claims about each run are not among these."
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


def documents_table(id_: str, assessments: Sequence[Assessment]) -> Table:
    """A row for each document: how many figures are reproduced and close under each way to read it, and its claims."""
    rows: list[tuple[Cell, ...]] = []
    for each in assessments:
        script, *others = (count(each, which) for which in WAYS)
        ways = (f"{way.reproduced} + {way.close}" for way in (script, *others))
        judgements = [claim.chosen.judgement for claim in each.claims]
        figures = (script.checked, *ways, script.sharp, script.reports, script.equal)
        rows.append((each.document.title, *figures, *map(judgements.count, JUDGEMENTS)))
    worth_columns = ("sharp, same settings", "sharp reports, same settings", "parameter counts equal")
    columns = ("document", "figures", *WAYS.values(), *worth_columns, *(f"claims: {each}" for each in JUDGEMENTS))
    title = "How many of the reported accuracies and losses are reproduced + close, and which claims hold"
    return Table(id_, title, columns, tuple(rows), NOTE)


def ways_table(id_: str, assessment: Assessment) -> Table:
    """How many figures have each verdict, under each way to read the document."""
    rows = tuple((way, *astuple(count(assessment, which))) for which, way in WAYS.items())
    columns = ("how open settings are chosen", *VERDICTS[:3], "sharp", "sharp reports", "parameter counts equal")
    return Table(id_, "How many of its figures are reproduced", columns, rows, NOTE)


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
