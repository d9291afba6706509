"""What a study file leaves open for its recipe: the facts of own data, and the precision `auto`, which depends on the machine."""

from collections.abc import Mapping
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from tuner.base.decode import decode, encode, kinds
from tuner.base.errors import Invalid
from tuner.base.machine import fast_precision
from tuner.data.load import Log, no_log
from tuner.data.sources import Places
from tuner.recipe import AnyData
from tuner.recipe.data import UserData

PRECISIONS = ("float32", "bfloat16")
HOLES = ("encoding", "scaling")
"""The fields of own data that a search may choose."""


def with_facts(recipe: Any, folder: Path, places: Places, log: Log = no_log) -> Any:
    """A plain recipe with holes, with the facts of its own data. Paths are relative to the `folder`. Raises `Invalid` for
    settings of the data that do not fit, `DataError` for errors in the files."""
    settings = recipe.get("data") if isinstance(recipe, Mapping) else None
    if not isinstance(settings, Mapping) or settings.get("kind") not in list(kinds(AnyData)):
        return recipe
    from tuner.data.ingest.ingest import ingest

    if "found" in settings:
        raise Invalid("recipe.data.found", "must be left out: it is read from the data")
    fixed = {name: value for name, value in settings.items() if name not in HOLES}
    own: UserData = decode(kinds(AnyData)[settings["kind"]], fixed, "recipe.data")
    return {**recipe, "data": {**settings, "found": encode(ingest(own, folder, places, log).found)}}


def with_facts_of(recipe: Any, other: Any) -> Any:
    """A plain recipe with the facts of own data that another one has."""
    data = other.get("data", {})
    return {**recipe, "data": {**recipe["data"], "found": data["found"]}} if "found" in data else recipe


def with_precision(recipe: Any, begun: Any = None, key: str = "") -> Any:
    """The recipe with each `auto` as at the same place of the recipe that the study began with (`begun`), or else as this
    machine is fast. `key` is the name of a value."""
    match recipe:
        case Mapping():
            before = begun if isinstance(begun, Mapping) else {}
            return {key: with_precision(each, before.get(key), key) for key, each in recipe.items()}
        case list():
            earlier = chain(begun if isinstance(begun, list) else [], repeat(None))
            return [with_precision(each, other) for each, other in zip(recipe, earlier, strict=False)]
        case "auto" if key == "precision":
            return begun if begun in PRECISIONS else fast_precision()
        case _:
            return recipe
