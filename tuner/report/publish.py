"""The report in optuna-dashboard: the answer as the study's note, charts as its plots, page and model as its artifacts."""

import json
from contextlib import suppress
from pathlib import Path

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound

from tuner.base.metrics import METRICS
from tuner.charts.content import Page
from tuner.charts.plotly import PlotlyFigure
from tuner.report.answer import sentences
from tuner.report.evidence import Evidence
from tuner.storage import private
from tuner.storage.records import ARTIFACTS, artifacts

PLOTS = (
    "baselines-chart",
    "importance",
    "front-parameters",
    "front-work",
    "front-latency",
    "time",
    *(f"winner-{figure}" for figure in (*METRICS, "loss")),
    "winner-confusion",
    "winner-calibration",
    "winner-roc",
    "winner-precision",
    "winner-predicted",
    "winner-residuals",
)
"""What optuna-dashboard does not draw itself."""

ON_TRIAL = "dashboard:artifacts:{trial}:"
"""Where optuna-dashboard looks for a trial's artifacts beside the trial itself, which nobody can change once it has ended."""


def publish(study: optuna.Study, evidence: Evidence, page: Page, html: Path, runs: Path) -> None:
    """Replace what an earlier report left there."""
    from optuna_dashboard import save_note, save_plotly_graph_object

    save_note(study, note(evidence, html))
    for chart in page.charts():
        if chart.id in PLOTS:
            save_plotly_graph_object(study, PlotlyFigure(chart), graph_object_id=chart.id)
    if (runs / "artifacts").is_dir():
        _attach(study, evidence, html, FileSystemArtifactStore(str(runs / "artifacts")))


def note(evidence: Evidence, html: Path) -> str:
    """The study's note in Markdown: the answer, how to go on, where the page is."""
    lines = [f"# {evidence.title}", "", *sentences(evidence), ""]
    lines += [f"The whole report is among the artifacts below, and in `{html}`.", ""]
    lines += [f"Continue: `{evidence.record.onward}`"]
    return "\n\n".join(line for line in lines if line)


def _attach(study: optuna.Study, evidence: Evidence, html: Path, store: FileSystemArtifactStore) -> None:
    confirmed = evidence.confirmed
    model = [confirmed.model, confirmed.model.with_suffix(".json")] if confirmed else []
    files = [path for path in (html, *model) if path.is_file()]
    for id_, filename in artifacts(private.system_attributes(study)).items():
        if filename in [path.name for path in files]:
            _remove(study, id_, store)
    for path in files:
        id_ = upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=study)
        if confirmed and path in model:
            trial = private.trial_id(study.get_trials(deepcopy=False)[confirmed.trial])
            meta = private.system_attributes(study)[f"{ARTIFACTS}{id_}"]
            private.keep_system_attribute(study, f"{ON_TRIAL.format(trial=trial)}{id_}", meta)


def _remove(study: optuna.Study, id_: str, store: FileSystemArtifactStore) -> None:
    with suppress(ArtifactNotFound, FileNotFoundError):
        store.remove(id_)
    attrs = private.system_attributes(study)
    for key in attrs:
        if key.endswith(f":{id_}") and "artifacts:" in key:
            private.keep_system_attribute(study, key, json.dumps(None))
