"""The HTTP application: one question is one JSON object, or a picture."""

import base64
import binascii
import io
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import Body, FastAPI, HTTPException, Request, UploadFile
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tuner import __version__
from tuner.base.errors import DataError
from tuner.data.ingest.images import brought_to
from tuner.deploy.inputs import as_stored, pictures_of
from tuner.deploy.one_row import row_coding
from tuner.deploy.predictor import Predictor
from tuner.deploy.serve.answers import answers, warmed_up
from tuner.deploy.serve.columns import plain, row_type
from tuner.deploy.serve.limits import BodyLimit
from tuner.recipe import Images


class Pictures(BaseModel):
    """Pictures as base64 texts of PNG or JPEG files."""

    model_config = ConfigDict(extra="forbid")
    images: Annotated[list[str], Field(min_length=1, description="PNG or JPEG files, base64")]


class Arrays(BaseModel):
    """Arrays as nested lists."""

    model_config = ConfigDict(extra="forbid")
    inputs: Annotated[list[Any], Field(min_length=1, description="one nested list of numbers for each example")]


class Answers(BaseModel):
    """An answer for each example, in their order."""

    predictions: list[dict[str, Any]]


def application(predictor: Predictor, max_body: int, max_rows: int) -> FastAPI:
    """The app of a model: POST /predict, GET /health, GET /model. Bodies of more than `max_body` bytes are 413, more than
    `max_rows` examples and what does not fit are 422. It opens no files that a client names."""
    app = FastAPI(title="tuner", version=__version__)
    app.add_middleware(BodyLimit, max_body=max_body)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/model")
    async def model() -> dict[str, Any]:
        return facts(predictor)

    @app.exception_handler(DataError)
    async def unfit(request: Request, error: DataError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 422)

    if predictor.coding is not None:
        _take_rows(app, predictor, max_rows)
    else:
        _take_arrays(app, predictor, max_rows)
    warmed_up(predictor)
    return app


def facts(predictor: Predictor) -> dict[str, Any]:
    """What the model is, without anything of this machine."""
    meaning, recipe = predictor.meaning, predictor.recipe
    told: dict[str, Any] = {"task": meaning.task, "names": list(meaning.names), "has_papers": recipe is not None}
    if predictor.coding:
        told["columns"] = {column.name: column.kind for column in predictor.coding.columns}
    else:
        told["shape"] = list(predictor.shape)
    if recipe:
        known = ("study", "measure", "test_figures", "test_interval", "test_examples", "parameters")
        told |= {name: predictor.papers[name] for name in known if name in predictor.papers}
    return told


def _take_rows(app: FastAPI, predictor: Predictor, max_rows: int) -> None:
    assert predictor.coding is not None
    code, Row = row_coding(predictor.coding), row_type(predictor.coding)

    def predict(body: Any) -> dict[str, Any]:
        rows = body if isinstance(body, list) else [body]
        _demand_count(len(rows), max_rows)
        inputs = np.stack([_told(code, plain(row), place) for place, row in enumerate(rows, start=1)])
        return {"predictions": answers(predictor, inputs)}

    predict.__annotations__["body"] = Annotated[Row | Annotated[list[Row], Field(min_length=1)], Body()]  # type: ignore[valid-type]
    app.post("/predict", response_model=Answers)(predict)


def _told(
    code: Callable[[dict[str, Any]], NDArray[np.float32]], row: dict[str, Any], place: int
) -> NDArray[np.float32]:
    try:
        return code(row)
    except DataError as error:
        raise DataError(f"row {place}: {error}") from None


def _take_arrays(app: FastAPI, predictor: Predictor, max_rows: int) -> None:
    try:
        form = pictures_of(predictor)
    except DataError:
        form = None

    @app.post("/predict", response_model=Answers)
    def predict(body: Arrays | Pictures) -> dict[str, Any]:
        if isinstance(body, Arrays):
            _demand_count(len(body.inputs), max_rows)
            return {"predictions": answers(predictor, _array(predictor, body.inputs))}
        if form is None:
            raise DataError(f"the model takes {predictor.takes}, and no pictures")
        _demand_count(len(body.images), max_rows)
        contents = [_decoded(text, place) for place, text in enumerate(body.images, start=1)]
        return {"predictions": answers(predictor, _seen(predictor, form, contents))}

    if form is not None:

        @app.post("/predict/file", response_model=Answers)
        def predict_file(image: UploadFile) -> dict[str, Any]:
            return {"predictions": answers(predictor, _seen(predictor, form, [image.file.read()]))}


def _array(predictor: Predictor, lists: list[Any]) -> NDArray[np.float32]:
    try:
        found = np.array(lists, np.float32)
    except (ValueError, TypeError):
        raise DataError("inputs: must be nested lists of numbers, all of one shape") from None
    predictor.require_fitting(found, "inputs")
    if not np.isfinite(found).all():
        raise DataError("inputs: must be finite numbers that float32 can hold")
    return found


def _decoded(text: str, place: int) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DataError(f"image {place}: is not base64") from None


def _seen(predictor: Predictor, form: Images, contents: list[bytes]) -> NDArray[Any]:
    found = []
    for place, content in enumerate(contents, start=1):
        try:
            found.append(brought_to(form, Path(f"image {place}"), io.BytesIO(content)))
        except DataError as error:
            raise DataError(str(error).partition(";")[0]) from None
    return as_stored(predictor, np.stack(found))


def _demand_count(count: int, most: int) -> None:
    if count > most:
        raise HTTPException(422, f"at most {most:,} examples in one request, got {count:,}")
    if count < 1:
        raise HTTPException(422, "at least one example is needed")
