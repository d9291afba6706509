"""A confirmed winner: refitted and tested, as stored and written next to its model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import optuna

from tuner.base.decode import encode
from tuner.base.metric_functions import Interval
from tuner.base.metrics import METRICS, Direction
from tuner.recipe import Recipe, Views


@dataclass(frozen=True)
class Confirmed:
    """A winner with its scores in one metric (`measure`): `validation` of each refit, `test` of the final model with its 95 %
    interval, and all other `test_figures`. One entry per refit: `seeds`, `recipes`, `trials` (the numbers of the trials they come
    from), `tests`, and `curves` (learning curves of the first fold by metric). `predictions` is a file with the test outputs of
    each refit, and of the final model if it is an ensemble.

    `members` are the places of the refits that the final model averages; one alone is the best by validation. `networks` counts its
    networks: after cross-validation a refit has one for each fold and one trained on everything. With `is_mirrored`
    and `is_shifted` it also averages over those `views` of an image; its probabilities are those at a `temperature`.
    `model_validation` is the final model's validation metric (on the examples that chose members and temperature; after
    cross-validation each example by one network of each refit), `parameters` its size.

    `best_trial` is the number of the trial that led the search, `test_intervals` are those of the test figures by metric. `looks`
    counts how often the study has opened its test part for a final model; an older version did not count (0)."""

    trial: int
    recipe: Recipe
    seeds: tuple[int, ...]
    validation: tuple[float, ...]
    test: float | None
    test_loss: float | None
    test_interval: tuple[float, float] | None
    test_examples: int
    model: Path
    tests: tuple[float, ...] = ()
    curves: tuple[Mapping[str, Any], ...] = ()
    predictions: Path | None = None
    members: tuple[int, ...] = ()
    networks: int = 1
    recipes: tuple[Recipe, ...] = ()
    trials: tuple[int, ...] = ()
    is_mirrored: bool = False
    is_shifted: bool = False
    temperature: float = 1.0
    model_validation: float | None = None
    parameters: int = 0
    measure: str = "accuracy"
    test_figures: Mapping[str, float] = field(default_factory=dict)
    test_intervals: Mapping[str, Interval] = field(default_factory=dict)
    best_trial: int | None = None
    looks: int = 0

    @property
    def is_ensemble(self) -> bool:
        """Whether the model is an average: of several networks, or over views of an image."""
        return self.networks > 1 or self.views != Views()

    @property
    def has_folds(self) -> bool:
        """Whether it averages the networks of folds, too: then its validation metric is that of fewer networks."""
        return self.networks > max(1, len(self.members))

    @property
    def averaged(self) -> str:
        """What an ensemble averages."""
        refits = len(self.members)
        if self.has_folds:
            of = f"{refits} refits" if refits > 1 else "one refit"
            return f"{self.networks} networks of {of} (trained on folds and on everything)"
        return f"{refits} refits" if refits > 1 else "the outputs of one refit"

    @property
    def views(self) -> Views:
        """The views of an image over which the model averages."""
        return Views(is_mirrored=self.is_mirrored, is_shifted=self.is_shifted)

    @property
    def calibration_text(self) -> str:
        """That the probabilities are calibrated, as a sentence; empty where they are not."""
        if self.temperature == 1:
            return ""
        return f"Its probabilities are calibrated: a temperature of {self.temperature:.3g} gives the lowest validation log loss."

    @property
    def tested(self) -> tuple[float, ...]:
        """The known test metrics: of all refits, or of the model alone."""
        return self.tests or (() if self.test is None else (self.test,))

    @property
    def figures(self) -> dict[str, float]:
        """All test metrics by name; of an older version only one, without a test part none."""
        return {} if self.test is None else dict(self.test_figures) or {self.measure: self.test}

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """The 95 % intervals of test metrics by name; of an older version only the study's metric has one."""
        if self.test_intervals or self.test_interval is None:
            return self.test_intervals
        return {self.measure: Interval(*self.test_interval)}

    @property
    def interval(self) -> Interval | None:
        """That of the study's metric."""
        return self.intervals.get(self.measure)

    @property
    def refits_text(self) -> str:
        """The number of refits, of their recipes and their seeds; recipes of several trials may have the same fresh seed."""
        seeds, recipes = sorted(set(self.seeds)), len(self.contenders)
        of = f" of {recipes} recipes" if recipes > 1 else ""
        number = f"{len(self.seeds)} refit{'s' if len(self.seeds) > 1 else ''}{of}"
        return f"{number} on {'fresh seeds' if len(seeds) > 1 else 'a fresh seed'} ({', '.join(map(str, seeds))})"

    @property
    def direction(self) -> Direction:
        """Whether greater or smaller values of the metric are better."""
        return METRICS[self.measure].direction

    @property
    def best_seed(self) -> int:
        """The place of the best refit by validation among those in the final model."""
        sign = self.direction.sign
        return max(self.members or range(len(self.validation)), key=lambda place: sign * self.validation[place])

    @property
    def best_validation(self) -> float:
        """The validation metric of the final model."""
        return self.validation[self.best_seed] if self.model_validation is None else self.model_validation

    @property
    def contenders(self) -> dict[tuple[int, int], tuple[float, ...]]:
        """The validation metrics by the number of the trial and of its epochs, in the order of training."""
        metrics: dict[tuple[int, int], tuple[float, ...]] = {}
        for number, recipe, metric in zip(self.trials, self.recipes, self.validation, strict=False):
            name = (number, recipe.training.epochs)
            metrics[name] = (*metrics.get(name, ()), metric)
        return metrics

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as written next to the model and to the storage."""
        plain: dict[str, Any] = encode(self)
        for name in ("validation", "test"):
            plain[f"{name}_{self.measure}"] = plain.pop(name)
        return plain | {"model": str(self.model), "predictions": self.predictions and str(self.predictions)}

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Confirmed":
        """The winner that `to_dict` wrote; an older version wrote fewer keys."""
        measure = plain.get("measure", "accuracy")
        plain = {"networks": len(plain.get("members", [0])), **plain}
        plain = {**plain, "validation": plain[f"validation_{measure}"], "test": plain[f"test_{measure}"]}
        names = [each.name for each in fields(Confirmed) if each.name in plain]
        return Confirmed(**{name: FROM_PLAIN.get(name, _tuple_if_list)(plain[name]) for name in names})


LOOKS = "test_looks"
"""Attribute of a study: how often its test part was opened, each time for another final model."""


def count_look(study: optuna.Study) -> int:
    """Count another look before the test part is opened; the number of looks, this one included. In a study that an older version
    has confirmed one went before."""
    before = study.user_attrs.get(LOOKS, 1 if "confirmed" in study.user_attrs else 0)
    study.set_user_attr(LOOKS, before + 1)
    return int(before) + 1


def looks_text(looks: int) -> str:
    """How often the test part was opened, in words that follow the name of a test metric."""
    return f"after {looks} looks at the test part" if looks > 1 else "measured once" if looks else "measured"


def _tuple_if_list(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value


FROM_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "recipe": Recipe.from_dict,
    "recipes": lambda recipes: tuple(map(Recipe.from_dict, recipes)),
    "model": Path,
    "predictions": lambda path: path and Path(path),
    "test_intervals": lambda plain: {name: Interval(**each) for name, each in plain.items()},
}
"""What is not a number, a text or a list of them in plain data."""
