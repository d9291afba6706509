"""The HTTP application: a request is a JSON object or a picture."""

import base64
import binascii
import io
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from textwrap import shorten
from threading import BoundedSemaphore
from typing import Annotated, Any

import numpy as np
from fastapi import Body, FastAPI, HTTPException, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from numpy.typing import NDArray
from pydantic import Field
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuner import __version__
from tuner.base.errors import DataError
from tuner.charts.content import Page
from tuner.data.ingest.images import read_image
from tuner.deploy.inputs import as_stored, picture_format
from tuner.deploy.predictor import Predictor
from tuner.deploy.serve.docs import docs_page
from tuner.deploy.serve.hosts import REFUSAL, answers_to
from tuner.deploy.serve.schema import Answers, Arrays, Pictures, row_type
from tuner.deploy.single_row import row_coder
from tuner.recipe import Images

BODIES = 8
"""How many of the largest bodies are in memory at once."""

CLOSING = {"Connection": "close"}
MOST_PROBLEMS, MOST_LETTERS = 20, 300
"""What an answer says of an invalid body, which may have a million invalid values."""
MOST_PIXELS = 25_000_000
"""A picture with more is refused: clients are not trusted, and a decoding takes up to 325 MB."""
DECODINGS = BoundedSemaphore(2)
"""Decodings at once."""


def application(
    predictor: Predictor,
    max_body: int,
    max_rows: int,
    page_as_html: Callable[[Page, str], str],
    hosts: Collection[str] = (),
) -> FastAPI:
    """The app of a model: POST /predict, GET /health, GET /model, GET /docs. Bodies of more than `max_body` bytes get 413, and 503
    while there are others of `BODIES` times that; more than `max_rows` examples and invalid ones get 422. Requests for names
    other than this machine's and `hosts` get 400. It opens no files by names that a client sends."""
    about = f"Predicts {', '.join(predictor.output.names)} from {predictor.input_text}"
    title = f"{predictor.metadata.get('study') or predictor.path.stem} over HTTP"
    app = FastAPI(title=title, version=__version__, description=shorten(about, 400), docs_url=None, redoc_url=None)
    app.add_middleware(_limited, max_body=max_body, hosts=hosts)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the model is loaded."""
        return {"status": "ok"}

    @app.get("/model")
    async def model() -> dict[str, Any]:
        """Task, classes, columns and metrics of the model."""
        return _model_facts(predictor)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    @app.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    async def docs(request: Request) -> str:
        address = str(request.base_url).rstrip("/")
        return page_as_html(docs_page(app.openapi(), address), f"This page as data: {address}/openapi.json")

    @app.exception_handler(DataError)
    async def invalid(request: Request, error: DataError) -> JSONResponse:
        return JSONResponse({"detail": _shown(str(error))}, 422)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"detail": [_problem(each) for each in error.errors()[:MOST_PROBLEMS]]}, 422)

    if predictor.coding is not None:
        _add_rows(app, predictor, max_rows)
    else:
        _add_arrays(app, predictor, max_rows)
    shape = tuple(each or 1 for each in predictor.shape)
    predictor.predict_inputs(np.zeros((1, *shape), np.float32))  # the first request is as fast as the others
    return app


def _limited(app: ASGIApp, max_body: int, hosts: Collection[str]) -> ASGIApp:
    """The app, answering 400 to requests for other hosts, 413 as soon as a body has more than `max_body` bytes, and 503 where all
    together have more than `BODIES` times that."""
    held = 0

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal held
        own, headers = 0, Headers(scope=scope) if scope["type"] == "http" else {}
        if not answers_to(headers.get("host"), headers.get("origin"), hosts):
            return await JSONResponse({"detail": REFUSAL}, 400)(scope, receive, send)

        async def receive_counted() -> Message:
            nonlocal held, own
            message = await receive()
            size = len(message.get("body", b""))
            held, own = held + size, own + size
            if own > max_body:
                raise HTTPException(413, f"the body must have at most {max_body:,} bytes", CLOSING)
            if held > BODIES * max_body:
                raise HTTPException(503, "the server is receiving too many long bodies; try again", CLOSING)
            return message

        try:
            await app(scope, receive_counted, send)
        finally:
            held -= own

    return answer


def _problem(error: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong where, without the value."""
    place = [each if isinstance(each, int) else _shown(str(each)) for each in error["loc"]]
    return {"type": error["type"], "loc": place, "msg": _shown(error["msg"])}


def _shown(text: str) -> str:
    """The text in a length and in letters that can be sent."""
    return text[:MOST_LETTERS].encode("utf-8", "backslashreplace").decode() + "…" * (len(text) > MOST_LETTERS)


