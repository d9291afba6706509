"""A study as its file describes it: a recipe with holes, the objectives, the budget, and how to search."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tuner.base.decode import decode
from tuner.base.errors import Invalid
from tuner.recipe import AnyData, Recipe
from tuner.space import Ask, Assignment, Hole, Node, answers_of, assigned, corners, fill, filling, parse
from tuner.study.buildable import Unbuildable, unbuildable
from tuner.study.resolve import as_explored, with_facts_of, with_precision
from tuner.study.settings import Budget, Confirmation, Search


@dataclass(frozen=True)
class StudyFile:
    """A study as its file describes it. `plain` is the whole file as nested data; `resolved` is the same without any `auto`
    and with the facts of own data. The storage keeps it with the study, so that a second call can be compared with the first,
    and another machine needs no file."""

    name: str
    title: str
    objectives: tuple[str, ...]
    budget: Budget
    search: Search
    confirmation: Confirmation
    start: tuple[Assignment, ...]
    plain: Mapping[str, Any]
    resolved: Mapping[str, Any]

    def as_begun(self, stored: Mapping[str, Any]) -> "StudyFile":
        """The same study when it continues: each `auto` as it was resolved when the study began, in `stored`."""
        recipe = with_precision(self.plain["recipe"], stored.get("recipe"))
        facts = as_explored(self.resolved["recipe"], stored.get("recipe"))
        return replace(self, resolved={**self.plain, "recipe": with_facts_of(recipe, facts)})

    @cached_property
    def space(self) -> Node:
        """The recipe with its holes."""
        return parse(self.resolved["recipe"], "recipe")

    def fill(self, trial: Ask) -> Recipe:
        """The recipe that a trial's answers make. Raises `Invalid` where they do not fit together."""
        return decode(Recipe, fill(self.space, answers_of(trial)), "recipe")

    def recipe_at(self, assignment: Assignment) -> Recipe:
        """The recipe of an assignment. Raises `Invalid` where its answers do not fit together."""
        return decode(Recipe, fill(self.space, assigned(assignment)), "recipe")

    @cached_property
    def corners(self) -> tuple[tuple[Assignment, Recipe], ...]:
        """The recipes at each option, both ends of each range and each branch, with their assignments."""
        try:
            return tuple((assignment, decode(Recipe, plain, "recipe")) for assignment, plain in corners(self.space))
        except Invalid as complaint:
            inside = complaint.place.startswith("recipe")  # from the decoder; the space does not know its own address
            raise complaint if inside else complaint.inside("recipe") from None

    @cached_property
    def holes(self) -> dict[str, Hole]:
        """The holes that the corners meet, by address."""
        met = (filling(self.space, assigned(assignment)).holes for assignment, _ in self.corners)
        return {address: hole for holes in met for address, hole in holes.items()}

    @cached_property
    def epochs(self) -> int:
        """The most epochs that a trial can have, in one fold."""
        return max(recipe.training.epochs for _, recipe in self.corners)

    @property
    def fits_epochs(self) -> bool:
        """Whether the minutes decide how many epochs a trial gets."""
        return self.budget.epochs == "fit"

    @property
    def data(self) -> tuple[AnyData, ...]:
        """The data that trials can use, each once by its name."""
        return tuple({recipe.data.name: recipe.data for _, recipe in self.corners}.values())

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data."""
        return tuple(data.name for data in self.data)

    @cached_property
    def unbuildable(self) -> Unbuildable | None:
        """The part of the space whose networks do not fit the data; None where the network of every corner fits."""
        return unbuildable(self.space, [recipe for _, recipe in self.corners])
