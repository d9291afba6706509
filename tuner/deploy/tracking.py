"""A study's trials for other tools: event files of TensorBoard, runs of MLflow or of Weights & Biases. Trials that are there already are left out."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from tuner.base.errors import StudyError, require_packages
from tuner.outcome import Outcome
from tuner.result import Epoch
from tuner.storage import TrialRecord

ENDED = ("complete", "pruned", "failed")
STATES = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


def write_tensorboard(outcome: Outcome, folder: Path) -> int:
    """Write a folder of events for each trial that has ended; the number of new ones. TensorBoard itself is not needed for it."""
    import tensorflow as tf
    from tensorflow.core.framework.summary_pb2 import DATA_CLASS_SCALAR, DATA_CLASS_TENSOR, SummaryMetadata

    def about(plugin: str, kind: int) -> bytes:
        return SummaryMetadata(plugin_data={"plugin_name": plugin}, data_class=kind).SerializeToString()  # type: ignore[no-any-return]

    trials = [each for each in _ended(outcome) if not (folder / _name(each)).is_dir()]
    for trial in trials:
        with tf.summary.create_file_writer(str(folder / _name(trial))).as_default():
            lines = "\n".join(f"- {name}: {value}" for name, value in _facts(trial).items())
            tf.summary.write("trial", tf.constant(lines), step=0, metadata=about("text", DATA_CLASS_TENSOR))
            for name, step, value in (*_curves(trial), *_values(outcome, trial)):
                tf.summary.write(name, tf.constant(value), step=step, metadata=about("scalars", DATA_CLASS_SCALAR))
    return len(trials)


def write_mlflow(outcome: Outcome, place: Path) -> int:
    """Write a run for each trial that has ended, in an experiment of the study's name, and one with the final model; the number of
    new ones. The place is a folder, an SQLite file (.db) or a server's URL. Raises `MissingPackage` without MLflow."""
    require_packages("--as mlflow", "mlflow")
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

    client = MlflowClient(_uri(place))
    found = client.get_experiment_by_name(outcome.record.name)
    files = (place.resolve().parent / "mlartifacts").as_uri() if place.suffix == ".db" else None
    experiment = found.experiment_id if found else client.create_experiment(outcome.record.name, files)
    names = {run.info.run_name for run in client.search_runs([experiment], max_results=50_000)}
    trials = [each for each in _ended(outcome) if _name(each) not in names]
    for trial in trials:
        began, ended = (round(1000 * (each or 0.0)) for each in (trial.started, trial.ended))
        run = client.create_run(experiment, start_time=began, run_name=_name(trial)).info.run_id
        metrics = [
            Metric(name, value, ended, step) for name, step, value in (*_curves(trial), *_values(outcome, trial))
        ]
        client.log_batch(run, params=[Param(name, value[:500]) for name, value in _facts(trial).items()])
        for first in range(0, len(metrics), 1000):  # the most of a request
            client.log_batch(run, metrics=metrics[first : first + 1000])
        client.set_terminated(run, STATES[trial.state], ended)
    if (final := outcome.confirmed) and f"final model {final.model.name}" not in names:
        run = client.create_run(experiment, run_name=f"final model {final.model.name}").info.run_id
        for path in (final.model, final.model.with_suffix(".json")):
            client.log_artifact(run, str(path))
        client.log_batch(
            run, metrics=[Metric(f"test/{name}", value, 0, 0) for name, value in final.test_figures.items()]
        )
        client.set_terminated(run)
    return len(trials)


def write_wandb(outcome: Outcome, folder: Path) -> int:
    """Write a run for each trial that has ended, in a project of the study's name, and one with the final model; the number of new
    ones. Runs are kept in the folder until `wandb sync` sends them, unless WANDB_MODE is online. Raises `MissingPackage` without wandb."""
    require_packages("--as wandb", "wandb")
    import wandb

    project, folder = re.sub(r"[/\\#?%:]", "_", outcome.record.name), folder.resolve()
    settings = wandb.Settings(console="off", disable_code=True, disable_git=True, silent=True)

    def begun(name: str, facts: Mapping[str, str]) -> Any:
        folder.mkdir(parents=True, exist_ok=True)
        place: dict[str, Any] = {"project": project, "id": f"{project}-{name}", "dir": str(folder)}
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        return wandb.init(**place, name=name, config=dict(facts), mode=mode, reinit="create_new", settings=settings)

    def is_new(name: str) -> bool:
        return not any((folder / "wandb").glob(f"*run-*-{project}-{name}"))

    trials = [each for each in _ended(outcome) if is_new(_name(each))]
    for trial in trials:
        run = begun(_name(trial), _facts(trial))
        curves = sorted(_curves(trial), key=lambda each: each[1])
        for epoch, figures in groupby(curves, key=lambda each: each[1]):
            run.log({name: value for name, _, value in figures}, step=epoch)
        run.summary.update({name: value for name, _, value in _values(outcome, trial)})
        run.finish(exit_code=int(trial.state == "failed"))
    if (final := outcome.confirmed) and is_new(name := f"final-{final.model.stem}"):
        run = begun(name, {})
        files = wandb.Artifact(f"{project}-{final.model.stem}", type="model")
        for path in (final.model, final.model.with_suffix(".json")):
            files.add_file(str(path))
        run.log_artifact(files)
        run.summary.update({f"test/{name}": value for name, value in final.test_figures.items()})
        run.finish()
    return len(trials)


def _uri(place: Path) -> str:
    if url := re.match(r"(https?):/+(.*)", str(place)):  # a path has one slash
        return f"{url[1]}://{url[2]}"
    return f"sqlite:///{place.resolve()}" if place.suffix == ".db" else place.resolve().as_uri()


def _ended(outcome: Outcome) -> list[TrialRecord]:
    trials = [each for each in outcome.record.trials if each.state in ENDED]
    if not trials:
        raise StudyError(f"the study {outcome.record.name!r} has no trial yet that has ended")
    return trials


def _name(trial: TrialRecord) -> str:
    return f"trial-{trial.number}"


def _facts(trial: TrialRecord) -> dict[str, str]:
    facts = {"state": trial.state, "reason": trial.reason, "network": trial.recipe.summary if trial.recipe else ""}
    return {
        re.sub(r"[^\w./ -]", "_", name): str(value) for name, value in {**trial.params, **facts}.items() if value != ""
    }


def _values(outcome: Outcome, trial: TrialRecord) -> Iterator[tuple[str, int, float]]:
    for name, value in zip(outcome.record.objectives, trial.values, strict=False):
        yield f"objective/{name}", 0, value


def _curves(trial: TrialRecord) -> Iterator[tuple[str, int, float]]:
    """Name, epoch (from 1) and value of each figure; later folds have names of their own."""
    for fold in trial.result.folds if trial.result else ():
        for epoch in fold.epochs:
            end = f" fold {epoch.fold + 1}" if epoch.fold else ""
            for name, value in _figures(epoch):
                yield f"{name}{end}", epoch.number, value


def _figures(epoch: Epoch) -> Iterator[tuple[str, float]]:
    yield "learning_rate", epoch.learning_rate
    for part, scores in (("training", epoch.training), ("validation", epoch.validation)):
        for name, value in ({"loss": scores.loss, **scores.figures} if scores else {}).items():
            yield f"{part}/{name}", value


TRACKERS: Mapping[str, Callable[[Outcome, Path], int]] = {
    "tensorboard": write_tensorboard,
    "mlflow": write_mlflow,
    "wandb": write_wandb,
}
