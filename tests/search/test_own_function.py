"""A study whose network is a function of the user's, and the storage."""

from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage

from tuner.base.errors import StudyError
from tuner.data.sources import Places
from tuner.search.joining import stored_file
from tuner.search.studies import open_study
from tuner.study import StudyFile, study_from

BUILD = """
import keras

def build(trial, inputs, outputs):
    units = trial.suggest_int("units", 2, 8)
    model = keras.Sequential([keras.Input(inputs), keras.layers.Dense(units), keras.layers.Dense(outputs, "softmax")])
    model.compile(keras.optimizers.SGD(trial.suggest_float("rate", 0.1, 0.9)), "sparse_categorical_crossentropy")
    return model
"""


def study_in(folder: Path) -> StudyFile:
    """A study of xor with the function, whose optimizer has a hole."""
    optimizer = {"kind": "adam", "learning_rate": {"low": 0.001, "high": 0.1}}
    network = {"kind": "function", "source": "nets.py:build"}
    recipe = {"data": {"name": "xor"}, "network": network, "training": {"optimizer": optimizer}}
    return study_from("own", {"recipe": recipe}, folder=folder)


def test_a_study_continues_with_its_function_and_not_with_a_changed_one(
    tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(BUILD)
    storage = InMemoryStorage()
    study, *_ = open_study(storage, study_in(tmp_path))
    assert set(stored_file(study, places, print).holes) == {"network.answers.units", "network.answers.rate"}
    _, file, differences = open_study(storage, study_in(tmp_path))
    assert not differences
    assert set(file.holes) == {
        "network.answers.units",
        "network.answers.rate",
    }  # compiled: no hole of the optimizer is left
    (tmp_path / "nets.py").write_text(BUILD + "# changed\n")
    with pytest.raises(
        StudyError, match="began with another function for its network: the file of the function has changed"
    ):
        open_study(storage, study_in(tmp_path))


def test_a_changed_module_beside_the_function_is_named(
    tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text("import sizes\n" + BUILD)
    (tmp_path / "sizes.py").write_text("largest = 8\n")
    storage = InMemoryStorage()
    study, *_ = open_study(storage, study_in(tmp_path))
    (tmp_path / "sizes.py").write_text("largest = 9\n")
    told = "another function for its network: sizes.py, which the file of the function imports, has changed since"
    with pytest.raises(StudyError, match=told):
        open_study(storage, study_in(tmp_path))
    with pytest.raises(StudyError, match=r"sizes.py, which nets.py imports, has the SHA-256"):
        stored_file(study, places, print)
