"""Damaged and hostile requests over real sockets: each gets predictions or a short refusal, and the server goes on."""

import base64
import io
import json
import random
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("fastapi", reason="needs fastapi")
pytest.importorskip("uvicorn", reason="needs uvicorn")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.models import MIXED, pictures, trained
from tests.support.serving import exchange, request_of, serving
from tuner.data.sources import Places
from tuner.deploy.predictor import Predictor
from tuner.deploy.serve.application import application
from tuner.networks.columns import Column
from tuner.recipe import Table
from tuner.report.pages import page_as_html

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SECONDS = 0.2
ANSWERS = (200, 307, 400, 404, 405, 408, 413, 415, 422)
MOST_BYTES = 20_000
COUNTS = (100, pytest.param(2_500, marks=pytest.mark.long))  # of requests to each of the two models


@pytest.fixture(scope="module")
def table_port(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Iterator[int]:
    """The port of a model on a table with a column of each kind."""
    folder = tmp_path_factory.mktemp("mixed")
    frame = pd.DataFrame({name: values * 8 for name, (_, values) in MIXED.items()})
    frame.assign(target=["a", "b"] * 24).to_csv(folder / "mixed.csv", index=False)
    columns = tuple(Column(name=name, kind=kind) for name, (kind, _) in MIXED.items())
    model = trained(Table(path="mixed.csv", target="target", columns=columns), folder, places)
    with serving(application(Predictor.load(model), 20_000, 20, page_as_html), SECONDS) as (port, _):
        yield port


@pytest.fixture(scope="module")
def picture_port(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Iterator[int]:
    """The port of a model on arrays and pictures."""
    model = pictures(tmp_path_factory.mktemp("pictures"), places, epochs=1)
    with serving(application(Predictor.load(model), 20_000, 20, page_as_html), SECONDS) as (port, _):
        yield port


ROW = {"größe": 1.5, "wann": "2024-02-29", "neu": True, "stadt": "Köln", "text": "Grüße aus Köln"}
NUMBERS = (0, -1, 1.5, 1e39, -1e308, 5e-324, 10**400, -(10**400), 2**63, float("nan"), float("inf"), float("-inf"))
TEXTS = ("", " ", "\ud800", "\0", "é" * 5_000, "1e400", "nan", "2024-02-30", "99999-01-01", "-1-1-1", "٣", "{}", "AAAA")
leaves = st.sampled_from([*NUMBERS, *TEXTS, None, True, False]) | st.floats() | st.text(max_size=20)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
rows = st.dictionaries(st.sampled_from(list(ROW)), values, max_size=3).map(lambda changed: {**ROW, **changed})
lacking = st.dictionaries(st.sampled_from([*ROW, "\ud800", "x" * 2_000]), values, max_size=3)
tables = rows | st.lists(rows | lacking, max_size=4) | lacking | values


def picture(format: str) -> bytes:
    """A small picture file."""
    file = io.BytesIO()
    Image.new("RGB", (9, 9), (200, 100, 50)).save(file, format)
    return file.getvalue()


def mutated(content: bytes, seed: int) -> bytes:
    """The content with one to eight damages."""
    chance, damaged = random.Random(seed), bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at, length = chance.randrange(len(damaged) + 1), chance.randint(1, 40)
        new = chance.choice((b"", chance.randbytes(length), bytes(damaged[-length:]), b"9" * length, b"\r\n"))
        damaged[at : at + chance.choice((0, 1, length))] = new
    return bytes(damaged)


LONG = (b"[" * 9_000, b" " * 30_000, b"[" + b"{}," * 6_000 + b"{}]", b'{"inputs": [' + b"0," * 9_000 + b"0]}")
seeds = st.integers(0, 2**32)
files = st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]).map(picture)
damaged_files = st.builds(mutated, files, seeds) | files | st.binary(max_size=50)
pixels = leaves.map(lambda leaf: [[[1, leaf, 3]] * 8] * 8)
images = st.lists(damaged_files.map(lambda file: base64.b64encode(file).decode()) | st.text(max_size=9), max_size=3)
arrays = st.dictionaries(
    st.sampled_from(["inputs", "images", "\ud800"]), values | st.lists(pixels, max_size=2) | images
)


def as_json(value: Any) -> bytes:
    """JSON with NaN and halves of surrogate pairs, as Python's own reader takes it."""
    return json.dumps(value).encode()


def form(file: bytes) -> bytes:
    """The body of a form with a file."""
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="../x.png"\r\n\r\n'
    return head + file + b"\r\n--x--\r\n"


def requests(bodies: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Requests with these bodies, whole and damaged."""
    kinds = st.sampled_from(["application/json"] * 9 + ["text/plain", "application/x+json; charset=latin-1", "é", ""])
    damaged = st.one_of(bodies, bodies, bodies, st.builds(mutated, bodies, seeds), st.sampled_from(LONG))
    whole = st.builds(request_of, st.just("/predict"), damaged, kinds)
    uploads = st.builds(mutated, damaged_files.map(form), seeds) | damaged_files.map(form)
    file = st.builds(request_of, st.just("/predict/file"), uploads, st.just("multipart/form-data; boundary=x"))
    paths = st.sampled_from(
        ["/", "/docs", "/model", "/health", "/openapi.json", "/%2e%2e/etc/passwd", "/predict/", "*"]
    )
    others = st.builds(request_of, paths, bodies, kinds, st.sampled_from(["GET", "PUT", "HEAD", "CONNECT", "x"]))
    return st.one_of(*[whole] * 5, file, others, st.builds(mutated, whole, seeds))


def check(port: int, bodies: st.SearchStrategy[Any], good: bytes, count: int) -> None:
    """Send so many requests. A refusal is short; what cannot be read as a request is not answered at all, at worst."""
    wanted = exchange(port, good).partition(b"\r\n\r\n")[2]
    assert b"predictions" in wanted

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(requests(bodies.map(as_json)))
    def answered(request: bytes) -> None:
        answer = exchange(port, request)
        if answer:
            status = int(answer.split(b" ", 2)[1])
            assert status in ANSWERS, answer[:500]
            assert len(answer) < MOST_BYTES or status == 200

    answered()
    assert exchange(port, good).partition(b"\r\n\r\n")[2] == wanted


@pytest.mark.parametrize("count", COUNTS)
def test_rows_are_answered_or_refused(count: int, table_port: int) -> None:
    check(table_port, tables, request_of("/predict", as_json(ROW)), count)


@pytest.mark.parametrize("count", COUNTS)
def test_arrays_and_pictures_are_answered_or_refused(count: int, picture_port: int) -> None:
    check(picture_port, arrays, request_of("/predict", as_json({"inputs": [[[[1, 2, 3]] * 8] * 8]})), count)
