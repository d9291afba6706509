"""A judged document on the terminal: reported and measured figures with verdicts; single experiments in detail."""

from collections.abc import Iterator
from fnmatch import fnmatch

from rich.console import Console

from tuner.base.formatting import duration_text
from tuner.charts.confusion import class_metrics, confused_pairs
from tuner.charts.content import cell_text
from tuner.commands.terminal import console, print_table
from tuner.data.catalogue import CATALOGUE
from tuner.documents.assessment import Assessment, Row
from tuner.documents.runs import Run
from tuner.documents.section import measured_text, reported_text, ways_table

STYLES = {
    "reproduced": "green",
    "close": "yellow",
    "not reproduced": "red",
    "cannot be checked": "dim",
    "holds": "green",
    "fails": "red",
    "equal": "cyan",
    "undecided": "dim",
    "depends on a guess": "yellow",
}


def print_replication(assessment: Assessment) -> None:
    """The table of figures, the claims, the oddities, the counts, and the runs that failed."""
    out, document = console(), assessment.document
    has_alternatives = any(row.tried > 1 for row in assessment.rows)
    out.print(f"\n{document.title} ({document.name})", style="bold")
    for reading in assessment.readings:
        first, *others = [option.name for option in reading.reading.options]
        text = f"open setting: {reading.reading.silent}: {first}; or {', or '.join(others)}; {reading.conclusion}"
        out.print(text, markup=False)
    if assessment.compared > 1:
        chosen = document.reading_name(assessment.choice) or "the first ones"
        out.print(f"The most probable of {assessment.compared} scripts: {chosen}", markup=False)
    _print_figures(assessment, has_alternatives)
    ways = ways_table(document.name, assessment)
    print_table(ways.columns, [[*map(cell_text, row)] for row in ways.rows])
    for claim in assessment.claims:
        out.print(
            f"{_colored(claim.chosen.judgement)} by {claim.chosen.runs} runs of each: {claim.claim.says} ({claim.chosen.reason})"
        )
        if claim.chosen.scope:
            out.print(f"    {claim.chosen.scope}", markup=False)
    for line in _closing_lines(assessment):
        out.print(line, markup=False)
    for failure in assessment.failures:
        out.print(f"run failed: {failure}", markup=False, style="red")


def print_details(assessment: Assessment, only: str) -> None:
    """For each experiment that matches: its parameters layer by layer, its confusion matrix on the test part, and
    precision, recall and F1 by class, of its first run under the chosen readings."""
    out = console()
    for row in assessment.rows:
        run = next((run for run in row.chosen.runs if run.repeat == 0), None)
        if run is not None and fnmatch(row.experiment.id, only):
            out.print(f"\n{row.experiment.title} ({row.experiment.id})", style="bold")
            _print_run(out, run)


def _closing_lines(assessment: Assessment) -> Iterator[str]:
    ids, document = {row.experiment.id for row in assessment.rows}, assessment.document
    for kind, remarks in (("odd in the document", document.oddity), ("finding", document.finding)):
        for each in remarks:
            if not each.about or ids.intersection(each.about):
                about = f" ({', '.join(each.about)})" if each.about else ""
                yield f"{kind}{about}: {each.says}"
    if assessment.unexplained:
        yield f"not reproduced and not explained: {', '.join(assessment.unexplained)}"
    yield f"with each row's own settings {assessment.row_fields} fields are free: log prior probability {assessment.row_prior:.1f}, with the same for all {document.log_prior(assessment.choice):.1f}"
    if assessment.false_discovery is not None:
        yield f"of the claims that hold or fail at most {assessment.false_discovery:.1%} are expected to be errors"
    yield f"{duration_text(assessment.seconds)} of training"


def _print_figures(assessment: Assessment, has_alternatives: bool) -> None:
    columns = ["experiment", "figure", "reported", "measured", "runs", "verdict", "others that pass"]
    columns += ["chosen readings", "the experiment's best reading"] if has_alternatives else []
    rows = []
    for row in assessment.rows:
        for index, first in enumerate(row.first.figures):
            name = first.figure.replace("_", " ")
            cells = [
                row.experiment.title,
                name,
                reported_text(first),
                cell_text(measured_text(first)),
                str(len(row.first.runs)),
            ]
            alternatives = _alternatives(row, index) if has_alternatives else []
            rows.append((*cells, _colored(first.verdict), first.share_text, *alternatives))
    print_table(columns, rows, markup=True)


def _alternatives(row: Row, index: int) -> list[str]:
    """The same figure under the chosen readings and the experiment's best reading, where these differ."""
    cells = []
    for judged, before in ((row.chosen, row.first), (row.best, row.chosen)):
        figure = judged.figures[index]
        name = f" \\[{judged.reading}]" if judged is row.best else ""
        same = judged.reading == before.reading
        cells.append("" if same else f"{cell_text(measured_text(figure))} {_colored(figure.verdict)}{name}")
    return cells


def _print_run(out: Console, run: Run) -> None:
    classes = CATALOGUE[run.dataset].classes
    layers = [
        (layer.kind.replace("_", " "), "×".join(map(str, layer.output)), str(layer.parameters), layer.calculation)
        for layer in run.layers
    ]
    print_table(("layer", "output", "parameters", "calculation"), layers, numbers=True)
    counts = [layer.parameters for layer in run.layers if layer.parameters]
    out.print(f"{' + '.join(map(str, counts))} = {sum(counts)} parameters\n", markup=False)
    for name in ("fold_test_accuracy", "fold_validation_accuracy", "single_accuracy", "ensemble_accuracy"):
        if name in run.curve:
            values = ", ".join(f"{value:.4f}" for value in run.curve[name])
            out.print(f"{name.replace('_', ' ')}: {values}", markup=False)
    matrix = [
        (name, *(f"[bold]{count}[/]" if index == column else str(count) for column, count in enumerate(row)))
        for index, (name, row) in enumerate(zip(classes, run.confusion, strict=True))
    ]
    print_table(("", *classes), matrix, numbers=True, markup=True)
    true, predicted, often = next(iter(confused_pairs(run.confusion)), (0, 0, 0))
    pair = f"confused most: {classes[true]} taken for {classes[predicted]} ({often} times)"
    out.print(f"rows are true classes, columns predictions; {pair}\n", markup=False)
    metrics = [
        (name, *(f"{value:.4f}" for value in figures))
        for name, figures in zip(classes, class_metrics(run.confusion), strict=True)
    ]
    print_table(("class", "precision", "recall", "F1"), metrics, numbers=True)


def _colored(verdict: str) -> str:
    return f"[{STYLES[verdict]}]{verdict}[/]"
