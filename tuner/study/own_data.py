"""Own data that a study file names: looked at when the file is loaded, so that its recipe holds what was found."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.base.decode import decode, encode, kinds
from tuner.base.errors import Invalid
from tuner.data.load import Log, no_log
from tuner.data.sources import Places
from tuner.recipe import AnyData
from tuner.recipe.data import Own

HOLES = ("encoding", "scaling")
"""The fields of own data that a search may choose."""


def looked_at(recipe: Any, folder: Path, places: Places, log: Log = no_log) -> Any:
    """A plain recipe with holes, with what a look at its own data has found. Paths count from the `folder`. Raises `Invalid`
    where its data cannot be read as one, `DataError` for what is in the files."""
    said = recipe.get("data") if isinstance(recipe, Mapping) else None
    if not isinstance(said, Mapping) or said.get("kind") not in list(kinds(AnyData)):
        return recipe
    from tuner.data.ingest.ingest import ingest

    own: Own = decode(kinds(AnyData)[said["kind"]], _without_holes(said), "recipe.data")
    found = ingest(own, folder, places, log)
    return {**recipe, "data": {**said, "found": encode(found.found)}}


def _without_holes(said: Mapping[str, Any]) -> dict[str, Any]:
    if "found" in said:
        raise Invalid("recipe.data.found", "must be left out: it is what a look at the data tells")
    return {name: value for name, value in said.items() if name not in HOLES}


def found_again(recipe: Any, looked: Any) -> Any:
    """A plain recipe with what was found of its data in another one."""
    data = looked.get("data", {})
    return {**recipe, "data": {**recipe["data"], "found": data["found"]}} if "found" in data else recipe
