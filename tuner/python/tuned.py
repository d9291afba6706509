"""What came of a study, for Python: its best recipe, trials, metrics and model. It shows itself in a notebook."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tuner.base.errors import StudyError
from tuner.outcome import Estimate, Outcome
from tuner.outcome.words import lines
from tuner.recipe import Recipe
from tuner.storage import StudyRecord, TrialRecord
from tuner.storage.confirmed import Confirmed

if TYPE_CHECKING:
    from tuner.deploy.predictor import Predictor


@dataclass(frozen=True)
class Tuned:
    """A study as it was when it was read from its storage."""

    outcome: Outcome

    @property
    def name(self) -> str:
        """The study's name."""
        return self.record.name

    @property
    def record(self) -> StudyRecord:
        """The study with all its trials, as the storage has it."""
        return self.outcome.record

    @property
    def confirmed(self) -> Confirmed | None:
        """The winner after its refits and its test; None before them."""
        return self.outcome.confirmed

    @property
    def best_recipe(self) -> Recipe | None:
        """The recipe of the model; before there is a model, that of the best trial. None while no trial has finished."""
        return self.outcome.recipe

    @property
    def figures(self) -> tuple[Estimate, ...]:
        """The model's metrics: validation, and test if there is a test part."""
        return tuple(each for each in (self.outcome.validation, self.outcome.test) if each)

    @property
    def trials(self) -> pd.DataFrame:
        """A row for each training: its state, its objectives, a summary of its recipe, its costs, its parameters."""
        return pd.DataFrame([_row(trial, self.record.objectives) for trial in self.record.trials])

    @property
    def model(self) -> Path:
        """The model's file. Raises `StudyError` while there is none."""
        if self.confirmed is None:
            raise StudyError(f"the study {self.name!r} has no model yet: no winner is confirmed")
        return self.confirmed.model

    @cached_property
    def predictor(self) -> "Predictor":
        """The loaded model. Raises `StudyError` while there is none, `DataError` where its file is gone."""
        from tuner.deploy.predictor import Predictor

        return Predictor.load(self.model)

    def __repr__(self) -> str:
        return "\n".join(lines(self.outcome))

    def _repr_html_(self) -> str:
        from tuner.python.notebook import card

        return card(self.outcome)


def _row(trial: TrialRecord, objectives: tuple[str, ...]) -> dict[str, object]:
    values, result = dict(zip(objectives, trial.values, strict=False)), trial.result
    return {
        "number": trial.number,
        "state": trial.state,
        **{name: values.get(name) for name in objectives},
        "recipe": trial.recipe.summary if trial.recipe else "",
        "parameters": result.parameters if result else None,
        "epochs": result.epochs if result else None,
        "seconds": result.seconds if result else None,
        **trial.params,
    }
