"""Models in other formats: each is loaded again and predicts what the model predicts."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.support.models import MIXED, mixed, trained
from tuner.__main__ import run
from tuner.base.errors import StorageError, TunerError
from tuner.data.sources import Places
from tuner.deploy.export import export_model, format_of
from tuner.deploy.formats import safe_names
from tuner.networks.columns import Column
from tuner.recipe import Table

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # each converts a network, and converters warn

FORMATS = [
    ("model.keras", "keras", "keras"),
    ("model", "saved_model", "keras"),
    ("model.tflite", "litert", "keras"),
    ("model.onnx", "onnx", "tf2onnx"),
]


@pytest.mark.parametrize(("name", "format", "package"), FORMATS)
def test_an_exported_table_model_predicts_the_same(
    name: str, format: str, package: str, iris_model: Path, places: Places, tmp_path: Path
) -> None:
    if find_spec(package) is None:
        pytest.skip(f"needs {package}: pip install onnx tf2onnx onnxruntime")
    done = export_model(iris_model, tmp_path / name, format_of(tmp_path / name, ""), "none", "", places)
    assert done.difference < 1e-5
    assert (done.examples, done.origin) == (120, "training examples")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({name, "model.json", "model.md"})
    about = json.loads((tmp_path / "model.json").read_text())["export"]
    assert about["outputs"] == ["setosa", "versicolor", "virginica"]
    assert ("coding" in about) == (format in ("litert", "onnx"))


def test_texts_and_dates_go_through_a_saved_model(tmp_path: Path, places: Places) -> None:
    _, frame = mixed()
    frame = frame.loc[np.tile(frame.index, 20)].reset_index(drop=True)
    frame["ziel"] = ["ja", "nein"] * 60
    frame.to_csv(tmp_path / "gemischt.csv", index=False)
    columns = tuple(Column(name=name, kind=kind) for name, (kind, _) in MIXED.items())
    model = trained(Table(path="gemischt.csv", target="ziel", columns=columns), tmp_path, places)
    for name in ("served", "small.tflite"):
        done = export_model(model, tmp_path / name, format_of(tmp_path / name, ""), "none", "", places)
        assert done.difference < 1e-5


@pytest.mark.parametrize("quantize", ["dynamic", "int8"])
def test_quantizing_reports_the_metrics_before_and_after(
    quantize: str, iris_model: Path, places: Places, tmp_path: Path
) -> None:
    done = export_model(iris_model, tmp_path / "m.tflite", "litert", quantize, "", places)
    assert set(done.figures) >= {"accuracy", "log_loss"}
    assert any(line.endswith(" quantized") for line in done.lines())


def test_arrays_are_exported_without_a_coding(xor_model: Path, tmp_path: Path, places: Places) -> None:
    data = str(xor_model.with_name("xor.npz"))
    done = export_model(xor_model, tmp_path / "out.tflite", "litert", "none", data, places)
    assert done.difference < 1e-5
    about = json.loads((tmp_path / "out.json").read_text())["export"]
    assert about == {"format": "litert", "quantized": "none", "outputs": ["other", "same"], "inputs": [2]}


def test_an_export_that_predicts_something_else_is_not_written(
    iris_model: Path, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.deploy.export.LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(TunerError) as error:
        export_model(iris_model, tmp_path / "m.keras", "keras", "none", "", places)
    assert str(error.value) == (
        f"{tmp_path}/m.keras: differs from the model by 0 on training examples; nothing was written"
    )
    assert list(tmp_path.iterdir()) == []


def test_only_litert_is_quantized_and_other_folders_are_left_alone(
    iris_model: Path, places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TunerError, match=r"^--quantize int8: is for LiteRT \(.tflite\) only$"):
        export_model(iris_model, tmp_path / "m.keras", "keras", "int8", "", places)
    (tmp_path / "mine").touch()
    with pytest.raises(StorageError, match="is a folder with other files in it"):
        format_of(tmp_path, "")
    with pytest.raises(StorageError, match="must end in"):
        format_of(tmp_path / "model.h5", "")
    assert run(["export", "--out", "x.keras"]) == 2
    assert capsys.readouterr().err == "error: add --study NAME or --model FILE\n"


def test_names_of_columns_become_names_of_a_signature() -> None:
    assert safe_names(("a b", "a_b", "größe", "1st")) == {
        "a b": "a_b",
        "a_b": "column_1_a_b",
        "größe": "gr__e",
        "1st": "column_3_1st",
    }
