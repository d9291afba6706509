"""Replicating a small document: runs kept, nothing run twice, continued, judged, written down."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest

from tuner.cli import run as run_command
from tuner.data.load import Places, training_set
from tuner.documents.assessment import assess
from tuner.documents.baseline import held_out_sizes, read_runs, write_runs
from tuner.documents.document import Document, load_document
from tuner.documents.replicate import open_baseline, plan, replicate, stored_runs
from tuner.documents.runs import Run
from tuner.search.executors.inprocess import InProcess
from tuner.storage import default_url, open_storage
from tuner.training.evaluation import class_figures, most_confused

DOCUMENT = """
title = "XOR with few units"
study = "xor"
[recipe.data]
name = "xor"
[recipe.protocol]
kind = "holdout"
validation = 50
[recipe.training]
batch_size = 50
epochs = 2
[recipe.network]
kind = "dense"
widths = [3]
[[reading]]
id = "optimizer"
silent = "the optimizer"
only = ["three"]
options = [{ name = "Adam" }, { name = "SGD", set = { "training.optimizer" = "sgd" } }]
[[experiment]]
id = "three"
title = "Three units"
reported = { parameters = 17, test_accuracy = 0.5 }
[[experiment]]
id = "again"
title = "The same, told twice"
[[experiment]]
id = "folds"
title = "Two folds"
set = { "protocol" = { kind = "k_fold", folds = 2 } }
repeats = 2
[[claim]]
says = "The folds are no better."
falls = ["three", "folds"]
"""


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """A document whose experiments train in a moment."""
    path = tmp_path / "xor.toml"
    path.write_text(DOCUMENT)
    return load_document(path)


def run_all(study: optuna.Study, document: Document, places: Places, **asked: object) -> list[str]:
    """Run what is missing; the names of what was run or taken over."""
    settings = {"only": "*", "repeats": 1, "every_reading": False, **asked}
    planned = list(plan(document, **settings))  # type: ignore[arg-type]
    answers = replicate(study, planned, {"xor": training_set("xor", places)}, InProcess(1, places), {})
    return [f"{run.experiment} {run.reading} {run.repeat}" for _, run in answers if isinstance(run, Run)]


@pytest.mark.slow
def test_a_document_is_run_once_continued_and_judged(document: Document, places: Places, tmp_path: Path) -> None:
    study = open_baseline(open_storage(default_url(tmp_path)), "document: xor", document)
    assert sorted(run_all(study, document, places, only="three")) == ["three  0"]
    assert sorted(run_all(study, document, places)) == ["again  0", "folds  0", "folds  1"]
    assert run_all(study, document, places) == []
    assert sorted(run_all(study, document, places, repeats=2, every_reading=True)) == [
        "again  1",
        "three  1",
        "three optimizer: SGD 0",
        "three optimizer: SGD 1",
    ]
    runs = list(stored_runs(study))
    three, again = (next(run for run in runs if run.names == (name, "", 0)) for name in ("three", "again"))
    assert again == replace(three, experiment="again"), "an equal recipe was not trained twice"
    folds = next(run for run in runs if run.names == ("folds", "", 0))
    assert folds.figures["folds_lowest_test_accuracy"] <= folds.figures["test_accuracy"]
    assert np.sum(three.confusion) == 250
    assert len(three.curve["validation_accuracy"]) == 2

    found = assess(document, runs, held_out_sizes())
    row = found.rows[0]
    assert row.first[0].verdict == "reproduced"
    assert row.runs == 2
    assert found.claims[0][1] in ("holds", "fails", "undecided")

    path = tmp_path / "results" / "xor.json"
    write_runs(path, document, runs, threads=1)
    assert sorted(run.names for run in read_runs(path)) == sorted(run.names for run in runs)
    assert json.loads(path.read_text())["seconds"] > 0
    frozen = study.trials[0]
    assert frozen.user_attrs["experiment"] == "three"
    assert frozen.value == pytest.approx(three.figures["test_accuracy"])


@pytest.mark.slow
def test_baseline_runs_judges_and_writes_down(
    tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "studies" / "documents").mkdir(parents=True)
    (tmp_path / "studies" / "documents" / "small.toml").write_text(DOCUMENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)
    for _ in range(2):
        assert run_command(["baseline", "--study", "xor", "--document", "small", "--workers", "1"]) == 0
    said = capsys.readouterr()
    assert "Three units" in said.out
    assert "reproduced" in said.out
    assert said.err.count("three #0: test accuracy") == 1, "the second call has nothing left to run"
    assert len(read_runs(tmp_path / "reports" / "documents" / "small.json")) == 4
    assert run_command(["baseline", "--study", "mars"]) == 2
    assert "no document is about the study 'mars'" in capsys.readouterr().err


def test_figures_by_class() -> None:
    matrix = np.array([[8, 2, 0], [1, 9, 0], [5, 0, 0]])
    first, second, third = class_figures(matrix)
    assert first.precision == pytest.approx(8 / 14)
    assert first.recall == pytest.approx(0.8)
    assert second.f1 == pytest.approx(2 * (9 / 11) * 0.9 / (9 / 11 + 0.9))
    assert (third.precision, third.recall, third.f1) == (0.0, 0.0, 0.0)
    assert most_confused(matrix) == (2, 0, 5)