def _model_facts(predictor: Predictor) -> dict[str, Any]:
    """Facts about the model, and none about this machine."""
    task, names, metadata = predictor.output.task, list(predictor.output.names), predictor.metadata
    facts: dict[str, Any] = {"task": task, "names": names, "has_papers": predictor.recipe is not None}
    if predictor.coding:
        facts["columns"] = {column.name: column.kind for column in predictor.coding.columns}
    else:
        facts["shape"] = list(predictor.shape)
    known = ("study", "measure", "test_figures", "test_interval", "test_examples", "looks", "parameters")
    return facts | {name: metadata[name] for name in known if name in metadata}


def _add_rows(app: FastAPI, predictor: Predictor, max_rows: int) -> None:
    assert predictor.coding is not None
    code, Row = row_coder(predictor.coding), row_type(predictor.coding)

    def predict(body: Any) -> dict[str, Any]:
        """The prediction for a row, or for each of a list of rows."""
        rows = body if isinstance(body, list) else [body]
        _require_count(len(rows), max_rows)
        coded = []
        for number, row in enumerate(rows, start=1):
            try:
                coded.append(code(row.model_dump(by_alias=True)))
            except DataError as error:
                raise DataError(f"row {number}: {error}") from None
        return {"predictions": _answers(predictor, np.stack(coded))}

    predict.__annotations__["body"] = Annotated[Row | Annotated[list[Row], Field(min_length=1, fail_fast=True)], Body()]  # type: ignore[valid-type]
    app.post("/predict", response_model=Answers)(predict)


def _add_arrays(app: FastAPI, predictor: Predictor, max_rows: int) -> None:
    try:
        format = picture_format(predictor)
    except DataError:
        format = None

    @app.post("/predict", response_model=Answers)
    def predict(body: Arrays | Pictures) -> dict[str, Any]:
        """The prediction for each array or picture."""
        if isinstance(body, Arrays):
            _require_count(len(body.inputs), max_rows)
            return {"predictions": _answers(predictor, _array(predictor, body.inputs))}
        if format is None:
            raise DataError(f"the model takes {predictor.input_text}, and no pictures")
        _require_count(len(body.images), max_rows)
        contents = [_decoded(text, number) for number, text in enumerate(body.images, start=1)]
        return {"predictions": _answers(predictor, _pictures(predictor, format, contents))}

    if format is not None:

        @app.post("/predict/file", response_model=Answers)
        def predict_file(image: UploadFile) -> dict[str, Any]:
            """The prediction for a picture that is uploaded as a file."""
            return {"predictions": _answers(predictor, _pictures(predictor, format, [image.file.read()]))}


def _answers(predictor: Predictor, inputs: NDArray[Any]) -> list[dict[str, Any]]:
    """For each example the `prediction` (a class, labels by name, a number or numbers by name) and `probabilities` by name."""
    predictions = predictor.predict_inputs(inputs)
    if not np.isfinite(predictions.values).all():
        raise DataError("the model computes no finite number from these inputs")
    if predictions.task == "custom":
        outputs = predictions.outputs
        several = outputs if isinstance(outputs, dict) else {"": outputs}
        rows = [{name: each[place].tolist() for name, each in several.items()} for place in range(len(inputs))]
        return [{"prediction": row.get("", row)} for row in rows]
    by_name = [dict(zip(predictions.names, row, strict=True)) for row in predictions.values.tolist()]
    match predictions.task:
        case "regression":
            return [{"prediction": row if len(row) > 1 else next(iter(row.values()))} for row in by_name]
        case "classification":
            pairs = zip(predictions.classes, by_name, strict=True)
            return [{"prediction": name, "probabilities": row} for name, row in pairs]
    chosen = ({name: share > 0.5 for name, share in row.items()} for row in by_name)
    return [{"prediction": labels, "probabilities": row} for labels, row in zip(chosen, by_name, strict=True)]


def _array(predictor: Predictor, lists: list[Any]) -> NDArray[np.float32]:
    try:
        array = np.array(lists, np.float32)
    except (ValueError, TypeError, OverflowError):
        raise DataError("inputs: must be nested lists of numbers, all of one shape") from None
    predictor.require_shape(array, "inputs")
    if not np.isfinite(array).all():
        raise DataError("inputs: must be finite numbers that float32 can hold")
    return array


def _decoded(text: str, number: int) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DataError(f"image {number}: is not base64") from None


def _pictures(predictor: Predictor, format: Images, contents: list[bytes]) -> NDArray[Any]:
    pictures = []
    for number, content in enumerate(contents, start=1):
        try:
            with DECODINGS:
                pictures.append(read_image(format, Path(f"image {number}"), io.BytesIO(content), MOST_PIXELS))
        except DataError as error:
            raise DataError(str(error).partition(";")[0]) from None  # without the advice about folders
    return as_stored(predictor, np.stack(pictures))


def _require_count(count: int, most: int) -> None:
    if count > most:
        raise DataError(f"at most {most:,} examples in one request, got {count:,}")
