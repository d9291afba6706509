"""The documents' own pictures, drawn again from our runs together with the reported values."""

import io
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np
from PIL import Image

from tuner.base.formatting import number_text
from tuner.charts import BLUE, CYCLE, VERMILION, Axis, Band, Chart, Dots, Line, Mark, Point
from tuner.charts.colors import LIGHT
from tuner.charts.confusion import confusion_chart
from tuner.charts.content import Block, Cell, Picture, Table, missing
from tuner.charts.marks import numbered
from tuner.data.catalogue import CATALOGUE
from tuner.data.synthetic import SYNTHETIC
from tuner.documents.assessment import Assessment, Row
from tuner.documents.experiment import Drawing
from tuner.documents.figures import NORMAL, deviation
from tuner.documents.runs import Run

Rows = Mapping[str, Row]

FIRST, SECOND = (np.array(list(bytes.fromhex(LIGHT[name][1:]))) for name in (BLUE, VERMILION))
ENLARGED = 8
"""Pixels along each side of a point of the decision regions."""

REACH = 6.0
"""The largest coordinate of decision regions."""


def drawn(assessment: Assessment, drawing: Drawing) -> Iterator[Block]:
    """The blocks of one picture of the document, or what is missing for it."""
    rows = {name: assessment.row(name) for name in drawing.experiments}
    without = [name for name, row in rows.items() if not row.chosen.runs]
    if without:
        yield missing(f"{drawing.title}: not run yet: {', '.join(without)}.")
        return
    id_, first = f"{assessment.document.name}-{drawing.id}", rows[drawing.experiments[0]].chosen.runs[0]
    match drawing.kind:
        case "against":
            axis = Axis(drawing.x, scale="log" if drawing.log else "linear")
            note = "Bars: 95 % of runs, where there are several."
            yield _chart(id_, drawing, axis, _against(drawing, rows), note)
        case "curves":
            several = any(len(row.chosen.runs) > 1 for row in rows.values())
            note = "Lines: means of our runs; shaded: from the lowest to the highest run." if several else ""
            yield _chart(id_, drawing, Axis("epoch", integers=True), _curves(drawing, rows), note)
        case "members":
            note = "A member whose output is not a number is left out of the mean."
            yield _chart(id_, drawing, Axis("members", integers=True), _members(drawing, rows), note)
        case "confusion":
            yield confusion_chart(id_, drawing.title, first.confusion, CATALOGUE[first.dataset].classes)
        case "table":
            lines = ((row.experiment.title, *reported_and_ours_of(row, drawing.figures)) for row in rows.values())
            yield Table(id_, drawing.title, ("network", *reported_and_ours(drawing.figures)), tuple(lines))
        case "layers":
            for name, row in rows.items():
                yield _layers(f"{assessment.document.name}-{name}-layers", row)
        case "regions":
            yield from (_regions(assessment, row) for row in rows.values())


def _chart(id_: str, drawing: Drawing, x: Axis, marks: Iterator[Mark], note: str) -> Chart:
    names = {figure.rpartition("_")[2] for figure in drawing.figures}
    only = drawing.figures[0].replace("_", " ") if len(drawing.figures) == 1 else " and ".join(sorted(names))
    y = Axis(only, percent="accuracy" in names)
    return Chart(id_, drawing.title, x, y, tuple(marks), note)


def _reported(name: str, color: str, points: Sequence[Point]) -> Iterator[Dots]:
    if points:
        yield Dots(f"{name}, reported", color, tuple(points), shape="diamond")


def _against(drawing: Drawing, rows: Rows) -> Iterator[Mark]:
    places = list(zip(drawing.at, rows.values(), strict=True))
    for color, figure in zip(CYCLE, drawing.figures, strict=False):
        ours = [(x, values) for x, row in places if (values := row.chosen.values(figure))]
        reported = [(x, value) for x, row in places for value in row.experiment.values(figure)]
        yield from _means(figure, color, drawing.x, ours, reported)


def _members(drawing: Drawing, rows: Rows) -> Iterator[Mark]:
    (row,) = rows.values()
    for color, figure in zip(CYCLE, drawing.figures, strict=False):
        ours = [
            (float(count), each) for count, each in enumerate(zip(*row.chosen.curves(figure), strict=False), start=1)
        ]
        reported = row.experiment.curve.get(figure) or row.experiment.values(figure)
        yield from _means(figure, color, "members", ours, numbered(reported))


def _means(
    figure: str, color: str, axis: str, ours: Sequence[tuple[float, Sequence[float]]], reported: Sequence[Point]
) -> Iterator[Mark]:
    """Means of our runs with bars, joined by a line, and the reported values."""
    name, points = figure.replace("_", " "), tuple((x, fmean(values)) for x, values in ours)
    errors = tuple(interval(values, "accuracy" in figure) for _, values in ours)
    tips = tuple(f"{axis} {x:g}: {fmean(values):.4f} over {len(values)} runs" for x, values in ours)
    yield Line("", color, points)
    yield Dots(f"{name}, ours", color, points, tips, errors=errors)
    yield from _reported(name, color, reported)


