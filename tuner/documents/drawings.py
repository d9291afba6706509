"""The documents' own pictures, drawn again from our runs together with the reported values."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
from PIL import Image

from tuner.base.formatting import number_text
from tuner.charts import BLUE, CYCLE, VERMILION, Axis, Chart, Dots, Line, Mark, Paths, Point
from tuner.charts.colors import LIGHT
from tuner.charts.confusion import confusion_chart
from tuner.charts.content import Block, Cell, Picture, Table, missing
from tuner.charts.marks import numbered
from tuner.charts.scale import focused
from tuner.data.catalogue import CATALOGUE
from tuner.data.synthetic import SYNTHETIC
from tuner.documents.assessment import Assessment, Row
from tuner.documents.experiment import Drawing
from tuner.documents.figures import deviation
from tuner.documents.runs import Run

Rows = Mapping[str, Row]

FIRST, SECOND = (np.array(list(bytes.fromhex(LIGHT[name][1:]))) for name in (BLUE, VERMILION))
ENLARGED = 8
"""Pixels along each side of a point of the decision regions."""

UNSTEADY = 0.2
"""A standard deviation that is a larger share of the mean is that of runs that depend on luck."""

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
            axis = Axis(drawing.x, scale="log" if drawing.log else "linear", at=drawing.at)
            yield _chart(id_, drawing.title, axis, drawing.figures, _against(drawing, rows))
        case "curves":
            yield from _curve_charts(id_, drawing, rows)
        case "members":
            yield _chart(id_, drawing.title, Axis("members", integers=True), drawing.figures, _members(drawing, rows))
        case "confusion":
            yield confusion_chart(id_, drawing.title, first.confusion, CATALOGUE[first.dataset].classes)
        case "layers":
            for name, row in rows.items():
                yield _layers(f"{assessment.document.name}-{name}-layers", row)
        case "regions":
            yield from (_regions(assessment, row) for row in rows.values())


@dataclass(frozen=True)
class Series:
    """A figure of one or more experiments: the values of our runs at each x, those that are reported, and `lines` of single runs."""

    name: str
    ours: tuple[tuple[float, tuple[float, ...]], ...]
    reported: tuple[Point, ...]
    lines: tuple[tuple[Point, ...], ...] = ()
    dashed: bool = False

    @property
    def middle(self) -> tuple[Point, ...]:
        """The median of our runs at each x; a diverged run counts as above all others."""
        return tuple((x, median(each if math.isfinite(each) else math.inf for each in runs)) for x, runs in self.ours)

    def marks(self, color: str, axis: str) -> Iterator[Mark]:
        """Single runs faintly, their median as a line, and the reported values."""
        if self.lines:
            yield Paths("", color, self.lines, opacity=0.3)
        else:
            points = tuple((x, run) for x, runs in self.ours for run in runs if math.isfinite(run))
            tips = tuple(f"{self.name}, one run: {y:.4g} at {axis} {x:g}" for x, y in points)
            yield Dots("", color, points, tips, size=2.5, opacity=0.5)
        yield Line(self.name, color, self.middle, self.dashed)
        if self.reported:
            yield Dots(f"{self.name}, reported", color, self.reported, shape="diamond")


def _chart(id_: str, title: str, x: Axis, figures: Sequence[str], series: Sequence[Series]) -> Chart:
    """The value axis shows the medians and what is reported, and the curves of one network all; other runs may lie beyond it."""
    names = {figure.rpartition("_")[2] for figure in figures}
    only = figures[0].replace("_", " ") if len(figures) == 1 else " and ".join(sorted(names))
    shown = [y for each in series for _, y in (*each.middle, *each.reported)]
    runs = [run for each in series for _, values in each.ours for run in values if math.isfinite(run)]
    is_alone = len(series) == len(figures) and bool(series[0].lines)
    y = focused(Axis(only, percent="accuracy" in names), [*shown, *runs] if is_alone else shown)
    beyond = [run for run in runs if not y.is_within(run)]
    several = any(len(values) > 1 for each in series for _, values in each.ours)
    note = "Faint: single runs of ours; line: their median." if several else ""
    if beyond:
        ends = f"{number_text(min(beyond))} to {number_text(max(beyond))}"
        note += f" {len(beyond)} of {len(runs)} points lie beyond the axis ({ends}) and are drawn at its edge."
    marks = (mark for color, each in zip(CYCLE * 3, series, strict=False) for mark in each.marks(color, x.label))
    return Chart(id_, title, x, y, tuple(marks), note.strip())


def _against(drawing: Drawing, rows: Rows) -> list[Series]:
    places = list(zip(drawing.at, rows.values(), strict=True))
    return [
        Series(
            figure.replace("_", " "),
            tuple((x, tuple(values)) for x, row in places if (values := row.chosen.values(figure))),
            tuple((x, value) for x, row in places for value in row.experiment.values(figure)),
        )
        for figure in drawing.figures
    ]


def _members(drawing: Drawing, rows: Rows) -> list[Series]:
    (row,) = rows.values()
    return [
        Series(
            figure.replace("_", " "),
            tuple(enumerate(zip(*row.chosen.curves(figure), strict=False), start=1)),
            numbered(row.experiment.curve.get(figure) or row.experiment.values(figure)),
        )
        for figure in drawing.figures
    ]


def _curve_charts(id_: str, drawing: Drawing, rows: Rows) -> Iterator[Chart]:
    """The accuracies and the losses by epoch; the texts have both for nearly all of their networks."""
    own = drawing.figures[0].rpartition("_")[2]
    for metric in (own, "loss" if own == "accuracy" else "accuracy"):
        figures = [f"{figure.rpartition('_')[0]}_{metric}" for figure in drawing.figures]
        series = [
            each for row in rows.values() for figure in figures if (each := _curve(row, figure, rows, figures)).ours
        ]
        title = drawing.title if metric == own else f"{drawing.title.replace(f' {own}', '')}: {metric}"
        if series:
            yield _chart(
                id_ if metric == own else f"{id_}-{metric}", title, Axis("epoch", integers=True), figures, series
            )


def _curve(row: Row, figure: str, rows: Rows, figures: Sequence[str]) -> Series:
    names = [row.experiment.title] * (len(rows) > 1) + [figure.replace("_", " ")] * (len(figures) > 1 or len(rows) == 1)
    lines = [
        tuple((float(run.every * number), value) for number, value in enumerate(run.curve[figure], start=1))
        for run in row.chosen.runs
        if figure in run.curve
    ]
    columns = [tuple(y for _, y in points) for points in zip(*lines, strict=False)]
    ours = tuple((x, runs) for (x, _), runs in zip(lines[0], columns, strict=False)) if lines else ()
    reported = numbered(row.experiment.curve.get(figure, ()))
    return Series(", ".join(names), ours, reported, tuple(lines), len(figures) > 1 and "training" in figure)


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
    """The mean of runs, with their standard deviation where there are several; where they depend on luck, from the lowest to the
    highest; how many diverged; None without any.

    >>> spread_text([109722.0]), spread_text([0.9, 0.92]), spread_text([0.0001, 0.00012])
    ('109,722', '0.9100 ± 0.0141', '0.00011 ± 1.4e-05')
    >>> spread_text([0.1, 0.93, 0.94]), spread_text([0.3, math.nan]), spread_text([1.6e13, 1.7e13])
    ('0.1000 to 0.9400, median 0.9300', '0.3000, 1 of 2 diverged', '1.65e+13 ± 7.1e+11')
    """
    finite = sorted(filter(math.isfinite, values))
    if not finite:
        return "diverged" if values else None
    left_out = f", {len(values) - len(finite)} of {len(values)} diverged" if len(finite) < len(values) else ""
    average, apart = fmean(finite), deviation(finite)
    if average >= 1000 and not apart:
        return number_text(average) + left_out
    form, form_apart = (".4f", ".4f") if 0.001 <= abs(average) < 1000 or not average else (".3g", ".2g")
    if apart > UNSTEADY * abs(average):
        return f"{finite[0]:{form}} to {finite[-1]:{form}}, median {median(finite):{form}}{left_out}"
    return f"{average:{form}}" + (f" ± {apart:{form_apart}}" if len(finite) > 1 else "") + left_out
