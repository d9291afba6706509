"""The documents' own pictures, drawn again from our runs, with what they report beside."""

from collections.abc import Iterator, Sequence
from statistics import fmean

import numpy as np

from tuner.base.formatting import number_text
from tuner.charts import CYCLE, Axis, Band, Cells, Chart, Dots, Line, Mark, Point
from tuner.charts.content import Block, Cell, Picture, Table, missing
from tuner.data.synthetic import make
from tuner.documents.deviations import NORMAL, deviation
from tuner.documents.experiment import Drawing
from tuner.documents.runs import Run
from tuner.report.confusion import confused_pairs
from tuner.report.evidence import DocumentEvidence, class_names
from tuner.report.images import decision_regions

FEW, MANY = 4, 14
"""A matrix of so many classes is low; one of more than that takes the width of the page."""


def drawn(document: DocumentEvidence, drawing: Drawing) -> Iterator[Block]:
    """One picture of the document, or what is missing for it."""
    runs = {name: document.chosen(name) for name in drawing.experiments}
    without = [name for name, own in runs.items() if not own]
    if without:
        yield missing(f"{drawing.title}: not run yet: {', '.join(without)}.")
        return
    match drawing.kind:
        case "against":
            yield _against(document, drawing, runs)
        case "curves":
            yield _curves(document, drawing, runs)
        case "members":
            yield _members(document, drawing, runs)
        case "confusion":
            yield confusion_chart(_id(document, drawing), drawing.title, runs[drawing.experiments[0]][0])
        case "table":
            yield _table(document, drawing, runs)
        case "layers":
            yield from (_layers(document, name, own[0]) for name, own in runs.items())
        case "regions":
            yield from (_regions(document, name) for name in drawing.experiments)


def _against(document: DocumentEvidence, drawing: Drawing, runs: dict[str, tuple[Run, ...]]) -> Chart:
    marks: list[Mark] = []
    for color, figure in zip(CYCLE, drawing.figures, strict=False):
        name = figure.replace("_", " ")
        values = [document.values(figure, runs[each]) for each in drawing.experiments]
        known = [(x, own) for x, own in zip(drawing.at, values, strict=True) if own]
        points = tuple((x, fmean(own)) for x, own in known)
        errors = tuple(interval(own, "accuracy" in figure) for _, own in known)
        tips = tuple(f"{drawing.x} {x:g}: {fmean(own):.4f} over {len(own)} runs" for x, own in known)
        marks += [Line("", color, points), Dots(f"{name}, ours", color, points, tips, errors=errors)]
        told = tuple(
            (x, value)
            for x, each in zip(drawing.at, drawing.experiments, strict=True)
            for value in document.experiment(each).told(figure)
        )
        if told:
            marks.append(Dots(f"{name}, reported", color, told, shape="diamond"))
    axis = Axis(drawing.x, scale="log" if drawing.log else "linear")
    note = "Bars: 95 % of runs, where there are several."
    return Chart(_id(document, drawing), drawing.title, axis, _figure_axis(drawing.figures), tuple(marks), note)


def _curves(document: DocumentEvidence, drawing: Drawing, runs: dict[str, tuple[Run, ...]]) -> Chart:
    marks: list[Mark] = []
    pairs = [(each, figure) for each in drawing.experiments for figure in drawing.figures]
    for color, (each, figure) in zip(CYCLE * 3, pairs, strict=False):
        dashed = "training" in figure and len(drawing.figures) > 1
        curves = [run.curve[figure] for run in runs[each] if figure in run.curve]
        name = document.experiment(each).title if len(drawing.figures) == 1 else figure.replace("_", " ")
        if not curves:
            continue
        length, every = min(map(len, curves)), runs[each][0].every
        epochs = [float(every * number) for number in range(1, length + 1)]
        columns = [[curve[index] for curve in curves] for index in range(length)]
        if len(curves) > 1:
            band = tuple((x, min(own), max(own)) for x, own in zip(epochs, columns, strict=True))
            marks.append(Band("", color, band))
        marks.append(Line(name, color, tuple(zip(epochs, map(fmean, columns), strict=True)), dashed))
        told = document.experiment(each).curve.get(figure, ())
        if told:
            points = tuple((float(number), float(value)) for number, value in enumerate(told, start=1))
            marks.append(Dots(f"{name}, reported", color, points, shape="diamond"))
    note = "Lines: means of our runs; shaded: from the lowest to the highest run." if _several(runs) else ""
    return Chart(
        _id(document, drawing),
        drawing.title,
        Axis("epoch", whole=True),
        _figure_axis(drawing.figures),
        tuple(marks),
        note,
    )


def _members(document: DocumentEvidence, drawing: Drawing, runs: dict[str, tuple[Run, ...]]) -> Chart:
    (name,) = drawing.experiments
    experiment, marks = document.experiment(name), list[Mark]()
    for color, figure in zip(CYCLE, drawing.figures, strict=False):
        told = experiment.curve.get(figure) or experiment.told(figure)
        curves = [run.curve[figure] for run in runs[name]]
        columns = [[curve[index] for curve in curves] for index in range(min(map(len, curves)))]
        spoken = figure.replace("_", " ")
        points = tuple((float(number), fmean(own)) for number, own in enumerate(columns, start=1))
        errors = tuple(interval(own) for own in columns)
        marks += [
            Line("", color, points),
            Dots(f"{spoken}, ours", color, points, errors=errors),
            Dots(
                f"{spoken}, reported", color, tuple((float(n), v) for n, v in enumerate(told, start=1)), shape="diamond"
            ),
        ]
    note = "A member whose output is not a number is left out of the mean."
    axis = _figure_axis(drawing.figures)
    return Chart(_id(document, drawing), drawing.title, Axis("members", whole=True), axis, tuple(marks), note)