def _curves(drawing: Drawing, rows: Rows) -> Iterator[Mark]:
    pairs = [(row, figure) for row in rows.values() for figure in drawing.figures]
    for color, (row, figure) in zip(CYCLE * 3, pairs, strict=False):
        curves = row.chosen.curves(figure)
        if not curves:
            continue
        several = len(drawing.figures) > 1
        name = figure.replace("_", " ") if several else row.experiment.title
        epochs = [float(row.chosen.runs[0].every * number) for number in range(1, min(map(len, curves)) + 1)]
        columns = list(zip(*curves, strict=False))
        if len(curves) > 1:
            yield Band("", color, tuple((x, min(each), max(each)) for x, each in zip(epochs, columns, strict=True)))
        line = tuple(zip(epochs, map(fmean, columns), strict=True))
        yield Line(name, color, line, several and "training" in figure)
        yield from _reported(name, color, numbered(row.experiment.curve.get(figure, ())))


def reported_and_ours(figures: Sequence[str]) -> list[str]:
    """Names of two columns for each figure."""
    return [f"{figure.replace('_', ' ')}, {whose}" for figure in figures for whose in ("reported", "ours")]


def reported_and_ours_of(row: Row, figures: Sequence[str]) -> Iterator[str | None]:
    """The cells of an experiment in the columns of `reported_and_ours`."""
    for figure in figures:
        yield ", ".join(str(spread_text((value,))) for value in row.experiment.values(figure)) or None
        yield spread_text(row.chosen.values(figure))


def _layers(id_: str, row: Row) -> Table:
    """The parameters of a network, layer by layer, as exercises ask for them."""
    layers = [layer for layer in row.chosen.runs[0].layers if layer.parameters]
    rows: list[tuple[Cell, ...]] = [
        (layer.kind.replace("_", " "), "×".join(map(str, layer.output)), layer.calculation, layer.parameters)
        for layer in layers
    ]
    rows.append(("together", None, None, sum(layer.parameters for layer in layers)))
    columns = ("layer", "output", "calculation", "parameters")
    return Table(id_, f"{row.experiment.title}: parameters", columns, tuple(rows))


def _regions(assessment: Assessment, row: Row) -> Block:
    """The best run under any reading: the document shows one that went well, too."""
    experiment = row.experiment
    runs = [run for run in assessment.runs if run.experiment == experiment.id]
    best = min((run for run in runs if run.regions), key=lambda run: run.figures["test_loss"], default=None)
    if best is None:
        return missing(f"{experiment.title}: its regions were not stored.")
    bounds = "".join(
        f"; {sum(run.figures['test_loss'] <= bound for run in runs)} keep the bound of {bound:g}"
        for bound in experiment.values("test_loss_at_most")
    )
    reading = f" ({best.reading})" if best.reading else ""
    note = (
        f"The best of {len(runs)} runs{reading}: test loss {best.figures['test_loss']:.4g}{bounds}. Dots: test points."
    )
    id_, alt = f"{assessment.document.name}-{experiment.id}", f"Decision regions: {experiment.title}"
    return Picture(id_, experiment.title, _regions_png(best), alt, note)


def _regions_png(run: Run) -> bytes:
    """The plane shaded by the outputs of a network (digits 0 to 9, rows from the top), with the test points."""
    _, _, inputs, labels = SYNTHETIC[run.dataset]()
    shares = np.array([[int(digit) for digit in row] for row in run.regions]) / 9
    large = np.kron(shares, np.ones((ENLARGED, ENLARGED)))[..., None]
    plane = 255 - 0.55 * (255 - (FIRST * (1 - large) + SECOND * large))
    size = len(plane)
    for (x, y), label in zip(inputs, labels, strict=True):
        column, row = (int((value + REACH) / (2 * REACH) * (size - 1)) for value in (x, -y))
        if 3 <= row < size - 3 and 3 <= column < size - 3:
            plane[row - 3 : row + 4, column - 3 : column + 4] = 255
            plane[row - 2 : row + 3, column - 2 : column + 3] = SECOND if label else FIRST
    buffer = io.BytesIO()
    Image.fromarray(plane.astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def spread_text(values: Sequence[float]) -> str | None:
    """The mean of runs, with their standard deviation where there are several; None without any.

    >>> spread_text([109722.0]), spread_text([0.9, 0.92]), spread_text([0.0001, 0.00012])
    ('109,722', '0.9100 ± 0.0141', '0.00011 ± 1.4e-05')
    """
    if not values:
        return None
    middle = fmean(values)
    if middle >= 1000:
        return number_text(middle)
    form, form_apart = (".3g", ".2g") if 0 < abs(middle) < 0.001 else (".4f", ".4f")
    apart = f" ± {deviation(values):{form_apart}}" if len(values) > 1 else ""
    return f"{middle:{form}}{apart}"


def interval(values: Sequence[float], accuracy: bool = True) -> Point:
    """Where 95 % of such runs lie; the value itself for a single one. Accuracies end at 0 and 1."""
    half = NORMAL * deviation(values)
    low, high = fmean(values) - half, fmean(values) + half
    return (max(low, 0.0), min(high, 1.0)) if accuracy else (low, high)
