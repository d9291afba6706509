"""A model over HTTP: answers, documents, refusals."""

import asyncio
import base64
import html
import io
import json
import re
import shlex
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs fastapi")
pytest.importorskip("httpx", reason="needs httpx, which FastAPI's test client stands on")

import httpx
from fastapi.testclient import TestClient
from PIL import Image

from tuner.__main__ import run
from tuner.commands.models import address, bound
from tuner.data.ingest.tables import read_table
from tuner.deploy.predictor import Predictor
from tuner.deploy.serve.application import application
from tuner.report.pages import page_as_html

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # each trains a network

ROW = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def served(iris_model: Path) -> Any:
    predictor = Predictor.load(iris_model)
    return predictor, client_of(predictor, 150)


def client_of(predictor: Predictor, max_rows: int = 10) -> TestClient:
    """A client of this model's application."""
    return TestClient(application(predictor, 20_000, max_rows, page_as_html, ["*.example.org"]), "http://localhost")


def test_rows_get_the_predictions_of_the_predictor(served: Any) -> None:
    predictor, client = served
    flowers = read_table("sklearn:iris")
    rows = flowers.drop(columns="target").head(50).to_dict("records")
    answered = client.post("/predict", json=rows).json()["predictions"]
    wanted = predictor.predict(flowers.head(50))
    assert [each["prediction"] for each in answered] == wanted.classes
    np.testing.assert_allclose([list(each["probabilities"].values()) for each in answered], wanted.values, atol=1e-6)
    assert client.post("/predict", json=rows[0]).json()["predictions"][0]["prediction"] == wanted.classes[0]


def test_health_model_and_openapi_describe_the_model(served: Any) -> None:
    _, client = served
    assert client.get("/health").json() == {"status": "ok"}
    facts = client.get("/model").json()
    assert facts["names"] == ["setosa", "versicolor", "virginica"]
    assert facts["columns"] == dict.fromkeys(ROW, "number")
    row = client.get("/openapi.json").json()["components"]["schemas"]["Row"]
    assert set(row["properties"]) == set(ROW) == set(row["required"])
    assert row["properties"]["sepal length (cm)"]["examples"] == [1.5]


def test_the_front_page_shows_the_docs_and_loads_nothing_from_other_hosts(served: Any) -> None:
    _, client = served
    page = html.unescape(client.get("/docs").text)
    assert html.unescape(client.get("/").text) == page
    assert set(re.findall(r"https?://[^/'\" ]+", page)) == {"http://localhost"}
    assert all(part in page for part in ("POST /predict", "GET /model", *ROW))
    assert client.get("/redoc").status_code == 404


