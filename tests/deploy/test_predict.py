"""Saved models in use: their predictions, their metrics, and what is refused."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.models import diabetes, mixed, trained, without_metadata
from tests.support.rows import raw_columns
from tuner.__main__ import run
from tuner.base.decode import encode
from tuner.base.errors import DataError
from tuner.data.ingest import tables
from tuner.data.ingest.coding import code_rows
from tuner.data.sources import Places
from tuner.deploy.evaluation import evaluate
from tuner.deploy.prediction_files import write_predictions
from tuner.deploy.predictor import Predictor
from tuner.deploy.single_row import row_coder
from tuner.networks.columns import Column
from tuner.networks.layers import RowCoder
from tuner.recipe import Table
from tuner.training.saving import load_model

pytestmark = pytest.mark.slow  # each trains a network


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    from tuner.data.ingest.tables import read_table

    return read_table("sklearn:iris")


def complaint(model: Path, data: str) -> str:
    with pytest.raises(DataError) as error:
        write_predictions(Predictor.load(model), data, "-")
    return str(error.value)


# What is predicted


def test_classes_have_names_and_probabilities(iris_model: Path, flowers: pd.DataFrame) -> None:
    frame = Predictor.load(iris_model).predict(flowers).frame()
    names = ["setosa", "versicolor", "virginica"]
    assert list(frame.columns) == ["prediction", *(f"probability_{name}" for name in names)]
    assert (frame["prediction"] == flowers["target"]).mean() > 0.6
    np.testing.assert_allclose(frame.iloc[:, 1:].sum(axis=1), 1.0, rtol=1e-5)


def test_the_raw_model_and_the_coded_path_predict_the_same(iris_model: Path, flowers: pd.DataFrame) -> None:
    predictor = Predictor.load(iris_model)
    assert predictor.coding is not None
    raw = load_model(iris_model)(raw_columns(predictor.coding, flowers))
    np.testing.assert_allclose(predictor.predict(flowers).values, raw, atol=1e-6)


def test_without_metadata_classes_are_numbers(
    iris_model: Path, flowers: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = without_metadata(iris_model)
    named, numbered = (Predictor.load(path).predict(flowers) for path in (iris_model, bare))
    assert numbered.names == ("0", "1", "2")
    np.testing.assert_array_equal(named.values, numbered.values)
    assert run(["predict", "--model", str(bare), "--data", "sklearn:iris", "--out", "-"]) == 0
    output = capsys.readouterr()
    assert output.err == "the model has no metadata bare.json: classes are named by their indices\n"
    assert output.out.startswith("prediction,probability_0,probability_1,probability_2\n0,")


def test_predicted_numbers_have_the_units_of_the_target(tmp_path: Path, places: Places) -> None:
    predictor = Predictor.load(diabetes(tmp_path, places))
    assert write_predictions(predictor, "sklearn:diabetes", str(tmp_path / "out.csv")) == 442
    frame = pd.read_csv(tmp_path / "out.csv")
    assert list(frame.columns) == ["prediction"]
    assert 50 < frame["prediction"].mean() < 250
    found = evaluate(predictor, "sklearn:diabetes")
    assert list(found.figures) == ["r2", "rmse", "mae"]
    assert found.confused == ()


def test_arrays_are_predicted_and_evaluated(xor_model: Path, tmp_path: Path) -> None:
    predictor, data = Predictor.load(xor_model), xor_model.with_name("xor.npz")
    assert write_predictions(predictor, str(data), str(tmp_path / "out.csv")) == 200
    np.save(tmp_path / "one.npy", np.load(data)["x"])
    assert write_predictions(predictor, str(tmp_path / "one.npy"), str(tmp_path / "one.csv")) == 200
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "out.csv").read_text()
    assert evaluate(predictor, str(data)).examples == 200
    np.save(tmp_path / "wide.npy", np.zeros((4, 3)))
    assert complaint(xor_model, str(tmp_path / "wide.npy")) == (
        f"{tmp_path}/wide.npy: x: has examples of 3, and the model takes arrays of 2"
    )


def test_a_folder_of_pictures_is_predicted_file_by_file(picture_model: Path, tmp_path: Path) -> None:
    shutil.copytree(picture_model.with_name("pictures"), tmp_path / "pictures")
    predictor = Predictor.load(picture_model)
    assert write_predictions(predictor, str(tmp_path / "pictures"), str(tmp_path / "out.csv")) == 40
    frame = pd.read_csv(tmp_path / "out.csv")
    assert frame["file"][0] == "dark/00.png"
    found = evaluate(predictor, str(tmp_path / "pictures"))
    assert found.figures["accuracy"] == (frame["file"].str.split("/").str[0] == frame["prediction"]).mean()
    assert write_predictions(predictor, str(tmp_path / "pictures/dark/00.png"), str(tmp_path / "one.csv")) == 1
    (tmp_path / "pictures/dark/00.png").write_bytes(b"no picture")
    assert complaint(picture_model, str(tmp_path / "pictures")) == (
        f"{tmp_path}/pictures/dark/00.png: is no picture (PNG, JPEG, GIF, BMP, WebP, TIFF); take it out of the folder"
    )


def test_a_file_in_blocks_is_predicted_like_the_frame(
    iris_model: Path, flowers: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor.load(iris_model)
    flowers.to_csv(tmp_path / "iris.csv", index=False)
    monkeypatch.setattr(tables, "BLOCK_ROWS", 7)
    write_predictions(predictor, str(tmp_path / "iris.csv"), str(tmp_path / "out.csv"))
    whole, read = predictor.predict(flowers).frame(), pd.read_csv(tmp_path / "out.csv")
    assert list(read["prediction"]) == list(whole["prediction"])
    np.testing.assert_allclose(read.iloc[:, 1:], whole.iloc[:, 1:], atol=1e-6)
    flowers.astype(object).assign(**{"petal width (cm)": ["x" if row == 99 else 1 for row in range(150)]}).to_csv(
        tmp_path / "bad.csv", index=False
    )
    assert complaint(iris_model, str(tmp_path / "bad.csv")) == (
        f"{tmp_path}/bad.csv: column 'petal width (cm)', row 100: must be a number, got 'x'"
    )


def test_parquet_goes_in_and_out(iris_model: Path, flowers: pd.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    predictor = Predictor.load(iris_model)
    flowers.to_parquet(tmp_path / "iris.parquet")
    write_predictions(predictor, str(tmp_path / "iris.parquet"), str(tmp_path / "out.parquet"))
    assert list(pd.read_parquet(tmp_path / "out.parquet")["prediction"]) == predictor.predict(flowers).classes


# How right it is


def test_figures_have_intervals_and_confusion_words(iris_model: Path, flowers: pd.DataFrame, tmp_path: Path) -> None:
    found = evaluate(Predictor.load(iris_model), "sklearn:iris")
    accuracy = found.figures["accuracy"]
    assert found.intervals["accuracy"].low < accuracy < found.intervals["accuracy"].high
    assert found.lines()[0] == "150 examples"
    assert found.lines()[1].startswith(f"accuracy: {accuracy:.4f} (95 % interval ")
    assert set(found.to_dict()) == {"task", "examples", "figures", "confused"}
    wrong = 150 - round(accuracy * 150)
    assert sum(each.times for each in found.confused) <= wrong
    assert all(" taken for " in str(each) for each in found.confused)
    alone = flowers[flowers["target"] == "setosa"]
    alone.to_csv(tmp_path / "one.csv", index=False)
    only = evaluate(Predictor.load(iris_model), str(tmp_path / "one.csv"))
    assert "ROC AUC: not defined on these examples" in only.lines()
    assert json.loads(json.dumps(only.to_dict()))["figures"]["roc_auc"] == {"value": None, "interval": [None, None]}


def test_another_class_is_refused(iris_model: Path, flowers: pd.DataFrame, tmp_path: Path) -> None:
    flowers.replace("virginica", "virgin").to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(DataError) as error:
        evaluate(Predictor.load(iris_model), str(tmp_path / "other.csv"))
    assert str(error.value) == (
        f"{tmp_path}/other.csv: column 'target', row 101: must be a class of the training part; "
        "did you mean virginica?, got 'virgin'"
    )


# What is refused


def test_a_missing_column_is_reported_with_its_near_miss(
    iris_model: Path, flowers: pd.DataFrame, tmp_path: Path
) -> None:
    flowers.rename(columns={"petal width (cm)": "petal widht (cm)"}).to_csv(tmp_path / "x.csv", index=False)
    assert complaint(iris_model, str(tmp_path / "x.csv")) == (
        f"{tmp_path}/x.csv: has no column 'petal width (cm)'; did you mean petal widht (cm)?"
    )
    assert complaint(iris_model, "x.npz") == (
        "x.npz: must be a table, since the model takes a table with the columns "
        "sepal length (cm), sepal width (cm), petal length (cm), petal width (cm)"
    )


@pytest.mark.filterwarnings("ignore")
def test_a_model_that_runs_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2)]).save(path)
    with pytest.raises(DataError) as error:
        Predictor.load(path)
    assert str(error.value) == f"{path}: has a Lambda layer, which runs code from the file; it is not loaded"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"prediction,1\n"])
def test_a_file_that_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        Predictor.load(path)
    assert str(error.value) == f"{path}: is not a Keras model (.keras)"


def test_metadata_of_another_model_are_refused(iris_model: Path, xor_model: Path, tmp_path: Path) -> None:
    other = shutil.copy(xor_model, tmp_path / "best.keras")
    shutil.copy(iris_model.with_suffix(".json"), tmp_path / "best.json")
    with pytest.raises(DataError) as error:
        Predictor.load(other)
    assert str(error.value) == (f"{other}: has 2 outputs, and best.json describes 3; they do not belong together")


def test_an_existing_file_is_not_overwritten(
    iris_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine")
    asked = ["predict", "--model", str(iris_model), "--data", "sklearn:iris", "--out", str(out)]
    assert run(asked) == 2
    assert capsys.readouterr().err == f"error: --out {out}: exists already; add --force to overwrite it\n"
    assert run([*asked, "--force"]) == 0
    assert capsys.readouterr().out == f"{out}: 150 predictions\n"
    assert [each.name for each in tmp_path.iterdir()] == ["out.csv"]


# Three ways to code a row

TEXTS = st.none() | st.text(min_size=1, max_size=12) | st.sampled_from(["Grüße, KÖLN!", "Straße", "naïve café", "²x½"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "größe": st.none() | st.floats(-1e30, 1e30, allow_subnormal=False),
            "wann": st.none() | st.dates().filter(lambda day: day.year > 1700 and day.year < 2250).map(str),
            "neu": st.none() | st.sampled_from(["true", "No", "0", "YES", "1.0"]),
            "stadt": st.none() | st.sampled_from(["Köln", "Århus", "köln", "Łódź", "İzmir"]) | TEXTS,
            "text": TEXTS,
        }
    ),
    min_size=1,
    max_size=5,
)


CODING = mixed()[0]
CODE_ROW = row_coder(CODING)


@pytest.fixture(scope="module")
def layer() -> RowCoder:
    """The layer inside of saved models."""
    return RowCoder([encode(column) for column in CODING.columns])


@settings(max_examples=60)
@given(rows=ROWS)
def test_the_three_ways_to_code_rows_agree(rows: list[dict[str, object]], layer: RowCoder) -> None:
    frame = pd.DataFrame(rows, columns=list(rows[0]), dtype=object)
    together = code_rows(CODING, frame)
    np.testing.assert_array_equal(np.stack([CODE_ROW(row) for row in rows]), together)
    inside = layer(
        {
            name: keras.ops.convert_to_tensor(values.tolist()) if values.dtype == object else values
            for name, values in raw_columns(CODING, frame).items()
        }
    )
    smallest = float(np.finfo(np.float32).tiny)  # TensorFlow takes what is smaller for 0
    np.testing.assert_allclose(np.asarray(inside), together, rtol=0, atol=smallest)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"größe": "viel"}, "column 'größe': must be a number, got 'viel'"),
        ({"größe": 1e39}, "column 'größe': must be a number below 3.4e38, got 1e+39"),
        ({"wann": "2024-02-30"}, "column 'wann': must be a date such as 2024-12-31, got '2024-02-30'"),
        ({"neu": "maybe"}, "column 'neu': must be true or false, yes or no, 1 or 0, got 'maybe'"),
    ],
)
def test_a_value_of_another_type_is_refused(row: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as error:
        CODE_ROW(row)
    assert str(error.value) == message


def test_a_target_with_marks_and_gaps_is_evaluated(tmp_path: Path, places: Places) -> None:
    numbers = np.arange(40.0)
    price: list[str | None] = [f"$1,{each:03.0f}.50" for each in numbers]
    price[3] = price[5] = None
    frame = pd.DataFrame({"speed (km/h)": [f"{each:.0f},5" for each in numbers], "price": price})
    frame.to_csv(tmp_path / "t.csv", index=False)
    data = Table(
        path="t.csv",
        target="price",
        task="regression",
        columns=(Column(name="speed (km/h)", kind="number", format="1.234,5"),),
        target_format="1,234.5",
        drop_missing_target=True,
    )
    predictor = Predictor.load(trained(data, tmp_path, places))
    assert evaluate(predictor, str(tmp_path / "t.csv")).examples == 38
    values = predictor.predict(frame).values
    assert values.shape == (40, 1)
    assert ((values > 800) & (values < 1200)).all()
    assert predictor.coding is not None
    code = row_coder(predictor.coding)
    np.testing.assert_array_equal(code({"speed (km/h)": "7,5"}), code({"speed (km/h)": 7.5}))
