"""The bodies of requests and answers as pydantic types: OpenAPI documents them, and requests are checked by them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from tuner.data.ingest.columns import Coding, ColumnCoding
from tuner.data.ingest.formats import ISO
from tuner.networks.columns import EXAMPLE_DATE

TYPES: dict[str, Any] = {
    "number": float,
    "boolean": bool | int | str,
    "category": str | int | float | bool,
    "date": str,
    "text": str,
    "picture": str | list[Any],
}
EXAMPLES: dict[str, Any] = {"number": 1.5, "boolean": True, "date": "2024-12-31", "picture": "…"}
ABOUT = {
    "picture": "the content of a picture file, base64; or its numbers, height first",
    "window": "the last values of the series, the oldest first",
}
MOST_VALUES = 20


class Pictures(BaseModel):
    """Pictures as base64 texts of files (PNG, JPEG, GIF, BMP, WebP, TIFF)."""

    model_config = ConfigDict(extra="forbid")
    images: Annotated[list[str], Field(min_length=1, description="picture files, base64")]


class Arrays(BaseModel):
    """Arrays as nested lists."""

    model_config = ConfigDict(extra="forbid")
    inputs: Annotated[list[Any], Field(min_length=1, description="one nested list of numbers for each example")]


class Answers(BaseModel):
    """An answer for each example, in their order."""

    predictions: list[dict[str, Any]]


def row_type(coding: Coding) -> type[BaseModel]:
    """A row: each column by its name, null for a missing value. A column that has missing values in the training part may be
    absent. Unknown columns are ignored, as in a table."""
    fields: dict[str, Any] = {
        f"column_{place}": (_type(column), None if column.lacks else ...) for place, column in enumerate(coding.columns)
    }
    return create_model("Row", __config__=ConfigDict(extra="ignore", populate_by_name=False), **fields)


def _type(column: ColumnCoding) -> Any:
    known = ", ".join(column.values[:MOST_VALUES]) + (" …" if len(column.values) > MOST_VALUES else "")
    about = f"{column.kind}; known: {known}" if known else ABOUT.get(column.kind, column.kind)
    usual = ["…"] if column.shape else column.values[0] if column.values else "text"
    example = EXAMPLES.get(column.kind, usual)
    has_format = bool(column.format) and column.kind != "text"
    if has_format and column.format != ISO and not column.shape:
        example = EXAMPLE_DATE.strftime(column.format) if column.kind == "date" else column.format
    field = Field(alias=column.name, title=column.name, description=about, examples=[example])
    return Annotated[TYPES.get(column.kind, list[Any]) | (str if has_format else None) | None, field]
