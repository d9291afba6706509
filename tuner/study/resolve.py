"""What a study file leaves open for its recipe: the facts of own data, what functions of the user's ask for, and the precision
`auto`, which depends on the machine."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from tuner.base.decode import decode, encode, kinds
from tuner.base.errors import Invalid, near_miss
from tuner.base.machine import fast_precision
from tuner.data.load import Log, no_log
from tuner.data.sources import Places
from tuner.networks.function import Call, Function
from tuner.networks.parts import offered_shapes
from tuner.networks.sources import PICKLED, file_at, source_at
from tuner.recipe import AnyData, describe
from tuner.recipe.data import UserData
from tuner.space import Asks, Choice, Hole, assigned, discover, fill, functions_in, parse
from tuner.space.asking import EXPLORED

PRECISIONS = ("float32", "bfloat16")
CALLBACKS = ("callbacks", "callbacks_sha256")
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
    """A plain recipe with the facts of own data, and the questions of functions, that another one has."""
    data = other.get("data", {})
    recipe = {**recipe, "data": {**recipe["data"], "found": data["found"]}} if "found" in data else recipe
    known = {_name(table): table for table in _functions(other)}
    return _without_effect_left_out(_each_function(recipe, lambda table: known.get(_name(table), table)))


def as_explored(recipe: Any, begun: Any) -> Any:
    """A plain recipe with facts, whose functions have the questions of the recipe that the study began with where exploring them was
    cut: how much it finds depends on the time."""
    known = {_name(table): table for table in _functions(begun)}

    def earlier(table: Mapping[str, Any]) -> Mapping[str, Any]:
        now, before = table["answers"], known.get(_name(table), table)["answers"]
        is_same = decode(Call, now["ask"]) == decode(Call, before["ask"]) and now["changed"] == before["changed"]
        return {**table, "answers": before} if is_same and ("cut" in now or "cut" in before) else table

    return _each_function(recipe, earlier)


def with_questions(recipe: Any, folder: Path) -> Any:
    """A plain recipe in which each function has its hash and what it asks for, which calling it has shown: each choice once, both ends
    of each range. Raises `Invalid` where there is no such function, or where it asks differently for the same answers."""
    recipe = _with_hash_of_callbacks(recipe, folder)
    return _without_effect_left_out(_each_function(recipe, lambda table: _with_questions(table, recipe, folder)))


def sources_in(recipe: Any) -> dict[str, str]:
    """The user's functions, models and weights that a plain recipe with questions names, and their hashes."""
    calls = [each.call for each in functions_in(parse(recipe, "recipe"))]
    pairs = [(each.source, each.sha256) for each in calls] + [(each.weights, each.weights_sha256) for each in calls]
    match recipe:
        case {"training": {"callbacks": str(source), "callbacks_sha256": str(sha256)}}:
            pairs.append((source, sha256))
    return {source: sha256 for source, sha256 in pairs if source}


def _with_hash_of_callbacks(recipe: Any, folder: Path) -> Any:
    training = recipe.get("training", {}) if isinstance(recipe, Mapping) else {}
    source, sha256 = (training.get(name, "") if isinstance(training, Mapping) else "" for name in CALLBACKS)
    if not isinstance(source, str) or not source or sha256 in PICKLED:
        return recipe
    try:
        found = source_at(source, folder)
    except Invalid as complaint:
        raise Invalid("recipe.training.callbacks", complaint.problem) from None
    return {**recipe, "training": {**training, **dict(zip(CALLBACKS, found, strict=True))}}


def _with_questions(table: Mapping[str, Any], recipe: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    place = "recipe.network"
    decode(Function, {**table, "answers": {}}, place)
    data = describe(decode(AnyData, fill(parse(recipe["data"], "recipe.data"), assigned({})), "recipe.data"))  # type: ignore[arg-type]
    source, sha256, changed = table["source"], table.get("sha256", ""), table.get("answers", {})
    changes = {name: parse(each, f"{place}.answers.{name}") for name, each in changed.items()}
    try:
        if sha256 not in PICKLED:
            source, sha256 = source_at(source, folder)
        files = {}
        if weights := table.get("weights"):
            path, hash_of_weights = file_at(weights, folder, "weights")
            files = {"weights": path, "weights_sha256": hash_of_weights}
        call = Call(source, sha256, offered_shapes(data.inputs), data.outputs, data.task, **files)
        asks = Asks(call, {}, changes)
        discovered, plains = discover({"answers": asks})
    except Invalid as complaint:
        raise complaint.inside("recipe" if complaint.place.startswith("network") else place) from None
    holes = {name.removeprefix("answers."): _plain(hole) for name, hole in discovered.items()}
    for name in changed.keys() - {name for each in plains for name in each["answers"]}:
        raise Invalid(f"{place}.answers.{name}", f"{source} does not ask for it; {near_miss(name, holes)}")
    questions = {
        "ask": {name: value for name, value in asdict(asks.call).items() if value},
        "holes": holes,
        "changed": changed,
        "compiled": plains[0]["found"]["compiled"],
    }
    explored = EXPLORED.get(call)
    if explored and explored.is_cut:
        questions["cut"] = f"its limit: {explored.builds} models in {explored.seconds:.0f} s"
    return {**table, "source": source, "sha256": sha256, **files, "answers": questions}


def _without_effect_left_out(recipe: Any) -> Any:
    """The recipe without holes for a loss and an optimizer where functions compile all of its networks."""
    functions = _functions(recipe)
    if not functions or not all(_is_function(each) and each["answers"]["compiled"] for each in _networks(recipe)):
        return recipe
    training = dict(recipe.get("training", {}))
    for name in {"loss", "optimizer"} & training.keys():
        training[name] = fill(parse(training[name], f"recipe.training.{name}"), assigned({}))
    return {**recipe, "training": training}


def _plain(hole: Hole) -> dict[str, Any]:
    if isinstance(hole, Choice):
        return {"choice": list(hole.options)}
    return {key: value for key, value in asdict(hole).items() if value is not None}


def _each_function(recipe: Any, change: Callable[[Mapping[str, Any]], Any]) -> Any:
    """The plain recipe with each of its tables of a function changed."""
    network = recipe.get("network") if isinstance(recipe, Mapping) else None
    if not isinstance(network, Mapping):
        return recipe
    if isinstance(network.get("one_of"), list):
        branches = [change(each) if _is_function(each) else each for each in network["one_of"]]
        return {**recipe, "network": {**network, "one_of": branches}}
    return {**recipe, "network": change(network)} if _is_function(network) else recipe


def _networks(recipe: Any) -> list[Any]:
    network = recipe.get("network") if isinstance(recipe, Mapping) else None
    branches = network.get("one_of", [network]) if isinstance(network, Mapping) else []
    return list(branches) if isinstance(branches, list) else []


def _functions(recipe: Any) -> list[Mapping[str, Any]]:
    return [each for each in _networks(recipe) if _is_function(each)]


def _name(table: Mapping[str, Any]) -> str:
    return str(table["source"]).rpartition(":")[2]


def _is_function(table: Any) -> bool:
    return isinstance(table, Mapping) and table.get("kind") == "function"


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
