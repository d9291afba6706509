"""Looking at a recipe before it is trained: does it fit, will it end in time, which of many goes first."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from tuner.base.errors import Invalid
from tuner.data.examples import TrainingSet
from tuner.recipe import Recipe
from tuner.space import Assignment
from tuner.training.costs import GIB, Costs, Work, work

MOST_SORTED = 5000


@dataclass(frozen=True)
class Preflight:
    """Looks at a recipe before it is trained. `memory` is what one training process may have, in bytes."""

    data: Mapping[str, TrainingSet]
    memory: int
    costs: Costs

    def work(self, recipe: Recipe) -> Work:
        """What the recipe takes."""
        return work(recipe, self.data[recipe.data.name])

    def refusal(self, recipe: Recipe) -> str | None:
        """Why the recipe cannot be trained here: its network cannot stand on the data, or it does not fit into memory. None
        where it can."""
        try:
            needed = self.work(recipe)
        except Invalid as complaint:
            return str(complaint.inside("recipe"))
        if needed.memory <= self.memory:
            return None
        return (
            f"needs about {needed.memory / GIB:.1f} GiB of memory ({needed.parameters:,} parameters, batch "
            f"{recipe.training.batch_size}), and a training process may have {self.memory / GIB:.1f} GiB; narrow the "
            f"space, or give fewer processes more each with --workers"
        )

    def seconds(self, recipe: Recipe, epochs_done: int = 0) -> float | None:
        """Seconds that the rest of its training will take, if enough is known."""
        return self.costs.seconds(self.work(recipe), epochs_done)

    def learn(self, recipe: Recipe, seconds: float) -> None:
        """One of its epochs took so long."""
        self.costs.learn(self.work(recipe), seconds)

    def longest_first(
        self, assignments: Iterator[Assignment], recipe_at: Callable[[Assignment], Recipe]
    ) -> Iterator[Assignment]:
        """A walk in the order that keeps all workers busy to its end; one of very many points stays as it is."""

        def brevity(assignment: Assignment) -> float:
            try:
                return -self.work(recipe_at(assignment)).seconds_at_first
            except Invalid:  # told when its turn comes
                return 0.0

        first = list(islice(assignments, MOST_SORTED + 1))
        return chain(first if len(first) > MOST_SORTED else sorted(first, key=brevity), assignments)
