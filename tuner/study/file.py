"""A study as its file says it: a recipe with holes, what is optimized, the budget, and how to search."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tuner.base.decode import decode
from tuner.base.errors import Invalid
from tuner.recipe import AnyData, Recipe
from tuner.space import Ask, Assignment, Node, corners, fill, parse
from tuner.study.fit import Unbuildable, unbuildable
from tuner.study.own_data import found_again
from tuner.study.precision import resolve
from tuner.study.settings import Budget, Confirmation, Search


@dataclass(frozen=True)
class StudyFile:
    """A study as its file says it. `plain` is the whole file as nested data; `resolved` is the same without any `auto`,
    kept with the study in the storage, so that a second call can be compared with the first, and another machine needs
    no file."""

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
        """The same study where it goes on: each `auto` as it was resolved when the study began, in `stored`."""
        recipe = resolve(self.plain["recipe"], stored.get("recipe"))
        return replace(self, resolved={**self.plain, "recipe": found_again(recipe, self.resolved["recipe"])})

    @cached_property
    def space(self) -> Node:
        """The recipe with its holes."""
        return parse(self.resolved["recipe"], "recipe")

    def fill(self, ask: Ask) -> Recipe:
        """The recipe that these answers give. Raises `Invalid` where they do not make an experiment."""
        return decode(Recipe, fill(self.space, ask), "recipe")

    @cached_property
    def corners(self) -> tuple[tuple[Assignment, Recipe], ...]:
        """The recipes at each option, both ends of each range and each branch, with what was chosen for them."""
        return tuple(self._corners())

    def _corners(self) -> Iterator[tuple[Assignment, Recipe]]:
        try:
            for given, plain in corners(self.space):
                yield given, decode(Recipe, plain, "recipe")
        except Invalid as complaint:
            inside = complaint.place.startswith("recipe")  # the decoder's; the space does not know where it stands
            raise complaint if inside else complaint.inside("recipe") from None

    @property
    def epochs(self) -> int:
        """The most epochs that a trial can have, in one fold."""
        return max(recipe.training.epochs for _, recipe in self.corners)

    @property
    def fits_epochs(self) -> bool:
        """Whether the minutes decide how many epochs a trial has."""
        return self.budget.epochs == "fit"

    @property
    def data(self) -> tuple[AnyData, ...]:
        """The data that trials can use, each once by its name."""
        return tuple({recipe.data.name: recipe.data for _, recipe in self.corners}.values())

    @property
    def datasets(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(data.name for data in self.data)

    @cached_property
    def unbuildable(self) -> Unbuildable | None:
        """What of the space has networks that cannot stand on their data; None where the network of every corner can."""
        return unbuildable(self.space, [recipe for _, recipe in self.corners])
