"""A judged document on the terminal: reported beside measured, with verdicts; and single experiments in detail."""

from collections.abc import Sequence
from fnmatch import fnmatch

import numpy as np
from rich.console import Console
from rich.table import Table

from tuner.base.formatting import duration_text, number_text
from tuner.commands.terminal import console, table
from tuner.data.catalogue import CATALOGUE
from tuner.documents.assessment import Assessment, Judgements, Row
from tuner.documents.baseline import Replication
from tuner.documents.claims import LOOKS, Decision
from tuner.documents.runs import Run
from tuner.documents.verdicts import Judged, JudgedCurve, shared_in_words
from tuner.networks import LayerShape
from tuner.report.confusion import class_metrics, most_confused

STYLES = {
    "reproduced": "green",
    "close": "yellow",
    "not reproduced": "red",
    "cannot be checked": "dim",
    "holds": "green",
    "fails": "red",
    "undecided": "dim",
}


def print_replication(name: str, replication: Replication) -> None:
    """The table of figures, the claims, the oddities, the counts, and what could not be run."""
    out, assessment = console(), replication.assessment
    out.print(f"\n{assessment.document.title} ({name})", style="bold")
    for reading in assessment.readings:
        others = ", or ".join(option.name for option in reading.options[1:])
        out.print(f"not said: {reading.silent}: {reading.options[0].name}; or {others}; {reading.found}", markup=False)
    if assessment.compared > 1:
        chosen = assessment.chosen or "the first ones"
        out.print(f"The most probable of {assessment.compared} choices of readings: {chosen}", markup=False)
    out.print(_figures(assessment))
    for claim in assessment.claims:
        out.print(f"{_decided(claim.first)}: {claim.claim.says} ({claim.first.because})")
        if claim.chosen != claim.first:
            out.print(f"    under those readings {_decided(claim.chosen)} ({claim.chosen.because})")
    for oddity in assessment.document.oddity:
        about = f" ({', '.join(oddity.about)})" if oddity.about else ""
        out.print(f"odd in the document{about}: {oddity.says}", markup=False)
    for finding in assessment.document.finding:
        out.print(f"found ({', '.join(finding.about)}): {finding.says}", markup=False)
    if assessment.open:
        out.print(f"not reproduced and not explained: {', '.join(assessment.open)}", markup=False)
    which = {"first": "first readings", "chosen": "chosen for the document", "best": "best for each experiment"}
    for key, words in which.items() if any(row.tried > 1 for row in assessment.rows) else [("first", "figures")]:
        out.print(f"{words}: {assessment.counted(key)}", markup=False)
    out.print(f"{duration_text(assessment.seconds)} of training", markup=False)
    for failure in replication.failures:
        out.print(f"could not be run: {failure}", markup=False, style="red")


def print_details(replication: Replication, only: str) -> None:
    """For each experiment that matches: its parameters layer by layer, its confusion matrix on the test part, and
    precision, recall and F1 by class, of its first run under the chosen readings."""
    out, assessment = console(), replication.assessment
    for row in assessment.rows:
        names = (row.experiment.id, row.chosen.reading, 0)
        run = next((run for run in replication.runs if run.names == names), None)
        if run is not None and fnmatch(row.experiment.id, only):
            out.print(f"\n{row.experiment.title} ({row.experiment.id})", style="bold")
            _print_run(out, run)


def _figures(assessment: Assessment) -> Table:
    several = any(row.tried > 1 for row in assessment.rows)
    others = ("chosen readings", "the experiment's best reading") if several else ()
    rows = table("experiment", "figure", "reported", "measured", "runs", "verdict", "others that pass", *others)
    for row in assessment.rows:
        for index, first in enumerate(row.first.all):
            names = (row.experiment.title, _type_text(first.figure), _reported(first))
            rows.add_row(*names, *_cells(row.first, first), *(_others(row, index) if several else ()))
    return rows


def _others(row: Row, index: int) -> list[str]:
    """What the other readings make of a figure, where they are other ones."""
    cells = []
    for judgements, before in ((row.chosen, row.first), (row.best, row.chosen)):
        same = judgements.reading == before.reading
        measured, _, verdict, _ = _cells(judgements, judgements.all[index])
        name = f" [{judgements.reading}]".replace("[", "\\[") if judgements is row.best else ""
        cells.append("" if same else f"{measured} {verdict}{name}")
    return cells


def _cells(judgements: Judgements, judged: Judged | JudgedCurve) -> tuple[str, str, str, str]:
    return _measured(judged), str(judgements.runs), _colored(judged.verdict), shared_in_words(judged)


def _reported(judged: Judged | JudgedCurve) -> str:
    if isinstance(judged, JudgedCurve):
        return f"{len(judged.points)} points"
    return ", ".join(map(number_text, judged.reported))


def _measured(judged: Judged | JudgedCurve) -> str:
    if isinstance(judged, JudgedCurve):
        return judged.reason
    if not judged.measured:
        return "–"
    if judged.figure == "parameters":
        return number_text(judged.mean)
    return f"{judged.mean:.4g} ± {judged.margin:.2g}" if judged.margin else f"{judged.mean:.4g}"


def _print_run(out: Console, run: Run) -> None:
    layers, entry = run.layers, CATALOGUE[run.recipe["data"]["name"]]
    out.print(_layers(layers))
    counts = " + ".join(str(layer.parameters) for layer in layers if layer.parameters)
    out.print(f"{counts} = {sum(layer.parameters for layer in layers)} parameters\n", markup=False)
    for name in ("fold_test_accuracy", "fold_validation_accuracy", "single_accuracy", "ensemble_accuracy"):
        if name in run.curve:
            values = ", ".join(f"{value:.4f}" for value in run.curve[name])
            out.print(f"{_type_text(name)}: {values}", markup=False)
    matrix = np.array(run.confusion, dtype=np.int64)
    out.print(_matrix(matrix, entry.classes))
    true, predicted, often = most_confused(matrix)
    pair = f"confused most: {entry.classes[true]} taken for {entry.classes[predicted]} ({often} times)"
    out.print(f"rows are true classes, columns predictions; {pair}\n", markup=False)
    rows = table("class", "precision", "recall", "F1", numbers=True)
    for name, figures in zip(entry.classes, class_metrics(matrix), strict=True):
        rows.add_row(name, *(f"{value:.4f}" for value in figures))
    out.print(rows)


def _layers(layers: Sequence[LayerShape]) -> Table:
    rows = table("layer", "output", "parameters", "calculation", numbers=True)
    for layer in layers:
        shape = "×".join(map(str, layer.output))
        rows.add_row(layer.kind.replace("_", " "), shape, str(layer.parameters), layer.calculation)
    return rows


def _matrix(matrix: "np.ndarray[tuple[int, int], np.dtype[np.int64]]", classes: Sequence[str]) -> Table:
    rows = table("", *classes, numbers=True)
    for index, (name, counts) in enumerate(zip(classes, matrix, strict=True)):
        cells = (f"[bold]{count}[/]" if index == column else str(count) for column, count in enumerate(counts))
        rows.add_row(name, *cells)
    return rows


def _colored(verdict: str) -> str:
    return f"[{STYLES[verdict]}]{verdict}[/]"


def _decided(decision: Decision) -> str:
    looks = f" after {decision.looks} of {len(LOOKS)} looks" if decision.looks > 1 else ""
    return f"{_colored(decision.judgement)}{looks}"


def _type_text(figure: str) -> str:
    return figure.replace("_", " ")
