"""Checkpoints: what is written comes back, what is not ours counts as absent, no half-written file is left."""

import json
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest

from tuner.networks import Dense
from tuner.recipe import Data, Recipe, Training
from tuner.result import Epoch, FoldResult, Scores
from tuner.training.checkpoint import Checkpoint, Position, Progress

RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=3))
SCORES = Scores(loss=0.1 + 0.2, figures={"accuracy": 1 / 3})
EPOCH = Epoch(fold=0, number=1, training=SCORES, validation=SCORES, learning_rate=0.1, seconds=1.5)
PROGRESS = Progress(
    position=Position(
        done=(FoldResult(epochs=(EPOCH, replace(EPOCH, number=2)), kept=2),),
        epochs=(replace(EPOCH, fold=1, validation=None),),
        best_epoch=1,
        steps=7,
        epoch_seconds=0.25,
        seconds=12.5,
    ),
    state=(np.arange(3, dtype=np.float32), np.array(5, np.int64)),
    best_weights=(np.ones((2, 2), np.float32),),
)


def test_what_is_written_comes_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "1.npz"
    Checkpoint(path, RECIPE).write(PROGRESS)
    Checkpoint(path, RECIPE).write(PROGRESS)
    read = Checkpoint(path, RECIPE).read()
    assert read.position == PROGRESS.position
    for ours, theirs in ((read.state, PROGRESS.state), (read.best_weights, PROGRESS.best_weights)):
        assert [each.dtype for each in ours] == [each.dtype for each in theirs]
        assert all(np.array_equal(one, two) for one, two in zip(ours, theirs, strict=True))
    assert [each.name for each in path.parent.iterdir()] == ["1.npz"]


def test_on_a_full_disk_the_checkpoint_before_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(tmp_path / "1.npz", RECIPE)
    checkpoint.write(PROGRESS)

    def full(*_: object, **__: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    checkpoint.write(replace(PROGRESS, position=Position()))
    assert checkpoint.read().position == PROGRESS.position
    assert [each.name for each in tmp_path.iterdir()] == ["1.npz"]


def test_without_a_path_nothing_is_written_or_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = Checkpoint(None, RECIPE)
    nowhere.written -= 1000
    nowhere.write(PROGRESS)
    assert not nowhere.is_due
    assert nowhere.read().position == Position(
        done=(), epochs=(), best_epoch=0, steps=0, epoch_seconds=0.0, seconds=0.0
    )
    assert list(tmp_path.iterdir()) == []


def test_it_is_due_every_twenty_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("tuner.training.checkpoint.time.monotonic", lambda: now[0])
    checkpoint = Checkpoint(tmp_path / "1.npz", RECIPE)
    due = []
    for now[0] in (1000.0, 1019.5, 1020.0, 1020.5):
        due.append(checkpoint.is_due)
    assert due == [False, False, False, True]
    checkpoint.write(PROGRESS)
    assert not checkpoint.is_due


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "1.npz").mkdir()
    with pytest.raises(OSError, match=r"1\.npz"):
        Checkpoint(tmp_path / "1.npz", RECIPE).write(PROGRESS)
    assert [each.name for each in tmp_path.iterdir()] == ["1.npz"]
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        Checkpoint(tmp_path / "2.npz", RECIPE).write(replace(PROGRESS, state=(np.array([None]),)))
    assert [each.name for each in tmp_path.iterdir()] == ["1.npz"]


def test_a_file_that_is_not_ours_counts_as_absent(tmp_path: Path) -> None:
    path = tmp_path / "1.npz"
    about = json.dumps({"key": RECIPE.key, "position": {}, "state": 0, "best_weights": 0})
    np.savez(path, about=np.array(about))
    assert Checkpoint(path, RECIPE).read().position == Position()
    whole = json.loads(about) | {"position": {"steps": 3}}
    np.savez(path, about=np.array(json.dumps(whole)))
    assert Checkpoint(path, RECIPE).read().position == Position(steps=3)
    foreign = {
        "pickled": np.array(json.dumps(whole), dtype=object),
        "of another recipe": np.array(json.dumps(whole | {"key": "other"})),
        "of another version": np.array(json.dumps(whole | {"position": {"step": 3}})),
        "without a key": np.array(json.dumps({"position": {"steps": 3}})),
        "without an array": np.array(json.dumps(whole | {"state": 1})),
        "no JSON": np.array("{"),
    }
    for name, array in foreign.items():
        np.savez(path, about=array)
        assert Checkpoint(path, RECIPE).read().position == Position(), name
    for content in (b"", b"PK\x03\x04", b"nothing"):
        path.write_bytes(content)
        assert Checkpoint(path, RECIPE).read().position == Position()
