"""One stored run of an experiment: its figures, curves and confusion matrix. Plain, and JSON both ways."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import Any

from tuner.data.catalogue import CATALOGUE
from tuner.documents.document import Variant
from tuner.documents.figures import CURVE_FIGURE, GAPS, STATISTICS, deviation
from tuner.networks import Layer, layer_table
from tuner.recipe import Recipe
from tuner.worker.replication import Replicated

POINTS = 100
"""A curve of more epochs is stored for every second, third, ... of them."""


@dataclass(frozen=True)
class Run:
    """A run of `experiment` under `reading` (empty: the first ones), the `repeat`th. A `curve` has a value for each `every`
    epochs (of the first fold), or for each member of an ensemble; `confusion` rows are true classes; `regions` are the outputs
    all over the plane, for points in it; `environment` is the machine and the versions."""

    experiment: str
    reading: str
    repeat: int
    key: str
    recipe: Mapping[str, Any]
    figures: Mapping[str, float]
    curve: Mapping[str, Sequence[float]]
    confusion: Sequence[Sequence[int]]
    ended: str
    seconds: float
    environment: Mapping[str, str]
    every: int = 1
    regions: Sequence[str] = field(default_factory=list)

    def figure(self, name: str) -> float | None:
        """A figure of the run, or one of `GAPS` or `STATISTICS`; None where it has none."""
        if name in self.figures:
            return self.figures[name]
        if name in GAPS:
            high, low = (self.figures.get(each) for each in GAPS[name])
            return high - low if high is not None and low is not None else None
        parts = CURVE_FIGURE.fullmatch(name)
        if parts is None:
            return None
        statistic, epochs, of = parts.groups()
        curve = self.curve.get(of, ())[: int(epochs) // self.every if epochs else None]
        return STATISTICS[statistic](curve) if len(curve) >= (1 if statistic in ("mean", "highest") else 2) else None

    @property
    def dataset(self) -> str:
        """The name of its data set."""
        return str(self.recipe["data"]["name"])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of its network."""
        recipe = Recipe.from_dict(self.recipe)
        entry = CATALOGUE[recipe.data.name]
        return layer_table(recipe.network, entry.shape, len(entry.classes))

    @property
    def names(self) -> tuple[str, str, int]:
        """Experiment, reading and repeat."""
        return self.experiment, self.reading, self.repeat

    def as_run_of(self, experiment: str, reading: str, repeat: int) -> "Run":
        """The same run as that of another experiment with an equal recipe."""
        return replace(self, experiment=experiment, reading=reading, repeat=repeat)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; numbers that JSON lacks become the texts `nan` and `inf`."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)), parse_constant=lambda name: str(float(name)))
        return plain

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Run":
        """What `to_dict` wrote."""
        figures = {name: float(value) for name, value in plain["figures"].items()}
        curve = {name: [float(value) for value in values] for name, values in plain["curve"].items()}
        return Run(**{**plain, "figures": figures, "curve": curve})


def values_of(figure: str, runs: Sequence[Run]) -> list[float]:
    """A figure of the runs that have it; the parameters of each layer, which are the same in all of them."""
    if figure == "layer_parameters":
        return [float(layer.parameters) for layer in runs[0].layers if layer.parameters] if runs else []
    return [value for run in runs if (value := run.figure(figure)) is not None]


def run_of(variant: Variant, answer: Replicated, environment: Mapping[str, str]) -> Run:
    """The run that training gives. Figures over folds are means; `fold_spread` is the standard deviation of their test
    accuracies, which are stored with the curves."""
    folds = [fold.epochs for fold in answer.result.folds]
    every = -(-len(folds[0]) // POINTS)
    training = [[epoch.training for epoch in epochs] for epochs in folds]
    validated = [[epoch.validation for epoch in epochs if epoch.validation] for epochs in folds]
    curves = {"training": training[0], "test": (), "validation": validated[0]}
    last = [each[-1] for each in training], answer.test, [each[-1] for each in validated if each]
    figures, curve = {"parameters": float(answer.result.parameters)}, dict[str, Sequence[float]]()
    for (part, scores), by_fold in zip(curves.items(), last, strict=True):
        for metric in ("loss", "accuracy") if by_fold else ():
            figures[f"{part}_{metric}"] = fmean([each.value(metric) for each in by_fold])
            if scores:
                curve[f"{part}_{metric}"] = [round(each.value(metric), 5) for each in scores[every - 1 :: every]]
    if validated[0]:
        figures["highest_validation_accuracy"] = fmean([max(each.accuracy for each in scores) for scores in validated])
    if answer.attacked_accuracy is not None:
        figures["attacked_accuracy"] = answer.attacked_accuracy
    if len(folds) > 1:
        curve["fold_test_accuracy"] = [scores.accuracy for scores in answer.test]
        curve["fold_validation_accuracy"] = [scores[-1].accuracy for scores in validated if scores]
        figures["fold_spread"] = deviation(curve["fold_test_accuracy"])
    if answer.single:
        figures["single_accuracy"] = fmean(answer.single)
        figures["ensemble_accuracy"] = answer.ensemble[-1]
        figures["members_left_out"] = float(len(answer.left_out))
        curve |= {"single_accuracy": list(answer.single), "ensemble_accuracy": list(answer.ensemble)}
    return Run(
        *variant.names,
        key=variant.key,
        recipe=variant.recipe.to_dict(),
        figures=figures,
        curve=curve,
        confusion=[list(row) for row in answer.confusion],
        ended=answer.result.ended,
        seconds=answer.result.seconds,
        environment=environment,
        every=every,
        regions=list(answer.regions),
    )
