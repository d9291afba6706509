"""A model on windows of time series: what it forecasts from a file, a frame and a request, how it is evaluated and exported."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.demand import DEMAND, write_demand
from tests.support.models import require_script_of, trained, without_metadata
from tuner.__main__ import run
from tuner.base.errors import DataError
from tuner.data.sources import Places
from tuner.deploy.evaluation import evaluate
from tuner.deploy.prediction_files import write_predictions
from tuner.deploy.predictor import Predictor
from tuner.deploy.single_row import row_coder
from tuner.networks import Dense
from tuner.networks.columns import Encoding

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # a network is trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demand")
    write_demand(folder)
    return folder


@pytest.fixture(scope="module")
def predictor(folder: Path, places: Places) -> Predictor:
    data = replace(DEMAND, encoding=Encoding(numbers="standard", window_filters=(4,)))
    network = Dense(widths=(), output="linear")
    return Predictor.load(trained(data, folder, places, epochs=40, network=network))


def test_the_next_rows_of_each_series_are_forecast(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    recent = pd.read_csv(folder / "demand.csv").query("date > '2024-03-20'")
    recent.to_csv(tmp_path / "recent.csv", index=False)
    for source in (folder / "demand.csv", tmp_path / "recent.csv"):
        assert write_predictions(predictor, str(source), str(tmp_path / "next.csv")) == 6
        ahead = pd.read_csv(tmp_path / "next.csv")
        assert list(ahead.columns) == ["store", "date", "prediction"]
        for store, level in (("north", 100), ("south", 300)):
            own = ahead[ahead["store"] == store]
            assert own["date"].tolist() == ["2024-04-10", "2024-04-11", "2024-04-12"]
            assert own["prediction"].to_numpy() == pytest.approx(level + 10 * (np.arange(100, 103) % 7), abs=40)


def test_a_frame_is_forecast_from_like_a_file(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    write_predictions(predictor, str(folder / "demand.csv"), str(tmp_path / "next.csv"))
    found = predictor.predict(pd.read_csv(folder / "demand.csv"))
    assert found.names == ("sales+1", "sales+2", "sales+3")
    assert found.values.ravel() == pytest.approx(pd.read_csv(tmp_path / "next.csv")["prediction"])


def test_an_evaluation_is_of_all_windows(predictor: Predictor, folder: Path) -> None:
    result = evaluate(predictor, str(folder / "demand.csv"))
    assert result.examples == 2 * (100 - 14 - 3 + 1)
    assert result.figures["r2"] > 0.9  # of two stores so far apart


def test_a_request_has_the_windows_in_it(predictor: Predictor, folder: Path) -> None:
    assert predictor.coding is not None
    frame = pd.read_csv(folder / "demand.csv").sort_values("date").query("store == 'south'").tail(14)
    row = {"store": "south", "sales": frame["sales"].tolist(), "visits": frame["visits"].tolist()}
    expected = predictor.predict(frame).values
    assert predictor.predict_inputs(row_coder(predictor.coding)(row)[np.newaxis]).values == pytest.approx(expected)
    with pytest.raises(DataError, match=r"^column 'sales': must be finite numbers of the shape \(14,\), got \(3,\)"):
        row_coder(predictor.coding)(row | {"sales": [1, 2, 3]})
    with pytest.raises(
        DataError, match=r"^column 'visits': must be finite numbers of the shape \(14,\), got \(\), got None"
    ):
        row_coder(predictor.coding)(row | {"visits": None})


def test_http_takes_windows(predictor: Predictor) -> None:
    pytest.importorskip("httpx", reason="needs httpx, which FastAPI's test client stands on")
    from fastapi.testclient import TestClient

    from tuner.deploy.serve.application import application
    from tuner.report.pages import page_as_html

    client = TestClient(application(predictor, 100_000, 50, page_as_html, ["testserver"]))
    answered = client.post("/predict", json={"store": "north", "sales": [100.0] * 14, "visits": [200.0] * 14})
    assert answered.status_code == 200, answered.text
    assert list(answered.json()["predictions"][0]["prediction"]) == ["sales+1", "sales+2", "sales+3"]
    assert "the last values of the series, the oldest first" in client.get("/docs").text


def test_an_export_predicts_the_same(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    """`export` itself compares the predictions of the file that it wrote."""
    data, out = str(folder / "demand.csv"), str(tmp_path / "model.keras")
    assert run(["export", "--model", str(predictor.path), "--out", out, "--data", data]) == 0


def test_the_script_of_a_model_trains_it(
    predictor: Predictor, tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    require_script_of(predictor, tmp_path / "script.py", places)


def test_a_forecast_needs_the_metadata(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    bare = Predictor.load(without_metadata(predictor.path))
    with pytest.raises(DataError, match=r"bare.keras: takes windows, and bare.json, which names the columns of time"):
        write_predictions(bare, str(folder / "demand.csv"), str(tmp_path / "next.csv"))
