"""A search replayed on recorded curves, in simulated seconds: so many workers, each look costs what it cost when it was recorded.

A strategy sees one half of the validation part. The recipe that it trains at full length in the end, whose cost the search leaves
from its budget, is judged on all of it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from recorded import SHARES, Candidate, Recording

Figure = Literal["errors", "losses"]
SMALLEST = 1e-3
"""An error of 0 on some hundred examples counts as this one."""


@dataclass(frozen=True)
class Pool:
    """The recipes of a set that were recorded up to the length 1/`longest`. What to choose by is their `figure`; tracing takes
    `overhead` times the recorded seconds."""

    name: str
    candidates: tuple[Candidate, ...]
    longest: int
    figure: Figure
    overhead: float = 1.0

    @property
    def shares(self) -> tuple[int, ...]:
        """The lengths, the shortest first."""
        return SHARES[: SHARES.index(self.longest) + 1]

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The study's starts."""
        return tuple(index for index, each in enumerate(self.candidates) if each.name.startswith("start"))

    def figure_of(self, index: int, share: float, half: int) -> float:
        """The figure on a half (1 or 2) of the validation part, between recorded lengths by a power law."""
        shares, _, figures = self._curves[index]
        return float(np.exp(np.interp(-math.log(share), shares, figures[half])))

    def seconds_of(self, index: int, share: float) -> float:
        """Seconds of a training of 1/`share`, without tracing."""
        shares, seconds, _ = self._curves[index]
        return float(np.exp(np.interp(-math.log(share), shares, seconds)))

    def cost(self, index: int, share: float) -> float:
        """The same with tracing."""
        return self.overhead * self.candidates[index].overhead + self.seconds_of(index, share)

    @cached_property
    def noise(self) -> dict[int, float]:
        """By length, the deviation of the logarithm of a figure that comes from which half is validated."""
        found = {}
        for share in self.shares:
            pairs = [[self.figure_of(index, share, half) for half in (1, 2)] for index in range(len(self.candidates))]
            halves = np.log(pairs)
            found[share] = float(np.std(halves[:, 0] - halves[:, 1], ddof=1)) / math.sqrt(2)
        return found

    @cached_property
    def scale(self) -> tuple[float, float]:
        """The figures at full length of the best recipe and of the median one."""
        figures = sorted(self.figure_of(index, self.longest, 0) for index in range(len(self.candidates)))
        return figures[0], float(np.median(figures))

    @cached_property
    def _curves(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
        found = []
        for each in self.candidates:
            looks = sorted((look for look in each.looks if look.seed == 0), key=lambda look: -look.share)
            shares = -np.log([look.share for look in looks])
            seconds = np.log([look.seconds for look in looks])
            figures = np.log([[max(value, SMALLEST) for value in getattr(look, self.figure)] for look in looks])
            found.append((shares, seconds, figures.T))
        return found

    @cached_property
    def places(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """The recipes' parameters: numbers (n, numbers) in 0..1 or NaN where a recipe has none, choices (n, choices) as codes
        or -1, and how many options each choice has."""
        addresses = sorted({address for each in self.candidates for address in each.at})
        columns = [[each.at.get(address) for each in self.candidates] for address in addresses]
        numbers = [column for column in columns if not any(isinstance(each, str) for each in column)]
        choices = [column for column in columns if any(isinstance(each, str) for each in column)]
        options = [sorted({str(each) for each in column if each is not None}) for column in choices]
        codes = [
            [-1 if each is None else names.index(str(each)) for each in column]
            for column, names in zip(choices, options, strict=True)
        ]
        floats = np.array(numbers, dtype=np.float64).reshape(len(numbers), len(self.candidates))
        whole = np.array(codes, dtype=np.int64).reshape(len(codes), len(self.candidates))
        return floats.T, whole.T, np.array([len(each) for each in options], dtype=np.int64)

    @cached_property
    def distances(self) -> NDArray[np.float64]:
        """Squared distances (n, n): of numbers squared differences, of different choices a quarter; so where one has none."""
        numbers, codes, _ = self.places
        absent = np.isnan(numbers)
        gaps = np.nan_to_num(numbers)[:, None] - np.nan_to_num(numbers)[None]
        one = absent[:, None] != absent[None]
        both = absent[:, None] | absent[None]
        total = np.where(both, 0.25 * one, gaps**2).sum(axis=2)
        return np.asarray(total + 0.25 * (codes[:, None] != codes[None]).sum(axis=2))


def pool(recording: Recording, figure: Figure, fewest: int, *, cold: bool, overhead: float = 1.0) -> Pool:
    """The recipes that can be replayed: those that were trained to the longest length that enough of them have. A cold pool
    has no starts."""
    longest, candidates = recording.complete(fewest)
    kept = tuple(each for each in candidates if not (cold and each.name.startswith("start")))
    return Pool(recording.name, kept, longest, figure, overhead)


@dataclass(frozen=True)
class Action:
    """A recipe trained up to a rung: the length 1/`share`, the seconds that it costs, and those of proposing it."""

    index: int
    rung: int
    share: float
    seconds: float
    proposing: float = 0.0


@dataclass
class State:
    """What a strategy may know: its time and budget, the figures of finished looks by rung and recipe, what has begun."""

    pool: Pool
    budget: float
    half: int
    random: np.random.Generator
    time: float = 0.0
    observed: dict[int, dict[int, float]] = field(default_factory=dict)
    begun: set[tuple[int, int]] = field(default_factory=set)
    memory: dict[str, Any] = field(default_factory=dict)

    def unknown(self) -> list[int]:
        """The recipes that have not been looked at."""
        known = {index for index, _ in self.begun}
        return [index for index in range(len(self.pool.candidates)) if index not in known]

    def best(self) -> int | None:
        """The best at the highest rung."""
        if not self.observed:
            return None
        top = self.observed[max(self.observed)]
        return min(top, key=lambda index: (top[index], index))

    @property
    def reserved(self) -> float:
        """Seconds that the refit of the best needs."""
        best = self.best()
        return 0.0 if best is None else self.pool.cost(best, self.pool.longest)


Strategy = Callable[[State], Action | None]
"""What a free worker does next; None for nothing until another look ends."""

Choice = Callable[[State], list[int]]
"""The recipes to train at full length, the best first."""


def by_rungs(state: State) -> list[int]:
    """All recipes that were looked at: those of the highest rung first, the better ones first."""
    order: list[int] = []
    for rung in sorted(state.observed, reverse=True):
        there = state.observed[rung]
        order += sorted((index for index in there if index not in order), key=lambda index: (there[index], index))
    return order


@dataclass(frozen=True)
class Outcome:
    """How a search ended: the figure of its recipe on all of the validation part, and how many looks and recipes it had."""

    figure: float
    looks: int
    recipes: int


def replay(
    strategy: Strategy, pool: Pool, budget: float, seed: int, *, workers: int = 2, choice: Choice = by_rungs
) -> Outcome:
    """One search with one seed."""
    half = 1 + seed % 2
    state = State(pool, budget, half, np.random.default_rng([seed, 7]))
    busy: list[tuple[float, int, Action]] = []
    free, looks = workers, 0
    while True:
        while free and (action := _affordable(strategy, state)):
            free, looks = free - 1, looks + 1
            state.begun.add((action.index, action.rung))
            heappush(busy, (state.time + action.proposing + action.seconds, looks, action))
        if not busy:
            break
        state.time, _, action = heappop(busy)
        free += 1
        value = pool.figure_of(action.index, action.share, half)
        state.observed.setdefault(action.rung, {})[action.index] = value
    return Outcome(_refitted(state, choice(state), 0), looks, len({index for index, _ in state.begun}))


def _affordable(strategy: Strategy, state: State) -> Action | None:
    """The strategy's next look, if the refit of the best still fits after it."""
    action = strategy(state)
    if action is None or state.time + action.proposing + action.seconds + state.reserved > state.budget:
        return None
    return action


def _refitted(state: State, ranking: list[int], half: int) -> float:
    """The judged figure of the first recipe that can be trained at full length in the time left; where there is none, of the
    first one at the length that fits."""
    pool, left = state.pool, state.budget - state.time
    for index in ranking:
        if pool.cost(index, pool.longest) <= left:
            return pool.figure_of(index, pool.longest, half)
    for index in ranking or state.pool.starts or (0,):
        for share in reversed(pool.shares):
            if pool.cost(index, share) <= left:
                return pool.figure_of(index, share, half)
    return pool.figure_of((ranking or [0])[0], pool.shares[0], half)
