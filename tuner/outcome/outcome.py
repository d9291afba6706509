"""The outcome of a study as one frozen value. The terminal, `--json`, notebooks, notes and reports all read this."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import optuna

from tuner.base.decode import encode
from tuner.base.errors import StudyError, record_errors
from tuner.base.formatting import figure_text, metric_label
from tuner.recipe import Recipe, describe
from tuner.references import ReferenceModel, best_first, better_parts
from tuner.result import OBJECTIVES
from tuner.storage import StudyRecord, TrialRecord, study_record
from tuner.storage.confirmed import LOOKS, Confirmed


@dataclass(frozen=True)
class Estimate:
    """A metric with its interval. For validation the interval runs from the lowest to the highest refit; validation chose the
    model, so it is optimistic. For the test part it is the 95 % interval."""

    name: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.name} {figure_text(self.value)} ({figure_text(self.low)} to {figure_text(self.high)})"


@dataclass(frozen=True)
class Comparison:
    """Two trials after looks of one rung, the last that both have reached: the values of the `other` and of the best one, the standard
    error of their difference (0: unknown), and the `epochs` of both looks (none: they were trained to their ends)."""

    other: TrialRecord
    value: float
    best: float
    error: float = 0.0
    epochs: tuple[float, float] | None = None

    @property
    def text(self) -> str:
        """How much the best one is better, with an interval of 95 %."""
        difference = self.best - self.value
        interval = f" ± {figure_text(1.96 * self.error)}" if self.error else ""
        if self.epochs is None:
            return f"{figure_text(abs(difference))}{interval}"
        other, best = (f"{each:.2g}" for each in self.epochs)
        after = f"{best} epochs of both" if best == other else f"{best} epochs against {other}, equal shares of refits"
        return f"{figure_text(abs(difference))}{interval} after {after}"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a study. `best` is None until a trial has finished, `confirmed` until a winner is refitted and tested.

    `forecast` is the metric that twice the time is expected to add. `ended` says how the call of `optimize` ended and `seconds`
    how long it took; they are empty where the study was read from its storage. `leader` is the machine that goes on where this call
    was only a worker's.
    """

    record: StudyRecord
    best: TrialRecord | None
    confirmed: Confirmed | None
    reference_models: tuple[ReferenceModel, ...] = ()
    forecast: Estimate | None = None
    ended: str = ""
    seconds: float = 0.0
    leader: str = ""

    @property
    def final(self) -> Confirmed:
        """The final model. Raises `StudyError` while there is none."""
        if self.confirmed is None and not self.record.objectives:
            cure = "get_best_models() of a KerasTuner script returns its networks"
            raise StudyError(f"the study {self.record.name!r} is that of a script, without a final model here; {cure}")
        if self.confirmed is None:
            problem = f"the study {self.record.name!r} has no final model yet; a search that ends in time makes one"
            raise StudyError(f"{problem}: {self.record.command}")
        return self.confirmed

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of the final model; before there is one, that of the best trial."""
        if self.confirmed:
            return self.confirmed.recipe
        return self.best.recipe if self.best else None

    @property
    def best_values(self) -> Mapping[str, float]:
        """The best trial's objectives by name; where it is paused, what it has reached."""
        objectives, best = self.record.objectives, self.best
        if best is None:
            return {}
        if best.values or best.result is None:
            return dict(zip(objectives, best.values, strict=False))
        return {name: OBJECTIVES[name].of_result(best.result) for name in objectives}

    @property
    def start(self) -> TrialRecord | None:
        """The finished trial of the recipe that the study began with; None with several objectives."""
        if len(self.record.objectives) > 1:
            return None
        return next((trial for trial in self.record.trials if trial.start == 0 and trial.values), None)

    @property
    def rival(self) -> Comparison | None:
        """The best trial beside the recipe that the study began with; where that is the best one, beside the next best."""
        others = [self.start, *self.record.ranking] if self.start else []
        other = next((each for each in others if self.best and each and each.first != self.best.first), None)
        if other is None or self.best is None:
            return None
        own = {(look.length, look.folds): look for look in self.best.looks}
        for look in reversed(other.looks):
            if best := own.get((look.length, look.folds)):
                error = math.hypot(look.standard_error, best.standard_error)
                return Comparison(other, look.value, best.value, error, (look.epochs, best.epochs))
        return Comparison(other, other.values[0], next(iter(self.best_values.values())))

    @property
    def refit_improvement(self) -> float | None:
        """How much better than the start's best refit the best other refit is; None where either is missing."""
        if self.start is None or self.confirmed is None:
            return None
        refits, best = self.confirmed.contenders.items(), self.record.direction.best
        start = [value for (trial, _), values in refits if trial == self.start.number for value in values]
        others = [value for (trial, _), values in refits if trial != self.start.number for value in values]
        return self.record.direction.sign * (best(others) - best(start)) if start and others else None

    @cached_property
    def validation(self) -> Estimate | None:
        """The final model's validation metric."""
        if self.confirmed is None:
            return None
        refits, direction = self.confirmed.validation, self.confirmed.direction
        own = self.confirmed.model_validation
        value = direction.best(refits) if own is None else own
        name = f"validation {metric_label(self.confirmed.measure)}"
        return Estimate(name, value, min(*refits, value), max(*refits, value))

    @cached_property
    def test(self) -> Estimate | None:
        """The final model's test metric; None without a test part."""
        if self.confirmed is None or self.confirmed.test is None or self.confirmed.test_interval is None:
            return None
        return Estimate(
            f"test {metric_label(self.confirmed.measure)}", self.confirmed.test, *self.confirmed.test_interval
        )

    @property
    def ranked_references(self) -> tuple[ReferenceModel, ...]:
        """The reference models that have the study's metric, best first."""
        return best_first(self.reference_models, self.confirmed.measure) if self.confirmed else ()

    @property
    def better_references(self) -> tuple[ReferenceModel, ...]:
        """The reference models that are better than the final model on validation or on the test part, best first."""
        return tuple(each for each in self.ranked_references if self.better_parts(each))

    def better_parts(self, model: ReferenceModel) -> tuple[str, ...]:
        """The parts, `validation` and `test`, on which a reference model is better than the final model."""
        best = self.final
        return better_parts(model, best.measure, best.best_validation, best.test)


