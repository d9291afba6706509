"""Models in other formats: each is loaded again and predicts what the model predicts."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.support.models import MIXED, mixed, pictures, trained
from tuner.__main__ import run
from tuner.base.errors import StorageError, TunerError
from tuner.data.sources import Places
from tuner.deploy.export import export_model, format_of
from tuner.deploy.formats import safe_names
from tuner.networks import Convolutional, Dense, Hidden
from tuner.networks.columns import Column
from tuner.recipe import Table, Views

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # each converts a network, and converters warn

ROOT = Path(__file__).parents[2]
FORMATS = ["model.keras", "model", "model.tflite", "model.onnx"]
PACKAGES = {"model.onnx": ("tf2onnx", "onnxruntime")}
BFLOAT16 = Hidden(precision="bfloat16", batch_normalization="before")


@pytest.fixture(scope="module")
def mixed_model(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Path:
    """A bfloat16 model on a table with a column of each kind, each with gaps; two classes."""
    folder, (_, frame) = tmp_path_factory.mktemp("mixed"), mixed()
    frame = frame.loc[np.tile(frame.index, 20)].reset_index(drop=True)
    frame["ziel"] = ["ja", "nein"] * 60
    frame.to_csv(folder / "gemischt.csv", index=False)
    columns = tuple(Column(name=name, kind=kind) for name, (kind, _) in MIXED.items())
    table = Table(path="gemischt.csv", target="ziel", columns=columns)
    return trained(table, folder, places, network=Dense(widths=(64,), hidden=Hidden(precision="bfloat16")))


@pytest.fixture(scope="module")
def mirrored_model(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Path:
    """The average of bfloat16 convolutional networks on all views of colour pictures."""
    network = Convolutional(filters=(8,), widths=(64,), hidden=BFLOAT16)
    return pictures(tmp_path_factory.mktemp("mirrored"), places, 2, network, Views(is_mirrored=True, is_shifted=True))


@pytest.fixture(params=["mixed_model", "mirrored_model"])
def model(request: pytest.FixtureRequest) -> Path:
    """Each of both."""
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_computes_in_float32_and_predicts_the_same(
    name: str, model: Path, places: Places, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if missing := [each for each in PACKAGES.get(name, ()) if find_spec(each) is None]:
        pytest.skip(f"needs {missing}: pip install onnx tf2onnx onnxruntime")
    done = export_model(model, tmp_path / name, format_of(tmp_path / name, ""), "none", "", places)
    assert done.difference < 1e-5
    assert 0 < done.rounding < 0.1
    assert done.origin == "training examples"
    assert done.lines()[-1].startswith("computes in float32: the model itself rounds to bfloat16")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({name, "model.json", "model.md"})
    about = json.loads((tmp_path / "model.json").read_text())["export"]
    assert about["outputs"] == (["ja", "nein"] if "mixed" in str(model) else ["dark", "light"])
    assert ("coding" in about) == ("mixed" in str(model) and about["format"] in ("litert", "onnx"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("fixture", "quantize"), [("mixed_model", "int8"), ("mirrored_model", "dynamic")])
def test_quantizing_reports_its_cost(
    fixture: str, quantize: str, request: pytest.FixtureRequest, places: Places, tmp_path: Path
) -> None:
    model: Path = request.getfixturevalue(fixture)
    done = export_model(model, tmp_path / "m.tflite", "litert", quantize, "", places)
    assert 0 < done.difference < 1
    assert set(done.figures) >= {"accuracy", "log_loss"}
    assert any(line.endswith(" quantized") for line in done.lines())


RESULTS = ROOT / "benchmarks/results/exports.json"


def require_right_or_refused(results: Path) -> None:
    """Each export is equal within 1e-4, tells its cost in metrics, or was refused for a reason."""
    for kind, cells in json.loads(results.read_text(encoding="utf-8"))["exports"].items():
        for format, cell in cells.items():
            is_quantized = format.endswith(("dynamic", "int8"))
            assert cell.get("refused", "").startswith("LiteRT computes in float32") or (
                cell["figures"] if is_quantized else cell["difference"] < 1e-4
            ), (kind, format, cell)


def test_the_table_in_the_docs_has_no_wrong_export() -> None:
    require_right_or_refused(RESULTS)
    page = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
    assert all(f"| {kind} |" in page for kind in json.loads(RESULTS.read_text(encoding="utf-8"))["exports"])


@pytest.mark.long
def test_every_kind_of_model_goes_through_every_format(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "benchmarks/exports.py"), "--out", str(tmp_path / "exports.json")]
    subprocess.run(script, check=True, capture_output=True)
    require_right_or_refused(tmp_path / "exports.json")


def test_what_cannot_be_converted_is_one_line(
    places: Places, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Dense(1)(keras.ops.erfinv(inputs))).save(tmp_path / "best.keras")
    capfd.readouterr()
    with pytest.raises(TunerError, match=r"^the model cannot be converted and loaded again: .*Erfinv") as error:
        export_model(tmp_path / "best.keras", tmp_path / "m.tflite", "litert", "none", "", places)
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")
    assert [each.name for each in tmp_path.iterdir()] == ["best.keras"]


def test_targets_that_need_float64_go_to_onnx_and_not_to_litert(places: Places, tmp_path: Path) -> None:
    layers = [keras.Input((2,)), keras.layers.Dense(1), keras.layers.Rescaling(1.0, 1e9, dtype="float64")]
    keras.Sequential(layers).save(tmp_path / "best.keras")
    with pytest.raises(
        TunerError, match=r"^LiteRT computes in float32, which cannot hold these targets: add --format onnx$"
    ):
        export_model(tmp_path / "best.keras", tmp_path / "m.tflite", "litert", "none", "", places)
    assert export_model(tmp_path / "best.keras", tmp_path / "m.onnx", "onnx", "none", "", places).difference < 1e-15


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
    with pytest.raises(StorageError, match=r"model\.onnx: must end in \.keras for --format keras$"):
        format_of(tmp_path / "model.onnx", "keras")
    assert run(["export", "--out", "x.keras"]) == 2
    assert capsys.readouterr().err == "error: add --study NAME or --model FILE\n"


def test_names_of_columns_become_names_of_a_signature() -> None:
    assert safe_names(("a b", "a_b", "größe", "1st")) == {
        "a b": "a_b",
        "a_b": "column_1_a_b",
        "größe": "gr__e",
        "1st": "column_3_1st",
    }