def confusion_chart(id_: str, title: str, run: Run) -> Chart:
    """A confusion matrix with its most-confused pair in words."""
    matrix = np.array(run.confusion, dtype=np.int64)
    return matrix_chart(id_, title, matrix, class_names(str(run.recipe["data"]["name"])))


def matrix_chart(
    id_: str, title: str, matrix: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", classes: Sequence[str]
) -> Chart:
    """Rows are true classes, columns predictions; shades are shares of a row."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    tips = tuple(
        tuple(f"{often} of class {row} taken for {column}" for column, often in zip(classes, counts, strict=True))
        for row, counts in zip(classes, matrix.tolist(), strict=True)
    )
    texts = tuple(tuple(str(count) if count else "" for count in row) for row in matrix.tolist())
    cells = Cells("", CYCLE[0], tuple(tuple(row) for row in (shares**0.5).tolist()), texts, tips)
    note = f"{_confused_most(matrix, classes)} Shades grow with the root of the share."
    names = tuple(classes)
    return Chart(
        id_,
        title,
        Axis("prediction", names=names),
        Axis("true class", names=names),
        (cells,),
        note,
        *_size(len(names)),
        legend=False,
    )


def _size(classes: int) -> tuple[int, int]:
    """Width and height of a matrix that can be read."""
    if classes > MANY:
        return 1000, 900
    return 560, 360 if classes <= FEW else 520


def _confused_most(matrix: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", classes: Sequence[str]) -> str:
    for true, predicted, often in confused_pairs(matrix)[:1]:
        return f"Confused most: {classes[true]} taken for {classes[predicted]} ({often} times)."
    return "Nothing is confused."


def _table(document: DocumentEvidence, drawing: Drawing, runs: dict[str, tuple[Run, ...]]) -> Table:
    columns = [f"{figure.replace('_', ' ')}, {whose}" for figure in drawing.figures for whose in ("reported", "ours")]
    rows: list[tuple[Cell, ...]] = []
    for name, own in runs.items():
        experiment = document.experiment(name)
        cells: list[Cell] = []
        for figure in drawing.figures:
            told = ", ".join(f"{value:.4g}" for value in experiment.told(figure))
            cells += [told or None, spread(document.values(figure, own))]
        rows.append((experiment.title, *cells))
    return Table(_id(document, drawing), drawing.title, ("network", *columns), tuple(rows))


def _layers(document: DocumentEvidence, name: str, run: Run) -> Table:
    """The parameters of a network, layer by layer, as exercises ask for them."""
    layers = [layer for layer in run.layers if layer.parameters]
    rows: list[tuple[Cell, ...]] = [
        (layer.kind.replace("_", " "), "×".join(map(str, layer.output)), layer.calculation, layer.parameters)
        for layer in layers
    ]
    rows.append(("together", None, None, sum(layer.parameters for layer in layers)))
    title = f"{document.experiment(name).title}: parameters"
    return Table(f"{document.name}-{name}-layers", title, ("layer", "output", "calculation", "parameters"), tuple(rows))


def spread(values: Sequence[float]) -> str | None:
    """The mean of runs, with their standard deviation where there are several; None without any.

    >>> spread([109722.0]), spread([0.9, 0.92]), spread([0.0001, 0.00012])
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


def _regions(document: DocumentEvidence, name: str) -> Block:
    """The best run under any reading, as the document shows one that went well."""
    runs = [run for run in document.runs if run.experiment == name]
    best = min((run for run in runs if run.regions), key=lambda run: run.figures["test_loss"], default=None)
    experiment = document.experiment(name)
    if best is None:
        return missing(f"{experiment.title}: its regions were not kept.")
    _, _, inputs, labels = make(str(best.recipe["data"]["name"]))
    kept = "".join(
        f"; {sum(run.figures['test_loss'] <= bound for run in runs)} keep the bound of {bound:g}"
        for bound in experiment.told("test_loss_at_most")
    )
    reading = f" ({best.reading})" if best.reading else ""
    note = f"The best of {len(runs)} runs{reading}: test loss {best.figures['test_loss']:.4g}{kept}. Dots: test points."
    png = decision_regions(best.regions, inputs, labels)
    return Picture(f"{document.name}-{name}", experiment.title, png, f"Decision regions: {experiment.title}", note)


def interval(values: Sequence[float], accuracy: bool = True) -> Point:
    """Where 95 % of such runs lie; the value itself for a single one. Accuracies end at 0 and 1."""
    half = NORMAL * deviation(values) if len(values) > 1 else 0.0
    low, high = fmean(values) - half, fmean(values) + half
    return (max(low, 0.0), min(high, 1.0)) if accuracy else (low, high)


def _figure_axis(figures: Sequence[str]) -> Axis:
    names = {figure.rpartition("_")[2] for figure in figures}
    only = figures[0].replace("_", " ") if len(figures) == 1 else " and ".join(sorted(names))
    return Axis(only, percent="accuracy" in names)


def _several(runs: dict[str, tuple[Run, ...]]) -> bool:
    return any(len(own) > 1 for own in runs.values())


def _id(document: DocumentEvidence, drawing: Drawing) -> str:
    return f"{document.name}-{drawing.id}"
