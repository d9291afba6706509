"""A trial's learning curve among the dashboard's artifacts."""

import tempfile
from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from tuner.charts.learning import learning_charts
from tuner.charts.svg import draw_row
from tuner.result import Result


def attach_curve(artifacts: FileSystemArtifactStore, trial: optuna.Trial, result: Result) -> None:
    """Keep the picture where the dashboard shows it with its trial."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "learning-curve.svg"
        drawn = draw_row(f"trial {trial.number}: {result.ended}", learning_charts(result))
        picture.write_text(drawn, encoding="utf-8")
        upload_artifact(artifact_store=artifacts, file_path=str(picture), study_or_trial=trial)
