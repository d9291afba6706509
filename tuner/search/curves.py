"""Learning curves and recipes of trials as artifacts, which the dashboard shows."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.artifacts import upload_artifact

from tuner.base.formatting import metric_label
from tuner.base.metrics import METRICS
from tuner.base.writing import temporary_folder
from tuner.charts import Axis, Chart
from tuner.charts.marks import Curve, learning_lines
from tuner.charts.svg import draw
from tuner.result import FoldResult, Result
from tuner.storage.artifacts import Artifacts


def attach(artifacts: Artifacts, trial: optuna.Trial, result: Result, about: Mapping[str, Any], folder: Path) -> None:
    """Store the trial's learning curves, and its recipe and environment (plain data), as artifacts of the trial. They are written
    in the study's `folder` first, where a killed process's are removed by a later one."""
    curves = {f"{chart.id}-by-epoch.svg": draw(chart, standalone=True) for chart in learning_charts(result)}
    recipe = json.dumps({name: about[name] for name in ("recipe", "environment")}, indent=2, ensure_ascii=False)
    with temporary_folder(folder) as temporary:
        for name, text in {**curves, "recipe.json": recipe}.items():
            path = temporary / name
            path.write_text(text, encoding="utf-8")
            upload_artifact(artifact_store=artifacts, file_path=str(path), study_or_trial=trial)


def learning_charts(result: Result) -> tuple[Chart, Chart]:
    """The first metric of the training and the loss by epoch; a line for each fold."""
    epochs = [each for fold in result.folds for each in fold.epochs]
    names = [
        name for each in epochs for name in {**each.training.figures, **(each.validation or each.training).figures}
    ]
    metric = next((name for name in names if name in METRICS), next(iter(names), "accuracy"))
    return _chart(result, metric), _chart(result, "loss")


def _chart(result: Result, metric: str) -> Chart:
    training, validation = (
        [curve for fold in result.folds if (curve := _curve(fold, part, metric))] for part in ("training", "validation")
    )
    marks = tuple(learning_lines(training, validation, dots=True))
    is_share = metric == "accuracy"
    axes = Axis("epoch", integers=True), Axis("", percent=is_share, high=1.0 if is_share else None)
    return Chart(metric, f"{metric_label(metric)} by epoch", *axes, marks, width=300, height=240)


def _curve(fold: FoldResult, part: str, metric: str) -> Curve:
    known = [(epoch.number, scores) for epoch in fold.epochs if (scores := getattr(epoch, part)) is not None]
    values = [(number, {"loss": scores.loss, **scores.figures}) for number, scores in known]
    return tuple((float(number), figures[metric]) for number, figures in values if metric in figures)