def read_outcome(study: optuna.Study) -> Outcome:
    """What the storage has of a study."""
    record, plain = study_record(study), study.user_attrs.get("confirmed")
    with record_errors(f"the final model of the study {study.study_name!r}"):
        confirmed = Confirmed.from_dict(plain) if plain and record.objectives else None  # a torn copy has no objectives
    if confirmed and LOOKS in study.user_attrs:
        confirmed = replace(confirmed, looks=study.user_attrs[LOOKS])
    references = stored_references(study.user_attrs, confirmed.recipe, confirmed.measure) if confirmed else ()
    return Outcome(record, next(iter(record.ranking), None), confirmed, references or ())


ENDINGS = {
    "budget": "the budget is spent",
    "timeout": "the time is up",
    "interrupt": "interrupted, everything finished is kept",
    "exhausted": "nothing is left to try",
    "enough": "more of it would bring too little",
    "refits": "longer refits promise more than further trials",
    "failures": "ended after failures in a row",
}
"""How a call of `optimize` may end, in words."""

ATTRIBUTE = "anchors"
"""Attribute of a study with its reference models: one set for each combination of data, protocol and metric."""


def stored_references(attributes: Mapping[str, Any], recipe: Recipe, metric: str) -> tuple[ReferenceModel, ...] | None:
    """The reference models on a recipe's splits, from the attributes of its study; None if none were fitted."""
    plain = attributes.get(ATTRIBUTE, {}).get(_key(recipe, metric))
    return None if plain is None else tuple(ReferenceModel(**each) for each in plain)


def store_references(study: optuna.Study, recipe: Recipe, metric: str, models: Sequence[ReferenceModel]) -> None:
    """Store the reference models on a recipe's splits."""
    known = study.user_attrs.get(ATTRIBUTE, {})
    study.set_user_attr(ATTRIBUTE, {**known, _key(recipe, metric): [asdict(each) for each in models]})


def _key(recipe: Recipe, metric: str) -> str:
    """Identifies what the scores of reference models depend on: the data's identity, the folds, the metric."""
    protocol = json.dumps(encode(recipe.protocol), sort_keys=True).encode()
    return f"{describe(recipe.data).identity}/{hashlib.sha256(protocol).hexdigest()[:16]}/{metric}"
