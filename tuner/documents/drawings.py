"""The documents' own pictures, drawn again from our runs together with the reported values."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import fmean, median

import numpy as np
from PIL import Image

from tuner.base.formatting import number_text
from tuner.charts import BLUE, CYCLE, VERMILION, Axis, Chart, Dots, Line, Mark, Paths, Point
from tuner.charts.colors import LIGHT
from tuner.charts.confusion import confusion_chart
from tuner.charts.content import Block, Picture, Table, missing
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
REACH, ENLARGED = 6.0, 8
"""The largest coordinate of decision regions, and the pixels along each side of one of their points."""


def drawn(assessment: Assessment, drawing: Drawing) -> Iterator[Block]:
    """The blocks of one picture of the document, or what is missing for it."""
    rows = {name: assessment.row(name) for name in drawing.experiments}
    without = [name for name, row in rows.items() if not row.chosen.runs]
    if without:
        yield missing(f"{drawing.title}: not run yet: {', '.join(without)}.")
        return
    id_, first = f"{assessment.document.name}-{drawing.id}", rows[drawing.experiments[0]].chosen.runs[0]
    metric = drawing.figures[0].rpartition("_")[2]
    match drawing.kind:
        case "against":
            axis = Axis(drawing.x, scale="log" if drawing.log else "linear", at=drawing.at)
            yield _chart(id_, drawing.title, axis, metric, list(_against(drawing, rows)))
        case "curves" | "members":
            yield from _curve_charts(id_, drawing, metric, rows)
        case "confusion":
            yield confusion_chart(id_, drawing.title, first.confusion, CATALOGUE[first.dataset].classes)
        case "layers":
            for name, row in rows.items():
                yield _layers(f"{assessment.document.name}-{name}-layers", row)
        case "regions":
            yield from (_regions(assessment, row) for row in rows.values())


@dataclass(frozen=True)
class Series:
    """A figure of one or more experiments: the values of our runs at each x, and those that are reported. Those of a run are
    `joined` to a curve; one that diverged has no further values."""

    name: str
    ours: tuple[tuple[float, tuple[float, ...]], ...]
    reported: tuple[Point, ...]
    joined: bool = False
    dashed: bool = False

    @property
    def middle(self) -> tuple[Point, ...]:
        """The median of our runs at each x; a diverged run counts as above all others."""
        return tuple((x, median(each if math.isfinite(each) else math.inf for each in runs)) for x, runs in self.ours)

    @property
    def points(self) -> tuple[Point, ...]:
        """Those of all our runs."""
        return tuple((x, run) for x, runs in self.ours for run in runs if math.isfinite(run))

    def marks(self, color: str) -> Iterator[Mark]:
        """Single runs faintly, their median as a line, and the reported values."""
        if self.joined:
            curves = zip(*([(x, run) for run in runs] for x, runs in self.ours), strict=True)
            yield Paths("", color, tuple(curves), opacity=0.3)
        else:
            yield Dots("", color, self.points, size=2.5, opacity=0.5)
        yield Line(self.name, color, self.middle, self.dashed)
        if self.reported:
            yield Dots(f"{self.name}, reported", color, self.reported, shape="diamond")


def _chart(id_: str, title: str, x: Axis, metric: str, series: Sequence[Series], *, alone: bool = False) -> Chart:
    """The value axis shows the medians and what is reported, of one network `alone` all runs; others may lie beyond it."""
    shown = [y for each in series for _, y in (*each.middle, *each.reported)]
    runs = [run for each in series for _, run in each.points]
    room = 0.0 if series[0].joined else 0.3  # a share of the range on each side
    y = focused(Axis(metric, percent=metric == "accuracy"), [*shown, *runs] if alone else shown, room)
    several = any(len(values) > 1 for each in series for _, values in each.ours)
    notes = ["Faint: single runs of ours; line: their median."] * several
    beyond = sorted(run for run in runs if not y.is_within(run))
    if beyond:
        ends = f"{beyond[0]:.4g} to {beyond[-1]:.4g}"
        notes.append(f"At the edge: {len(beyond)} of {len(runs)} points, which lie beyond the axis ({ends}).")
    diverged = [each.name for each in series if not each.points]
    notes += [f"Diverged: {', '.join(diverged)}."] * bool(diverged)
    marks = (mark for color, each in zip(CYCLE * 3, series, strict=False) for mark in each.marks(color))
    return Chart(id_, title, x, y, tuple(marks), " ".join(notes))


def _against(drawing: Drawing, rows: Rows) -> Iterator[Series]:
    places = list(zip(drawing.at, rows.values(), strict=True))
    for figure in drawing.figures:
        ours = tuple((x, tuple(row.chosen.values(figure))) for x, row in places if row.chosen.values(figure))
        reported = tuple((x, value) for x, row in places for value in row.experiment.values(figure))
        yield Series(figure.replace("_", " "), ours, reported)


def _curve_charts(id_: str, drawing: Drawing, own: str, rows: Rows) -> Iterator[Chart]:
    """The accuracies and the losses by epoch, or the accuracies by member; the texts have both for nearly all of their networks."""
    several, by_member = len(drawing.figures) > 1, drawing.kind == "members"
    for metric in sorted(("accuracy", "loss"), key=lambda each: each != own):
        title = drawing.title if metric == own else drawing.title.replace(own, metric)
        title += f": {metric}" if metric not in title and metric != own else ""
        figures = [f"{figure.rpartition('_')[0]}_{metric}" for figure in drawing.figures]
        pairs = [(row, figure) for row in rows.values() for figure in figures if row.chosen.curves(figure)]
        series = []
        for row, figure in pairs:
            parts = [row.experiment.title] * (len(rows) > 1) + [figure.replace("_", " ")] * (several or len(rows) == 1)
            every = 1 if by_member else row.chosen.runs[0].every
            columns = zip_longest(*row.chosen.curves(figure), fillvalue=math.nan)
            ours = tuple((float(every * at), runs) for at, runs in enumerate(columns, start=1))
            reported = row.experiment.curve.get(figure) or (row.experiment.values(figure) if by_member else ())
            dashed = several and "training" in figure
            series.append(Series(", ".join(parts), ours, numbered(reported), joined=True, dashed=dashed))
        if series:
            axis = Axis("members" if by_member else "epoch", integers=True)
            yield _chart(id_ if metric == own else f"{id_}-{metric}", title, axis, metric, series, alone=len(rows) == 1)


def _layers(id_: str, row: Row) -> Table:
    """The parameters of a network, layer by layer, as exercises ask for them."""
    layers = [layer for layer in row.chosen.runs[0].layers if layer.parameters]
    rows = [
        (layer.kind.replace("_", " "), "×".join(map(str, layer.output)), layer.calculation, layer.parameters)
        for layer in layers
    ]
    total = ("together", None, None, sum(layer.parameters for layer in layers))
    columns = ("layer", "output", "calculation", "parameters")
    return Table(id_, f"{row.experiment.title}: parameters", columns, (*rows, total))


def _regions(assessment: Assessment, row: Row) -> Block:
    """The best run under any reading: the document shows one that went well, too."""
    id_, title = row.experiment.id, row.experiment.title
    runs = [run for run in assessment.runs if run.experiment == id_]
    best = min((run for run in runs if run.regions), key=lambda run: run.figures["test_loss"], default=None)
    if best is None:
        return missing(f"{title}: its regions were not stored.")
    losses = [run.figures["test_loss"] for run in runs]
    bounds = row.experiment.values("test_loss_at_most")
    within = "".join(f"; {sum(loss <= bound for loss in losses)} stay below {bound:g}" for bound in bounds)
    reading = f" ({best.reading})" if best.reading else ""
    note = (
        f"The best of {len(runs)} runs{reading}: test loss {best.figures['test_loss']:.4g}{within}. Dots: test points."
    )
    png, alt = _regions_png(best), f"Decision regions: {title}"
    return Picture(f"{assessment.document.name}-{id_}", title, png, alt, note)


def _regions_png(run: Run) -> bytes:
    """The plane shaded by the outputs of a network (digits 0 to 9, rows from the top), with the test points."""
    _, _, inputs, labels = SYNTHETIC[run.dataset]()
    shares = np.array([[int(digit) for digit in row] for row in run.regions])[..., None] / 9
    shaded = 255 - 0.55 * (255 - (FIRST * (1 - shares) + SECOND * shares))
    plane = np.kron(shaded, np.ones((ENLARGED, ENLARGED, 1)))
    places = np.rint((inputs * (1, -1) + REACH) / (2 * REACH) * (len(plane) - 1)).astype(int)
    for (column, row), label in zip(places.clip(3, len(plane) - 4), labels, strict=True):
        for size, color in ((3, 255), (2, SECOND if label else FIRST)):
            plane[row - size : row + size + 1, column - size : column + size + 1] = color
    buffer = io.BytesIO()
    Image.fromarray(plane.astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def spread_text(values: Sequence[float]) -> str | None:
    """Mean and standard deviation of runs; their range, if that is over a fifth of the mean; how many diverged; None for none.

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
    if apart > 0.2 * abs(average):
        return f"{finite[0]:{form}} to {finite[-1]:{form}}, median {median(finite):{form}}{left_out}"
    return f"{average:{form}}" + (f" ± {apart:{form_apart}}" if len(finite) > 1 else "") + left_out
