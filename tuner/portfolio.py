"""A small set of recipes that complement each other across data sets: for searches on new data to begin with.

Each candidate, one of the best of the studies that are given, is trained on the data of all of them for the same time. Then
recipes are chosen one by one: the one that brings down most the mean, over the data sets, of the best regret of those
chosen (as Feurer et al. 2022, arXiv 2007.04074, make theirs). A regret is an error divided by the lowest on that data.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tuner.base.decode import encode
from tuner.recipe import Data, Protocol, Recipe
from tuner.refit.candidates import lengthened, standing
from tuner.result import Result
from tuner.storage import StudyRecord
from tuner.worker import perform
from tuner.worker.executor import Executor
from tuner.worker.jobs import Pace, Train

OF_EACH = 3
"""Candidates of each study: its best trials."""

Errors = Mapping[int, Mapping[str, float]]
"""Of each candidate its validation error on each data set."""


@dataclass(frozen=True)
class Ground:
    """Where candidates are tried: a data set and how it is validated."""

    data: Data
    protocol: Protocol
    epochs: int


@dataclass(frozen=True)
class Chosen:
    """A recipe of the portfolio: from which study it is, its errors, and the mean regret of all that are chosen up to it."""

    origin: str
    recipe: Recipe
    errors: Mapping[str, float]
    regret: float

    @property
    def plain(self) -> dict[str, Any]:
        """What the file keeps: nothing of the data."""
        said = encode(self.recipe)
        return {
            "origin": self.origin,
            "errors": dict(self.errors),
            **{name: said[name] for name in ("network", "training")},
        }


def candidates(records: Sequence[StudyRecord]) -> tuple[tuple[str, Recipe], ...]:
    """The best recipes of each study, with the study's data set."""
    found = [
        (trial.recipe.data.name, trial.recipe) for each in records for trial in standing(each)[:OF_EACH] if trial.recipe
    ]
    return tuple(found)


def measured(
    tried: Sequence[Recipe], grounds: Sequence[Ground], seconds: float, executor: Executor, said: Callable[[str], None]
) -> Errors:
    """Each recipe's validation error on each ground after so many seconds of training; without those that failed there."""
    jobs = [(index, ground) for index in range(len(tried)) for ground in grounds]
    moved = [
        replace(
            tried[index],
            data=ground.data,
            protocol=ground.protocol,
            training=replace(tried[index].training, epochs=ground.epochs),
        )
        for index, ground in jobs
    ]
    paces = dict(perform(executor, [Pace(each) for each in moved]))
    fitted = {
        place: lengthened(each, seconds, pace, each.training.epochs)
        for place, each in enumerate(moved)
        if isinstance(pace := paces[place], float)
    }
    errors: dict[int, dict[str, float]] = {index: {} for index in range(len(tried))}
    places = list(fitted)
    for number, answer in perform(executor, [Train(fitted[place]) for place in places]):
        index, ground = jobs[places[number]]
        if isinstance(answer, Result) and answer.validation is not None and answer.ended != "diverged":
            errors[index][ground.data.name] = 1 - answer.validation.accuracy
            said(f"candidate {index} on {ground.data.name}: {answer.validation.accuracy:.4f}")
    return errors


def chosen(tried: Sequence[tuple[str, Recipe]], errors: Errors, most: int) -> Iterator[Chosen]:
    """Candidates one by one, as long as each makes the mean regret lower."""
    names = {name for each in errors.values() for name in each}
    lowest = {name: max(1e-4, min(each[name] for each in errors.values() if name in each)) for name in names}
    best = dict.fromkeys(names, float("inf"))
    left = [index for index, each in errors.items() if names <= each.keys()]
    regret = float("inf")
    for _ in range(min(most, len(left))):
        together = {index: _with(best, errors[index], lowest) for index in left}
        index = min(left, key=lambda each: sum(together[each].values()))
        now = sum(together[index].values()) / len(names)
        if not now < regret:
            return
        best, regret = together[index], now
        left.remove(index)
        origin, recipe = tried[index]
        yield Chosen(origin, recipe, errors[index], regret)


def _with(best: Mapping[str, float], errors: Mapping[str, float], lowest: Mapping[str, float]) -> dict[str, float]:
    return {name: min(regret, errors[name] / lowest[name]) for name, regret in best.items()}
