"""`export --as tensorboard`, `mlflow` and `wandb`: each trial that has ended, once."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from tests.support.outcomes import confirmed, epoch, study_of
from tuner.base.errors import MissingPackage, StudyError
from tuner.deploy.tracking import TRACKERS, write_mlflow, write_tensorboard, write_wandb
from tuner.outcome import Outcome
from tuner.result import FoldResult, Result


def outcome(values: list[float], **changes: Any) -> Outcome:
    """A study whose trials have two folds of two epochs."""
    folds = tuple(FoldResult(epochs=tuple(replace(epoch(n), fold=fold) for n in (1, 2)), kept=2) for fold in (0, 1))
    result = Result(folds=folds, ended="finished", reason="", parameters=13, seconds=1.0)
    record = study_of(values)
    trials = tuple(replace(each, result=result, params={"training.optimizer": "adam"}) for each in record.trials)
    return Outcome(replace(record, trials=trials), best=None, confirmed=None, **changes)


def events(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """Steps and values by name of what TensorBoard would read."""
    found: dict[str, list[tuple[int, Any]]] = {}
    for path in folder.iterdir():
        for raw in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(raw.numpy())
            for each in event.summary.value:
                found.setdefault(each.tag, []).append((event.step, tf.make_ndarray(each.tensor).item()))
    return found


def test_tensorboard_gets_curves_values_and_parameters_of_each_trial_once(tmp_path: Path) -> None:
    assert write_tensorboard(outcome([0.5]), tmp_path) == 1
    assert write_tensorboard(outcome([0.5, 0.7]), tmp_path) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["trial-0", "trial-1"]
    found = events(tmp_path / "trial-1")
    assert found["validation/accuracy"] == [(1, 0.5), (2, 0.5)]
    assert found["training/loss fold 2"] == [(1, pytest.approx(0.7)), (2, pytest.approx(0.7))]
    assert found["objective/validation_accuracy"] == [(0, pytest.approx(0.7))]
    assert b"- training.optimizer: adam" in found["trial"][0][1]


def test_a_study_without_an_ended_trial_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="the study 'made' has no trial yet that has ended"):
        write_tensorboard(outcome([]), tmp_path)


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_without_its_package_the_message_says_how_to_install_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.base.errors.find_spec", lambda package: None)
    with pytest.raises(MissingPackage, match=f"--as {name} needs {name}: pip install {name}"):
        TRACKERS[name](outcome([0.5]), tmp_path / "runs.db")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mlflow") is None, reason="MLflow is not installed")
def test_mlflow_gets_a_run_for_each_trial_once_and_the_final_model(tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    place = tmp_path / "runs.db"
    for name in ("best.keras", "best.json"):
        (tmp_path / name).write_text("{}")
    final = replace(confirmed((0,), (1,), (0.5,)), model=tmp_path / "best.keras", test_figures={"accuracy": 0.9})
    assert write_mlflow(outcome([0.5]), place) == 1
    assert write_mlflow(replace(outcome([0.5, 0.7]), confirmed=final), place) == 1
    client = MlflowClient(f"sqlite:///{place}")
    experiment = client.get_experiment_by_name("made")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(runs) == ["final model best.keras", "trial-0", "trial-1"]
    assert runs["trial-1"].data.params["training.optimizer"] == "adam"
    assert runs["trial-1"].data.metrics["objective/validation_accuracy"] == 0.7
    assert runs["trial-1"].info.status == "FINISHED"
    curve = client.get_metric_history(runs["trial-0"].info.run_id, "validation/accuracy")
    assert [(each.step, each.value) for each in curve] == [(1, 0.5), (2, 0.5)]
    stored = client.list_artifacts(runs["final model best.keras"].info.run_id)
    assert sorted(each.path for each in stored) == ["best.json", "best.keras"]
    assert (tmp_path / "mlartifacts").is_dir()


def records(run: Path) -> list[Any]:
    """What a file of W&B has: after a head of 7 bytes records of 7 bytes (checksum, length, 1 for a whole one) and their content."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, found = run.read_bytes()[7:], []
    while content:
        length = int.from_bytes(content[4:6], "little")
        found.append(Record.FromString(content[7 : 7 + length]))
        content = content[7 + length :]
    return found


@pytest.mark.slow
@pytest.mark.skipif(find_spec("wandb") is None, reason="W&B is not installed")
def test_wandb_gets_an_offline_run_for_each_trial_once_and_the_final_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("best.keras", "best.json"):
        (tmp_path / name).write_text("{}")
    final = replace(confirmed((0,), (1,), (0.5,)), model=tmp_path / "best.keras", test_figures={"accuracy": 0.9})
    assert write_wandb(outcome([0.5]), tmp_path / "runs") == 1
    assert write_wandb(replace(outcome([0.5, 0.7]), confirmed=final), tmp_path / "runs") == 1
    assert write_wandb(replace(outcome([0.5, 0.7]), confirmed=final), tmp_path / "runs") == 0
    files = {each.stem: records(each) for each in tmp_path.glob("runs/wandb/offline-run-*/*.wandb")}
    assert sorted(files) == ["run-made-final-best", "run-made-trial-0", "run-made-trial-1"]
    trial = files["run-made-trial-1"]
    (run,) = (each.run for each in trial if each.HasField("run"))
    assert (run.project, run.display_name) == ("made", "trial-1")
    assert {each.key: json.loads(each.value_json) for each in run.config.update}["training.optimizer"] == "adam"
    curve = [
        (each.history.step.num, json.loads(item.value_json))
        for each in trial
        if each.HasField("history")
        for item in each.history.item
        if "validation/accuracy" in (item.key, *item.nested_key)
    ]
    assert curve == [(1, 0.5), (2, 0.5)]
    summary = {item.key: item.value_json for each in trial if each.HasField("summary") for item in each.summary.update}
    assert float(summary["objective/validation_accuracy"]) == 0.7
    (artifact,) = (each.artifact for each in files["run-made-final-best"] if each.HasField("artifact"))
    assert sorted(each.path for each in artifact.manifest.contents) == ["best.json", "best.keras"]
