"""A table's columns as pydantic types, so that OpenAPI documents them and input is checked."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from tuner.data.ingest.columns import Coding, ColumnCoding

TYPES: dict[str, Any] = {
    "number": float,
    "boolean": bool | int | str,
    "category": str | int | float | bool,
    "date": str,
    "text": str,
}
EXAMPLES: dict[str, Any] = {"number": 1.5, "boolean": True, "date": "2024-12-31"}
SHOWN = 20


def row_type(coding: Coding) -> type[BaseModel]:
    """A row: each column by its name, null for nothing there; one that the training part lacks in some rows may be left out.
    Unknown columns are ignored, as a table's are."""
    fields: dict[str, Any] = {
        f"column_{place}": (_type(column), None if column.lacks else ...) for place, column in enumerate(coding.columns)
    }
    return create_model("Row", __config__=ConfigDict(extra="ignore", populate_by_name=False), **fields)


def _type(column: ColumnCoding) -> Any:
    known = ", ".join(column.values[:SHOWN]) + (" …" if len(column.values) > SHOWN else "")
    told = f"{column.kind}; known: {known}" if known else column.kind
    example = EXAMPLES.get(column.kind, column.values[0] if column.values else "text")
    return Annotated[
        TYPES[column.kind] | None, Field(alias=column.name, title=column.name, description=told, examples=[example])
    ]


def plain(row: BaseModel) -> dict[str, Any]:
    """The row's values by the names of their columns."""
    return row.model_dump(by_alias=True)
