"""A trial's learning curve as a picture, for the dashboard's artifacts."""

from pathlib import Path
from typing import Any

from tuner.result import Epoch, Result


def draw_curve(result: Result, title: str, path: Path) -> None:
    """Loss and accuracy by epoch, training dashed and validation solid, one line a fold, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        for fold in result.folds:
            _draw_fold(axes, fold.epochs, name)
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path)


def _draw_fold(axes: Any, epochs: tuple[Epoch, ...], name: str) -> None:
    first = bool(epochs) and epochs[0].fold == 0
    numbers = [epoch.number for epoch in epochs]
    training = [getattr(epoch.training, name) for epoch in epochs]
    axes.plot(numbers, training, "--", color="#0072B2", label="training" if first else None, marker=".")
    validation = [getattr(epoch.validation, name) for epoch in epochs if epoch.validation]
    if validation:
        axes.plot(numbers, validation, "-", color="#D55E00", label="validation" if first else None, marker=".")