def test_a_command_of_the_docs_is_answered(served: Any, picture_model: Path) -> None:
    pictures = client_of(Predictor.load(picture_model))
    page = html.unescape(served[1].get("/docs").text)
    _, address, _, header, _, body = shlex.split(re.findall(r"curl .* -d .*'", page)[0])
    name, _, value = header.partition(": ")
    assert served[1].post(address, content=body.encode(), headers={name: value}).status_code == 200
    page = html.unescape(pictures.get("/docs").text)
    assert "curl http://localhost/predict/file -F image=@picture.png" in page


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({**ROW, "petal width (cm)": "wide"}, "valid number"),
        ({name: value for name, value in ROW.items() if name != "petal width (cm)"}, "petal width (cm)"),
        ([], "at least 1 item"),
        ([ROW] * 151, "at most 150 examples in one request, got 151"),
        (
            {**ROW, "petal width (cm)": 1e39},
            "row 1: column 'petal width (cm)': must be a number below 3.4e38, got 1e+39",
        ),
        ({**ROW, "petal width (cm)": {"\ud800": 1}}, "valid number"),
        ({**ROW, "petal width (cm)": [float("nan")]}, "valid number"),
        ({**ROW, "petal width (cm)": 10**400}, "valid number"),
        ([{**ROW, "petal width (cm)": "wide " * 3_000}], "valid number"),
        ([{}] * 4_000, "Field required"),
    ],
)
def test_an_invalid_body_is_422(body: Any, part: str, served: Any) -> None:
    answer = served[1].post("/predict", content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422
    assert part in answer.text
    assert len(answer.content) < 1_000, "the body is not sent back"


def test_a_long_body_is_413(served: Any) -> None:
    answer = served[1].post("/predict", content=b"[" + b" " * 20_000)
    assert (answer.status_code, answer.json()) == (413, {"detail": "the body must have at most 20,000 bytes"})
    in_pieces = served[1].post("/predict", content=iter([b" " * 15_000] * 2))
    assert in_pieces.status_code == 413


def test_bodies_that_wait_for_their_end_have_a_limit_together(served: Any) -> None:
    async def statuses() -> list[int]:
        waiting, ended = asyncio.Semaphore(0), asyncio.Event()

        async def unfinished() -> AsyncIterator[bytes]:
            yield b" " * 20_000
            waiting.release()
            await ended.wait()

        transport = httpx.ASGITransport(served[1].app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            slow = [asyncio.create_task(client.post("/predict", content=unfinished())) for _ in range(8)]
            for _ in slow:
                await waiting.acquire()
            refused = await client.post("/predict", json=ROW)
            assert refused.headers["Connection"] == "close"
            ended.set()
            await asyncio.gather(*slow)
            return [refused.status_code, (await client.post("/predict", json=ROW)).status_code]

    assert asyncio.run(statuses()) == [503, 200]


def test_another_host_is_not_answered(served: Any) -> None:
    answer = served[1].get("/model", headers={"Host": "evil.example"})
    message = "the request is for another host, or from a page of one; --allowed-host NAME allows a name"
    assert (answer.status_code, answer.json()) == (400, {"detail": message})
    assert served[1].get("/model", headers={"Host": "models.example.org"}).status_code == 200


def test_one_row_is_answered_within_ten_milliseconds(served: Any) -> None:
    async def measured() -> list[float]:
        seconds, transport = [], httpx.ASGITransport(served[1].app)  # without the test client's threads
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for _ in range(50):
                began = time.process_time()
                assert (await client.post("/predict", json=ROW)).status_code == 200
                seconds.append(time.process_time() - began)
        return seconds

    assert statistics.median(asyncio.run(measured())) < 0.010  # of the processor, the client's own part included


def test_arrays_are_answered(xor_model: Path) -> None:
    predictor = Predictor.load(xor_model)
    client = client_of(predictor)
    answered = client.post("/predict", json={"inputs": [[0.5, 0.5], [-0.5, 0.5]]}).json()["predictions"]
    assert [each["prediction"] for each in answered] == predictor.predict(np.array([[0.5, 0.5], [-0.5, 0.5]])).classes
    for inputs, message in (
        ([[1, 2, 3]], "inputs: has examples of 3, and the model takes arrays of 2"),
        ([[1, 2], [3]], "inputs: must be nested lists of numbers, all of one shape"),
        ([[1, 1e39]], "inputs: must be finite numbers that float32 can hold"),
        ([[1, 10**400]], "inputs: must be nested lists of numbers, all of one shape"),
        ([[1, 3e38]], "the model computes no finite number from these inputs"),
    ):
        answer = client.post("/predict", json={"inputs": inputs})
        assert (answer.status_code, answer.json()) == (422, {"detail": message})
    for body in (b'{"inputs": NaN}', b'{"\\ud800": 1}'):
        assert client.post("/predict", content=body, headers=JSON).status_code == 422
    assert "and no pictures" in client.post("/predict", json={"images": ["AAAA"]}).json()["detail"]


def test_pictures_are_answered_as_base64_and_as_files(picture_model: Path) -> None:
    client = client_of(Predictor.load(picture_model))
    content = picture_model.with_name("pictures").joinpath("light/00.png").read_bytes()
    sent = client.post("/predict", json={"images": [base64.b64encode(content).decode()]}).json()
    assert sent["predictions"][0]["prediction"] == "light"
    assert client.post("/predict/file", files={"image": ("x.png", content)}).json() == sent
    assert client.post("/predict/file", files={"image": ("x.png", b" " * 20_000)}).status_code == 413
    for image, message in (
        ("!", "image 1: is not base64"),
        ("AAAA", "image 1: is no picture (PNG, JPEG, GIF, BMP, WebP, TIFF)"),
    ):
        answer = client.post("/predict", json={"images": [image]})
        assert (answer.status_code, answer.json()) == (422, {"detail": message})


def test_a_picture_that_is_far_too_large_is_refused(picture_model: Path) -> None:
    client = client_of(Predictor.load(picture_model))
    Image.new("1", (6000, 5000)).save(content := io.BytesIO(), "PNG")
    answer = client.post("/predict/file", files={"image": ("x.png", content.getvalue())})
    assert (answer.status_code, answer.json()) == (422, {"detail": "image 1: has more than 25,000,000 pixels"})


def test_a_wrong_size_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--model", "x.keras", "--max-body", "much"]) == 2
    assert capsys.readouterr().err == "error: --max-body much: must be a size such as 500kB or 10MB\n"


def test_a_taken_port_and_an_unknown_host_are_refused_before_the_model_is_loaded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert run(["serve", "--model", "x.keras", "--port", str(port)]) == 2
    message = f"error: 127.0.0.1:{port}: cannot be used: Address already in use; choose another --host or --port\n"
    assert capsys.readouterr().err == message
    assert run(["serve", "--model", "x.keras", "--host", "nowhere.invalid"]) == 2
    assert capsys.readouterr().err.startswith("error: nowhere.invalid:8000: cannot be used: ")


def test_an_address_is_written_as_in_a_url() -> None:
    with bound("127.0.0.1", 0) as listener:
        assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d+", address(listener))
