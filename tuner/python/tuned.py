"""The outcome of a study for Python: its best recipe, trials, metrics and model. A notebook shows it as a card."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.base.errors import StudyError, near_miss
from tuner.base.metric_functions import compute_metrics
from tuner.base.metrics import main_metric
from tuner.data.ingest.targets import labels_of
from tuner.data.sources import Places
from tuner.outcome import Estimate, Outcome
from tuner.outcome.words import lines
from tuner.python.card import card
from tuner.python.examples import examples_of, inputs_of
from tuner.recipe import Recipe
from tuner.storage import StudyRecord, TrialRecord, default_url
from tuner.storage.confirmed import Confirmed
from tuner.training import load

if TYPE_CHECKING:
    from tuner.deploy.predictor import Predictions, Predictor


@dataclass(frozen=True)
class Tuned:
    """A study as it was when it was read from its storage in the folder `runs`."""

    outcome: Outcome
    runs: Path = Path("runs")

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
    def best_params(self) -> Mapping[str, Any]:
        """What the search chose for `best_recipe`, by the address of each hole. Empty while no trial has finished."""
        winner = self.confirmed.trial if self.confirmed else self.outcome.best and self.outcome.best.number
        return next((dict(trial.params) for trial in self.record.trials if winner in trial.numbers), {})

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
        load()
        from tuner.deploy.predictor import Predictor

        return Predictor.load(self.model)

    def predict(self, x: Any) -> Any:
        """The most probable classes (n,), as numbers or truths where all are; labels 0 and 1 (n, labels); numbers (n,) or (n, targets);
        or, for targets of your own, the outputs (n, ...) of the network's function, several ones by name. `x` is as for `optimize`: frames by the names of their columns, arrays by place. Raises `TunerError` for data
        that do not fit the model.

        >>> tuned.predict([[5.1, 3.5, 1.4, 0.2]])  # doctest: +SKIP
        """
        predictions = self._predictions(x)
        if predictions.task == "custom":
            return predictions.outputs
        if predictions.task == "regression":
            return predictions.values[:, 0] if len(predictions.names) == 1 else predictions.values
        if predictions.task == "multi_label":
            return predictions.labels
        return _class_values(predictions.names)[predictions.labels]

    def predict_proba(self, x: Any) -> NDArray[np.float64]:
        """Probabilities (n, classes) in the order of `predictor.output.names`, or (n, labels). Raises `TunerError` as `predict`, and
        for a model that predicts numbers."""
        predictions = self._predictions(x)
        if predictions.task in ("regression", "custom"):
            raise StudyError(f"{self.name}: predicts numbers, which have no probabilities: use `predict`")
        return predictions.values.astype(np.float64)

    def score(self, x: Any, y: Any, metric: str = "") -> float:
        """A metric on new data: by default accuracy, R², or the macro F1 of labels. `y` is as for `optimize`."""
        if self.predictor.output.task == "custom":
            raise StudyError(
                f"{self.name}: has targets of your own, whose metrics its function computes: use `figures`"
            )
        examples = examples_of(x, y)
        predictions = self._predictions(examples.x if isinstance(y, str) else x)
        true = labels_of(predictions.task, examples.y, predictions.names, examples.where)
        figures = compute_metrics(predictions.task, predictions.values, true)
        name = metric or main_metric(predictions.task)
        if name not in figures:
            raise StudyError(f"there is no metric {name!r} of {predictions.task}; {near_miss(name, figures)}")
        return float(figures[name])

    def report(self, out: str | Path | None = None) -> Path:
        """Write the report into a folder, ./reports/NAME by default; the path of its HTML page."""
        from tuner.report.write import write_report

        folder = Path(out or Path("reports") / self.name)
        documents = Path("reports") / "documents"
        write_report(default_url(self.runs), self.name, documents, Places.from_environment(), folder, self.runs)
        return folder / "report.html"

    def _predictions(self, x: Any) -> "Predictions":
        columns = self.predictor.columns
        inputs = inputs_of(x, columns, stays_array=not columns)
        return self.predictor.predict(inputs if columns else np.asarray(inputs))

    def __str__(self) -> str:
        return "\n".join(lines(self.outcome))

    def __repr__(self) -> str:
        figures = ", ".join(map(str, self.figures)) or "no model yet"
        count = self.record.count("complete", "pruned")
        return f"<Tuned {self.name}: {count} trial{'s' * (count != 1)}, {figures}>"

    def _repr_html_(self) -> str:
        return card(self.outcome)

    def __dir__(self) -> Iterable[str]:
        return [name for name in super().__dir__() if not name.startswith("_")]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "predictor"}


def _row(trial: TrialRecord, objectives: tuple[str, ...]) -> dict[str, object]:
    objectives, result = objectives or ("value",), trial.result
    values = dict(zip(objectives, trial.values, strict=False))
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


def _class_values(names: Sequence[str]) -> NDArray[Any]:
    """The classes as numbers where all names are whole numbers, as truths where they are True and False."""
    texts = np.array(names)
    if set(names) == {"True", "False"}:
        return np.array([name == "True" for name in names])
    with suppress(ValueError):
        numbers = texts.astype(np.int64)
        return numbers if (numbers.astype(str) == texts).all() else texts
    return texts
