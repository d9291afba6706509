"""The study file: a recipe with holes, what is optimized, the budget, and how to search. Read by people, no code."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tuner.decode import decode, encode
from tuner.errors import Invalid, StudyError, demand, near_miss
from tuner.machine import fast_precision
from tuner.recipe import Recipe, fold_count, validated_part
from tuner.result import OBJECTIVES
from tuner.space import Ask, Assignment, Node, Script, corners, fill, override, parse, size
from tuner.study.pruners import NoPruner, check_pruner
from tuner.study.samplers import BruteForce, Budget, Confirmation, Search

SECTIONS = ("title", "objective", "budget", "search", "confirmation", "start", "recipe")


@dataclass(frozen=True)
class StudyFile:
    """A study as its file says it. `plain` is the whole file as nested data, kept with the study in the storage, so
    that a second call can be compared with the first, and another machine needs no file."""

    name: str
    title: str
    objectives: tuple[str, ...]
    budget: Budget
    search: Search
    confirmation: Confirmation
    start: tuple[Assignment, ...]
    space: Node
    plain: Mapping[str, Any]

    def fill(self, ask: Ask) -> Recipe:
        """The recipe that these answers give. Raises `Invalid` where they do not make an experiment."""
        return decode(Recipe, fill(self.space, ask), "recipe")

    @cached_property
    def corners(self) -> tuple[tuple[Assignment, Recipe], ...]:
        """The recipes at each option, both ends of each range and each branch, with what was chosen for them."""
        return tuple(self._corners())

    def _corners(self) -> Iterator[tuple[Assignment, Recipe]]:
        for given, plain in corners(self.space):
            yield given, decode(Recipe, plain, "recipe")

    @property
    def epochs(self) -> int:
        """The most epochs that a trial can have, in one fold."""
        return max(recipe.training.epochs for _, recipe in self.corners)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets that trials can use, each once."""
        return tuple(dict.fromkeys(recipe.data.name for _, recipe in self.corners))


def study_from(name: str, plain: Mapping[str, Any]) -> StudyFile:
    """The checked study that nested data describes. Raises `Invalid` with an address such as `budget.trials`."""
    for key in plain:
        if key not in SECTIONS:
            raise Invalid(key, f"unknown key; {near_miss(key, SECTIONS)}")
    if not isinstance(plain.get("recipe"), Mapping):
        raise Invalid("recipe", "missing; a study is a recipe with holes")
    plain = {**plain, "recipe": _with_precision(plain["recipe"])}
    study = StudyFile(
        name=name,
        title=decode(str, plain.get("title", name), "title"),
        objectives=_objectives(plain.get("objective", "validation_accuracy")),
        budget=decode(Budget, plain.get("budget", {}), "budget"),
        search=decode(Search, plain.get("search", {}), "search"),
        confirmation=decode(Confirmation, plain.get("confirmation", {}), "confirmation"),
        start=tuple(_start(plain.get("start", []))),
        space=parse(plain["recipe"], "recipe"),
        plain=encode(plain),
    )
    _check(study)
    return study


def _with_precision(plain: Any) -> Any:
    """A recipe says its precision; a study file may leave it (`auto`) to the machine that the study begins on."""
    if isinstance(plain, Mapping):
        resolved = {key: _with_precision(each) for key, each in plain.items()}
        return {**resolved, "precision": fast_precision()} if resolved.get("precision") == "auto" else resolved
    return [_with_precision(each) for each in plain] if isinstance(plain, list) else plain


def load(path: Path, name: str, settings: Sequence[tuple[str, Any]] = ()) -> StudyFile:
    """The study in a TOML file, with `--set` settings applied. Addresses outside `search`, `budget`, `confirmation`,
    `objective` and `title` are the recipe's. Complaints name the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from error
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path}: is not valid TOML: {error}") from error
    try:
        for address, value in settings:
            plain = override(plain, _full_address(address), value)
        return study_from(name, plain)
    except Invalid as complaint:
        raise StudyError(f"{path}: {complaint}") from None


def setting(text: str) -> tuple[str, Any]:
    """An address and its value from `address=value`; the value is read as TOML, or else as plain text."""
    address, equals, value = text.partition("=")
    if not equals or not address.strip():
        raise StudyError(f"--set {text}: must be address=value, such as training.batch_size=64")
    try:
        return address.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return address.strip(), value.strip()


def _full_address(address: str) -> str:
    root = address.partition(".")[0]
    return address if root in SECTIONS else f"recipe.{address}"


def _objectives(said: Any) -> tuple[str, ...]:
    names = decode(tuple[str, ...], [said] if isinstance(said, str) else said, "objective")
    demand(len(names) > 0, "objective", "name at least one figure", list(names))
    for name in names:
        if name not in OBJECTIVES:
            raise Invalid("objective", f"unknown figure {name!r}; {near_miss(name, OBJECTIVES)}")
    demand(len(set(names)) == len(names), "objective", "name each figure once", list(names))
    return names


def _check(study: StudyFile) -> None:
    """What only the whole file can tell: decode every corner, then see that objective and pruner can work."""
    recipes = [recipe for _, recipe in study.corners]
    for recipe in recipes:
        if validated_part(recipe.protocol) == "test":
            raise Invalid("recipe.protocol.kind", "'on_test' validates on the test part, which no search may see")
        _check_objectives(study.objectives, recipe)
    for index, assignment in enumerate(study.start):
        _check_start(study, assignment, f"start[{index}]")
    losses = sorted({recipe.training.loss.kind for recipe in recipes})
    if "validation_loss" in study.objectives and len(losses) > 1:
        problem = f"validation_loss cannot be compared between the losses {', '.join(losses)}; use validation_accuracy"
        raise Invalid("objective", problem)
    if not isinstance(study.search.pruner, NoPruner) and len(study.objectives) > 1:
        raise Invalid("search.pruner", "must be 'none' with several objectives: Optuna prunes by a single figure only")
    if isinstance(study.search.sampler, BruteForce) and math.isinf(size(study.space)):
        raise Invalid(
            "search.sampler", "'brute_force' needs a space without continuous ranges; use 'grid' or give steps"
        )
    folds = {fold_count(recipe.protocol) for recipe in recipes}
    check_pruner(study.search.pruner, study.objectives[0], study.epochs, min(folds), study.budget.trials)


def _start(said: Any) -> Iterator[Assignment]:
    if not isinstance(said, list) or not all(isinstance(each, Mapping) for each in said):
        raise Invalid("start", "must be tables of addresses and values, each under [[start]]")
    yield from (dict(each) for each in said)


def _check_start(study: StudyFile, assignment: Assignment, place: str) -> None:
    """A start names holes as Optuna does (`network.dense.widths[0]`), as many as it likes, with values that they take."""
    known: dict[str, tuple[Any, ...]] = {}
    for given, _ in corners(study.space):
        script = Script(given)
        fill(study.space, script)
        known.update(script.asked)
    for address, value in assignment.items():
        if address not in known:
            raise Invalid(f"{place}.{address}", f"no hole of the recipe has this address; {near_miss(address, known)}")
        options = known[address]
        numeric = all(type(option) in (int, float) for option in options)
        fits = min(options) <= value <= max(options) if numeric and type(value) in (int, float) else value in options
        demand(fits, f"{place}.{address}", f"be one of {', '.join(map(str, options))}, or between them", value)


def _check_objectives(objectives: tuple[str, ...], recipe: Recipe) -> None:
    for name in objectives:
        if OBJECTIVES[name].validated and validated_part(recipe.protocol) == "none":
            raise Invalid("objective", f"{name} needs a validation part, which protocol.kind 'none' does not have")
