"""The outcome of a study for Python: its best recipe, trials, metrics and model. A notebook shows it as a card."""

from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tuner.charts import BLUE, VERMILION, Axis, Chart, Dots, Line
from tuner.charts.colors import DARK, LIGHT, variables
from tuner.charts.svg import draw
from tuner.outcome import Estimate, Outcome
from tuner.outcome.words import lines
from tuner.recipe import Recipe
from tuner.storage import StudyRecord, TrialRecord
from tuner.storage.confirmed import Confirmed

if TYPE_CHECKING:
    from tuner.deploy.predictor import Predictor

CLASS = "tuner-card"
STYLE = (
    f".{CLASS}{{{variables(LIGHT)}color:var(--ink);background:var(--paper);border:1px solid var(--line);border-radius:6px;"
    "padding:10px 14px;max-width:580px;font:14px/1.5 system-ui,sans-serif}"
    f"@media(prefers-color-scheme:dark){{.{CLASS}{{{variables(DARK)}}}}}"
    f".{CLASS} p{{margin:0;color:var(--ink)}}.{CLASS} svg{{width:100%;height:auto}}"
)


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
        return self.outcome.final.model

    @cached_property
    def predictor(self) -> "Predictor":
        """The loaded model. Raises `StudyError` while there is none, `DataError` where its file is gone."""
        from tuner.deploy.predictor import Predictor

        return Predictor.load(self.model)

    def __repr__(self) -> str:
        return "\n".join(lines(self.outcome))

    def _repr_html_(self) -> str:
        """A card with the outcome and a chart of the trials, as self-contained HTML."""
        first, *others = lines(self.outcome)
        text = "".join(f"<p>{escape(line)}</p>" for line in others)
        chart = draw(_history(self.record)) if self.record.finished else ""
        return f'<style>{STYLE}</style><div class="{CLASS}"><p><b>{escape(first)}</b></p>{text}{chart}</div>'


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


def _history(record: StudyRecord) -> Chart:
    """The finished trials in the order in which they began, and the best value so far."""
    numbers, values = zip(*((float(trial.number), trial.values[0]) for trial in record.finished), strict=True)
    best = accumulate(values, lambda before, value: record.direction.best((before, value)))
    marks = (
        Dots("finished", BLUE, tuple(zip(numbers, values, strict=True)), tuple(map(_tip, record.finished))),
        Line("best so far", VERMILION, tuple(zip(numbers, best, strict=True)), step=True),
    )
    axes = Axis("trial", integers=True), Axis(record.objectives[0].replace("_", " "))
    return Chart("history", "Every trial", *axes, marks, height=240)


def _tip(trial: TrialRecord) -> str:
    return f"trial {trial.number}: {trial.values[0]:.4g}, {trial.recipe.summary if trial.recipe else ''}"
