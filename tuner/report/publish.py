"""The report in optuna-dashboard: the answer and the charts in the study's note; charts, page and model as artifacts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import optuna
from optuna.artifacts import upload_artifact

from tuner.base.metrics import METRICS
from tuner.charts.content import Page
from tuner.outcome.words import segments_sentence
from tuner.report.answer import sentences
from tuner.report.evidence import Evidence
from tuner.report.pages import FIGURES, escaped, figure_name
from tuner.report.sections.search import FRONTS
from tuner.storage import private
from tuner.storage.artifacts import Artifacts
from tuner.storage.private import ARTIFACTS, artifacts

CHARTS = (
    *("baselines-chart", "importance", "time"),
    *(f"front-{id_}" for id_, *_ in FRONTS),
    *(f"winner-{metric}" for metric in (*METRICS, "loss")),
    *(f"winner-{each}" for each in ("confusion", "calibration", "roc", "precision", "predicted", "residuals")),
)
"""The charts that optuna-dashboard does not have itself."""

ON_TRIAL = "dashboard:artifacts:{trial}:"
"""The prefix of study attributes where optuna-dashboard finds artifacts of a trial that has ended."""

PLOT = "dashboard:plot_data:"
"""The prefix of study attributes that are Plotly figures, each in numbered parts; earlier versions stored them."""

REPLACED = '{"data": [], "layout": {"title": {"text": "This chart is now in the note."}, "height": 90}}'


def publish(study: optuna.Study, evidence: Evidence, pages: Sequence[Page], out: Path, store: Artifacts | None) -> None:
    """Store the report in `out` with the study, in place of an earlier one; without a `store` its text alone."""
    from optuna_dashboard import save_note
    from optuna_dashboard.artifact import get_artifact_path

    images: dict[str, str] = {}
    if store is not None:
        shown = [chart for page in pages for chart in page.charts() if chart.id in CHARTS]
        charts = {f"{FIGURES}/{figure_name(chart)}": chart.title for chart in shown}
        ids = _upload(study, evidence, out, tuple(charts), store)
        images = {title: get_artifact_path(study, ids[out / name]) for name, title in charts.items()}
    save_note(study, note(evidence, out / "report.html", images))
    for name in private.system_attributes(study):
        if name.startswith(PLOT):  # a stored attribute cannot be deleted
            private.store_system_attribute(study, name, REPLACED if name.endswith(":0") else "")


def note(evidence: Evidence, html: Path, images: Mapping[str, str]) -> str:
    """The study's note in Markdown: the answer, the path of the page, the command that continues, and images by title."""
    lines = [f"# {evidence.title}", *sentences(evidence), segments_sentence(evidence.outcome)]
    lines.append(f"The complete report is among the artifacts below, and in `{html}`.")
    lines.append(f"Continue: `{evidence.record.onward}`")
    lines += [f"![{escaped(title)}]({path})" for title, path in images.items()]
    return "\n\n".join(lines)


def _upload(
    study: optuna.Study, evidence: Evidence, out: Path, charts: tuple[str, ...], store: Artifacts
) -> dict[Path, str]:
    """Replace the artifacts of an earlier report. Returns their ids by path."""
    confirmed = evidence.confirmed
    model = [confirmed.model, confirmed.model.with_suffix(".json")] if confirmed else []
    files = [
        path
        for path in (out / "report.html", out / "documents.html", *model, *(out / name for name in charts))
        if path.is_file()
    ]
    replaced = {path.name for path in files} | {f"{id_.replace('_', '-')}.svg" for id_ in CHARTS}
    for id_, filename in artifacts(private.system_attributes(study)).items():
        if filename in replaced:
            _remove(study, id_, store)
    ids = {path: upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=study) for path in files}
    if confirmed:
        trial = private.trial_id(study.get_trials(deepcopy=False)[confirmed.trial])
        attributes = private.system_attributes(study)
        for path in {*model} & {*ids}:
            meta = json.loads(attributes[f"{ARTIFACTS}{ids[path]}"]) | {"artifact_id": str(uuid4())}
            with path.open("rb") as file:  # a copy: optuna-dashboard deletes no study with two artifacts in one file
                store.write(meta["artifact_id"], file)
            name = f"{ON_TRIAL.format(trial=trial)}{meta['artifact_id']}"
            private.store_system_attribute(study, name, json.dumps(meta))
    return ids


def _remove(study: optuna.Study, id_: str, store: Artifacts) -> None:
    store.remove(id_)
    for key in private.system_attributes(study):
        if key.endswith(f":{id_}") and "artifacts:" in key:
            private.store_system_attribute(study, key, json.dumps(None))
