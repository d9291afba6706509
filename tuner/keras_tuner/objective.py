"""What a search optimizes: a metric of Keras's logs, several of them as one sum, or the number that `fit` returns; and what a
trial returned, as metrics at its best epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from tuner.base.errors import near_miss
from tuner.keras_tuner.errors import FatalTypeError, FatalValueError

HIGHER = (
    "accuracy acc binary_accuracy categorical_accuracy sparse_categorical_accuracy top_k_categorical_accuracy auc "
    "sparse_top_k_categorical_accuracy true_positives true_negatives precision recall f1_score fbeta_score r2_score "
    "sensitivity_at_specificity specificity_at_sensitivity precision_at_recall recall_at_precision mean_io_u"
)
LOWER = (
    "loss crossentropy ce mse mae mape msle mean_squared_error mean_absolute_error mean_absolute_percentage_error "
    "mean_squared_logarithmic_error root_mean_squared_error binary_crossentropy categorical_crossentropy "
    "sparse_categorical_crossentropy kl_divergence poisson log_cosh logcosh hinge squared_hinge categorical_hinge huber "
    "false_positives false_negatives"
)
"""The names of metrics of which higher, and of which lower values are better."""


@dataclass(frozen=True)
class Objective:
    """A metric by its name in Keras's logs, and its `direction`, "min" or "max". With `parts` it is the sum of those to
    minimize minus the sum of those to maximize."""

    name: str
    direction: str
    parts: "tuple[Objective, ...]" = ()

    def __post_init__(self) -> None:
        if self.direction not in ("min", "max"):
            raise ValueError(f"Objective {self.name!r}: direction must be 'min' or 'max', got {self.direction!r}")

    def __str__(self) -> str:
        many = f": [{', '.join(map(str, self.parts))}]" if self.parts else ""
        return f'{"Multi" if many else ""}Objective(name="{self.name}", direction="{self.direction}"){many}'

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics that it needs."""
        return tuple(each.name for each in self.parts) or (self.name,)

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        """Whether the logs have all that it needs."""
        return all(name in logs for name in self.names)

    def get_value(self, logs: Mapping[str, Any]) -> float:
        """Its value of Keras's logs."""
        if not self.parts:
            return float(logs[self.name])
        return float(sum(logs[each.name] * (1 if each.direction == "min" else -1) for each in self.parts))

    def better_than(self, a: float, b: float) -> bool:
        """Whether the first value is better."""
        return a > b if self.direction == "max" else a < b


UNNAMED = Objective("default_objective", "min")
"""The number that `fit` or `run_trial` returns."""


def objective_of(asked: Any) -> Objective:
    """The objective of a tuner's argument. Raises `ValueError` with the near miss for a name whose direction is unknown."""
    if asked is None or isinstance(asked, Objective):
        return asked or UNNAMED
    if isinstance(asked, list | tuple):
        return Objective("multi_objective", "min", tuple(map(objective_of, asked)))
    if not isinstance(asked, str):
        raise TypeError(f"`objective` not understood, expected str or `Objective` object, got {asked!r}")
    name = asked.removeprefix("val_").removeprefix("weighted_")
    higher, lower = HIGHER.split(), LOWER.split()
    if name in (*higher, *lower):
        return Objective(asked, "max" if name in higher else "min")
    cure = f'name it with its direction, as in Objective("{asked}", direction="min")'
    problem = f'Could not infer optimization direction ("min" or "max") for unknown metric "{asked}"'
    raise ValueError(f"{problem}: {near_miss(name, (*higher, *lower))} Otherwise {cure}")


def metrics_of(returned: Any, objective: Objective, place: str) -> tuple[dict[str, float], int]:
    """Metrics at the best epoch, and that epoch (from 0), of what `place` returned: a `History`, a mapping, a number, or a list of
    these, which are averaged. Raises a `FatalError` for anything else."""
    if isinstance(returned, list) and returned:
        many = [metrics_of(each, objective, place) for each in returned]
        names = [name for name in many[0][0] if all(name in metrics for metrics, _ in many)]
        means = {name: float(np.mean([metrics[name] for metrics, _ in many])) for name in names}
        return means, int(np.mean([step for _, step in many]))
    if isinstance(returned, Real):
        return {objective.name: float(returned)}, 0
    if returned is None:
        raise FatalTypeError(f"The return value of {place} is None. Did you forget to return the metrics?")
    if objective == UNNAMED and not (isinstance(returned, dict) and objective.name in returned):
        rule = "to be a single float when `objective` is left unspecified"
        raise FatalTypeError(f"Expected the return value of {place} {rule}, got {returned!r}")
    if isinstance(returned, dict):
        _require(objective, returned, place)
        numbers = {name: float(value) for name, value in returned.items() if isinstance(value, Real)}
        return {**numbers, objective.name: objective.get_value(returned)}, 0
    if not hasattr(returned, "history"):
        allowed = "to be one of float, dict, keras.callbacks.History, or a list of one of these"
        raise FatalTypeError(f"Expected the return value of {place} {allowed}, got {returned!r}")
    _require(objective, returned.history, place)
    return _best(returned.history, objective)


def _best(history: Mapping[str, Sequence[float]], objective: Objective) -> tuple[dict[str, float], int]:
    count = min(len(history[name]) for name in objective.names)
    curves = {name: values for name, values in history.items() if len(values) >= count and np.ndim(values) == 1}
    epochs = [{name: float(values[epoch]) for name, values in curves.items()} for epoch in range(count)]
    best = 0
    for epoch, metrics in enumerate(epochs):
        metrics[objective.name] = objective.get_value(metrics)
        best = epoch if objective.better_than(metrics[objective.name], epochs[best][objective.name]) else best
    return epochs[best], best


def _require(objective: Objective, known: Mapping[str, Any], place: str) -> None:
    for name in objective.names:
        if name not in known:
            what = f"the metrics from {place} to have the specified objective {name!r}"
            raise FatalValueError(f"Expected {what}: {near_miss(name, known)}")
