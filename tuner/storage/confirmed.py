"""A confirmed winner: refitted and tested, as stored and written next to its model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuner.base.metrics import METRICS, Direction
from tuner.recipe import Recipe


@dataclass(frozen=True)
class Confirmed:
    """A winner with its scores in one metric (`measure`): `validation` of each refit, `test` of the final model with its 95 %
    interval, and all other `test_figures`. One entry per refit: `seeds`, `recipes`, `trials` (the numbers of the trials they come
    from), `tests`, and `curves` (learning curves of the first fold by metric). `predictions` is a file with the test outputs of
    each refit, and of the final model if it is an ensemble.

    `members` are the places of the refits that the final model averages; one alone is the best by validation. With `is_mirrored`
    it also averages over each image and its mirror image. `model_validation` is the final model's validation metric (of an
    ensemble, on the examples that chose its members), `parameters` its size."""

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
    recipes: tuple[Recipe, ...] = ()
    trials: tuple[int, ...] = ()
    is_mirrored: bool = False
    model_validation: float | None = None
    parameters: int = 0
    measure: str = "accuracy"
    test_figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_ensemble(self) -> bool:
        """Whether the model is an average: of several networks, or over mirror images."""
        return len(self.members) > 1 or self.is_mirrored

    @property
    def tested(self) -> tuple[float, ...]:
        """The test figures that are known: of all seeds, or of the model alone."""
        return self.tests or (() if self.test is None else (self.test,))

    @property
    def figures(self) -> dict[str, float]:
        """All figures of the test part by name: of an older version the one that it kept; none where nothing was tested."""
        return {} if self.test is None else dict(self.test_figures) or {self.measure: self.test}

    @property
    def direction(self) -> Direction:
        """Which values of the metric are better."""
        return METRICS[self.measure].direction

    @property
    def best_seed(self) -> int:
        """The place of the best network by validation, among those that the model is made of."""
        sign = self.direction.sign
        return max(self.members or range(len(self.validation)), key=lambda place: sign * self.validation[place])

    @property
    def best_validation(self) -> float:
        """The validation figure of the model."""
        return self.validation[self.best_seed] if self.model_validation is None else self.model_validation

    @property
    def contenders(self) -> dict[tuple[int, int], tuple[float, ...]]:
        """The validation figures by the number of the trial and of its epochs, in the order in which they were trained."""
        found: dict[tuple[int, int], tuple[float, ...]] = {}
        for number, recipe, figure in zip(self.trials, self.recipes, self.validation, strict=False):
            name = (number, recipe.training.epochs)
            found[name] = (*found.get(name, ()), figure)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it stands beside the model and in the storage."""
        return {
            "trial": self.trial,
            "recipe": self.recipe.to_dict(),
            "seeds": list(self.seeds),
            "measure": self.measure,
            f"validation_{self.measure}": list(self.validation),
            f"test_{self.measure}": self.test,
            "test_loss": self.test_loss,
            "test_interval": self.test_interval and list(self.test_interval),
            "test_examples": self.test_examples,
            "model": str(self.model),
            "tests": list(self.tests),
            "test_figures": dict(self.test_figures),
            "curves": [dict(each) for each in self.curves],
            "predictions": self.predictions and str(self.predictions),
            "members": list(self.members),
            "recipes": [each.to_dict() for each in self.recipes],
            "trials": list(self.trials),
            "is_mirrored": self.is_mirrored,
            "model_validation": self.model_validation,
            "parameters": self.parameters,
        }

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Confirmed":
        """What `to_dict` wrote."""
        measure = plain.get("measure", "accuracy")
        return Confirmed(
            measure=measure,
            test_figures=plain.get("test_figures", {}),
            trial=plain["trial"],
            recipe=Recipe.from_dict(plain["recipe"]),
            seeds=tuple(plain["seeds"]),
            validation=tuple(plain[f"validation_{measure}"]),
            test=plain[f"test_{measure}"],
            test_loss=plain["test_loss"],
            test_interval=plain["test_interval"] and (plain["test_interval"][0], plain["test_interval"][1]),
            test_examples=plain["test_examples"],
            model=Path(plain["model"]),
            tests=tuple(plain.get("tests", ())),
            curves=tuple(plain.get("curves", ())),
            predictions=Path(plain["predictions"]) if plain.get("predictions") else None,
            members=tuple(plain.get("members", ())),
            recipes=tuple(Recipe.from_dict(each) for each in plain.get("recipes", ())),
            trials=tuple(plain.get("trials", ())),
            is_mirrored=plain.get("is_mirrored", False),
            model_validation=plain.get("model_validation"),
            parameters=plain.get("parameters", 0),
        )
