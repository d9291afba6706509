"""A model on pictures and a table together: from its file to a prediction, a request, an export, and a script."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.models import require_script_of, trained
from tests.support.parcels import PARCELS, write_parcels
from tuner.__main__ import run
from tuner.base.errors import DataError
from tuner.data.sources import Places
from tuner.deploy.inputs import blocks_of
from tuner.deploy.predictor import Predictor
from tuner.deploy.single_row import row_coder
from tuner.networks import Dense

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # a network is trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parcels")
    write_parcels(folder)
    return folder


@pytest.fixture(scope="module")
def predictor(folder: Path, places: Places) -> Predictor:
    return Predictor.load(trained(PARCELS, folder, places, epochs=30, network=Dense(widths=(16,))))


def test_both_parts_count(predictor: Predictor, folder: Path) -> None:
    frame = pd.read_csv(folder / "parcels.csv")
    (block,) = blocks_of(predictor, str(folder / "parcels.csv"), ["shelf"])
    predicted = np.array(predictor.predict_inputs(block.inputs).classes)
    true = frame["shelf"].to_numpy()
    halves = [
        np.mean([a.split()[place] == b.split()[place] for a, b in zip(predicted, true, strict=True)])
        for place in (0, 1)
    ]
    assert min(halves) > 0.9
    swapped = block.inputs.copy()
    swapped[:, :64] = swapped[::-1, :64]  # dark for bright
    changed = np.array(predictor.predict_inputs(swapped).classes)
    assert np.mean([a.split()[0] != b.split()[0] for a, b in zip(changed, predicted, strict=True)]) > 0.9


def test_a_request_has_the_picture_in_it(predictor: Predictor, folder: Path) -> None:
    assert predictor.coding is not None
    code = row_coder(predictor.coding)
    content = base64.b64encode((folder / "photos/3.png").read_bytes()).decode()
    (block,) = blocks_of(predictor, str(folder / "parcels.csv"))
    weight = pd.read_csv(folder / "parcels.csv")["weight"][3]
    assert code({"photo": content, "weight": weight}) == pytest.approx(block.inputs[3])
    assert np.isnan(code({"weight": weight})[:64]).all()
    pixels = block.inputs[3, :64].reshape(8, 8, 1).tolist()
    assert code({"photo": pixels, "weight": weight}) == pytest.approx(block.inputs[3])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("photos/3.png", "it is not base64"),
        (base64.b64encode(b"no picture").decode(), r"the picture: is no picture \(PNG, .*\)"),
        ([[1.0]], None),
    ],
)
def test_a_request_opens_no_files_and_is_told_what_a_picture_is(
    predictor: Predictor, value: Any, reason: str | None
) -> None:
    assert predictor.coding is not None
    rule = r"must be finite numbers of the shape \(8, 8, 1\), got \(1, 1\)"
    if reason:
        rule = rf"must be the content of a file as base64 \({reason}\)"
    with pytest.raises(DataError, match=rf"^column 'photo': {rule}"):
        row_coder(predictor.coding)({"photo": value, "weight": 1.0})


def test_http_takes_base64(predictor: Predictor, folder: Path) -> None:
    pytest.importorskip("httpx", reason="needs httpx, which FastAPI's test client stands on")
    from fastapi.testclient import TestClient

    from tuner.deploy.serve.application import application
    from tuner.report.pages import page_as_html

    client = TestClient(application(predictor, 100_000, 50, page_as_html, ["testserver"]))
    content = base64.b64encode((folder / "photos/3.png").read_bytes()).decode()
    answered = client.post("/predict", json={"photo": content, "weight": 4.2})
    assert answered.status_code == 200, answered.text
    assert answered.json()["predictions"][0]["prediction"] == "bright heavy"
    assert client.get("/model").json()["columns"] == {"photo": "picture", "weight": "number"}
    assert client.get("/docs").status_code == 200


def test_an_export_predicts_the_same(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    """`export` itself compares the predictions of the file that it wrote; a SavedModel has an input for each column."""
    data, out = str(folder / "parcels.csv"), str(tmp_path / "saved")
    assert run(["export", "--model", str(predictor.path), "--out", out, "--data", data]) == 0


def test_the_script_of_a_model_trains_it(
    predictor: Predictor, tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    require_script_of(predictor, tmp_path / "script.py", places)


def test_a_frame_names_files_or_holds_pictures(
    predictor: Predictor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    frame = pd.read_csv("parcels.csv").head(4)
    (block,) = blocks_of(predictor, "parcels.csv")
    expected = predictor.predict_inputs(block.inputs[:4]).values
    assert predictor.predict(frame).values == pytest.approx(expected)
    pictures = block.inputs[:4, :64].reshape(4, 8, 8, 1).astype(np.uint8)
    assert predictor.predict(frame.assign(photo=list(pictures))).values == pytest.approx(expected)
    with pytest.raises(DataError, match=r"column 'photo', row 1: there is no file .*gone.png"):
        predictor.predict(frame.assign(photo="gone.png"))
