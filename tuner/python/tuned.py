"""What came of a study, as a value: its best recipe, its trials, its figures, its model; it shows itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tuner.base.errors import StudyError
from tuner.base.formatting import metric_label
from tuner.recipe import Recipe
from tuner.storage import StudyRecord
from tuner.storage.confirmed import Confirmed

if TYPE_CHECKING:
    from tuner.deploy.predictor import Predictor


@dataclass(frozen=True)
class Figure:
    """A figure of the model, from `low` to `high`: of validation between the lowest and the highest of the seeds that the winner
    was trained with again, of the test part with its 95 % interval. Those of validation had a part in choosing the model."""

    name: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.name} {self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True)
class Tuned:
    """A study as far as it is, read from its storage: it does not change where the study goes on. `confirmed` is None where no
    winner has been trained again yet."""

    record: StudyRecord
    confirmed: Confirmed | None

    @property
    def name(self) -> str:
        """The study's name."""
        return self.record.name

    @property
    def best_recipe(self) -> Recipe | None:
        """The recipe of the model; before one is confirmed, that of the best trial. None where no trial has finished."""
        if self.confirmed:
            return self.confirmed.recipe
        return self.record.best.recipe if self.record.best else None

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The model's figures in the study's measure: validation, and test where there is a test part."""
        return tuple(self._figures())

    def _figures(self) -> Iterator[Figure]:
        known = self.confirmed
        if known is None:
            return
        best = known.direction.best(known.validation)
        value = best if known.model_validation is None else known.model_validation
        figure, seeds = metric_label(known.measure), (*known.validation, value)
        yield Figure(f"validation {figure}", value, min(seeds), max(seeds))
        if known.test is not None and known.test_interval is not None:
            yield Figure(f"test {figure}", known.test, *known.test_interval)

    @property
    def trials(self) -> pd.DataFrame:
        """A row for each training: how it ended, its figures, its network in words, and what was chosen for it."""
        names = self.record.objectives
        rows = []
        for trial in self.record.trials:
            values = dict(zip(names, trial.values, strict=False))
            result = trial.result
            rows.append(
                {"number": trial.number, "state": trial.state}
                | {name: values.get(name) for name in names}
                | {
                    "recipe": trial.recipe.summary if trial.recipe else "",
                    "parameters": result.parameters if result else None,
                    "epochs": result.epochs if result else None,
                    "seconds": result.seconds if result else None,
                }
                | dict(trial.params)
            )
        return pd.DataFrame(rows)

    @property
    def model(self) -> Path:
        """The model's file. Raises `StudyError` where there is none yet."""
        if self.confirmed is None:
            raise StudyError(f"the study {self.name!r} has no model yet: no winner is confirmed")
        return self.confirmed.model

    @cached_property
    def predictor(self) -> "Predictor":
        """The model, loaded, with what its outputs mean. Raises as `model`, or `DataError` where its file is gone."""
        from tuner.deploy.predictor import Predictor

        return Predictor.load(self.model)

    def __repr__(self) -> str:
        return "\n".join(told(self))

    def _repr_html_(self) -> str:
        from tuner.python.card import card

        return card(self)


def told(tuned: Tuned) -> Iterator[str]:
    """What a terminal shows, line by line."""
    record = tuned.record
    yield f"study {tuned.name}: {record.count('complete')} trials finished, {record.count('pruned')} pruned"
    if tuned.best_recipe:
        yield f"best recipe: {tuned.best_recipe.summary}"
    yield from map(str, tuned.figures)
    if tuned.confirmed:
        yield f"model: {tuned.confirmed.model}"
    if tuned.confirmed and tuned.confirmed.test is None:
        yield tuned.confirmed.tested_in_words
