"""A trial's learning curve as a small SVG for the dashboard's artifacts: a millisecond where a plotting library takes a
hundred, which is what a short trial's whole search costs."""

import math
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from tuner.charts.ticks import ticks
from tuner.result import Epoch, Result, Scores

WIDTH, HEIGHT = 320, 200
LEFT, TOP, RIGHT, BOTTOM = 52, 44, 12, 36
TRAINING, VALIDATION = "#0072B2", "#D55E00"

Point = tuple[float, float]


def attach_curve(artifacts: FileSystemArtifactStore, trial: optuna.Trial, result: Result) -> None:
    """Keep the picture where the dashboard shows it with its trial."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "learning-curve.svg"
        picture.write_text(draw_curve(result, f"trial {trial.number}: {result.ended}"), encoding="utf-8")
        upload_artifact(artifact_store=artifacts, file_path=str(picture), study_or_trial=trial)


def draw_curve(result: Result, title: str) -> str:
    """Accuracy and loss by epoch as SVG text: training dashed, validation solid, one line a fold."""
    panels = "".join(_panel(result, name, index * WIDTH) for index, name in enumerate(("accuracy", "loss")))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}" width="{2 * WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="10" fill="#222">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="{LEFT}" y="16" font-size="12">{escape(title)}</text>'
        f"{_legend(LEFT, 'training', TRAINING, dashed=True)}{_legend(LEFT + 90, 'validation', VALIDATION)}{panels}</svg>\n"
    )


def _panel(result: Result, name: str, offset: int) -> str:
    lines = [
        (which, _points(fold.epochs, which, name)) for fold in result.folds for which in ("training", "validation")
    ]
    values = [value for _, points in lines for _, value in points if math.isfinite(value)] or [0.0]
    epochs = [number for _, points in lines for number, _ in points] or [1.0]
    low, high = _apart(min(values), max(values))
    first, last = _apart(min(epochs), max(epochs))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def place(point: Point) -> Point:
        number, value = point
        share = (number - first) / (last - first), (value - low) / (high - low)
        return offset + LEFT + share[0] * (right - LEFT), bottom - share[1] * (bottom - TOP)

    grid = "".join(
        f'<path d="M{offset + LEFT} {y:.1f}H{offset + right}" stroke="#ddd"/>'
        f'<text x="{offset + LEFT - 4}" y="{y + 3:.1f}" text-anchor="end">{tick:g}</text>'
        for tick in ticks(low, high)
        for _, y in [place((first, tick))]
    )
    numbers = "".join(
        f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks(first, last)
        if tick == int(tick)
        for x, _ in [place((tick, low))]
    )
    curves = "".join(
        _line([place(point) for point in points if math.isfinite(point[1])], which) for which, points in lines
    )
    middle = offset + (LEFT + right) / 2
    names = f'<text x="{middle}" y="{bottom + 28}" text-anchor="middle">{name} by epoch</text>'
    return f'{grid}{numbers}{names}<g fill="none" stroke-width="1.6">{curves}</g>'


def _apart(low: float, high: float) -> Point:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _points(epochs: Sequence[Epoch], which: str, name: str) -> list[Point]:
    pairs: list[tuple[int, Scores | None]] = [(epoch.number, getattr(epoch, which)) for epoch in epochs]
    return [(number, getattr(scores, name)) for number, scores in pairs if scores is not None]


def _line(points: Sequence[Point], which: str) -> str:
    if not points:
        return ""
    color, dash = (TRAINING, ' stroke-dasharray="4 3"') if which == "training" else (VALIDATION, "")
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6" fill="{color}"/>' for x, y in points)
    return f'<path d="M{path}" stroke="{color}"{dash}/>{dots}'


def _legend(x: int, label: str, color: str, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<path d="M{x} 28h20" stroke="{color}" stroke-width="1.6"{dash}/><text x="{x + 25}" y="31">{label}</text>'
