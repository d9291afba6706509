"""What a run returns: learning curves, how it ended, and its scores; to JSON and back."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from tuner.base.metrics import METRICS, Direction

Ending = Literal["finished", "stopped_early", "pruned", "interrupted", "diverged"]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The mean loss over some examples (with regularization terms) and the task's metrics by name (`tuner.base.metrics`)."""

    loss: float
    figures: Mapping[str, float]

    @property
    def accuracy(self) -> float:
        """The share of correct predictions, 0 to 1; `KeyError` for other tasks than classification."""
        return self.figures["accuracy"]

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.loss)

    def value(self, name: str) -> float:
        """The loss or a metric."""
        return self.loss if name == "loss" else self.figures[name]


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One line of a learning curve. Folds count from 0, epochs from 1.

    `training` is Keras's running mean over the epoch, while the weights changed; `validation` is computed after the epoch.
    `learning_rate` is that of the epoch's last step.
    """

    fold: int
    number: int
    training: Scores
    validation: Scores | None
    learning_rate: float
    seconds: float

    @property
    def is_finite(self) -> bool:
        return self.training.is_finite and (self.validation is None or self.validation.is_finite)


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """Progress within a long epoch (from 1): the share of it that is done, and the training scores so far."""

    fold: int
    epoch: int
    share: float
    training: Scores


@dataclass(frozen=True, kw_only=True)
class FoldResult:
    """One training: its curve, and the number of the epoch whose weights were kept (0 if there is none)."""

    epochs: tuple[Epoch, ...]
    kept: int

    @property
    def kept_epoch(self) -> Epoch:
        return self.epochs[self.kept - 1]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of a recipe, with one fold for each split of its protocol, in order.

    A run that was pruned, interrupted or diverged has the curves up to then, and the `reason`.
    """

    folds: tuple[FoldResult, ...]
    ended: Ending
    reason: str
    parameters: int
    seconds: float

    @cached_property
    def validation(self) -> Scores | None:
        """The mean over the folds of the kept epochs' validation scores; None without a validation part."""
        return _mean([fold.kept_epoch.validation for fold in self.folds if fold.epochs])

    @property
    def training(self) -> Scores | None:
        """The mean over the folds of the kept epochs' training scores."""
        return _mean([fold.kept_epoch.training for fold in self.folds if fold.epochs])

    @property
    def epochs(self) -> int:
        """The number of epochs over all folds."""
        return sum(len(fold.epochs) for fold in self.folds)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, curves as columns. Scores have 6 digits, times milliseconds; numbers that JSON lacks become
        the texts `nan` and `inf`."""
        return {
            "ended": self.ended,
            "reason": self.reason,
            "parameters": self.parameters,
            "seconds": round(self.seconds, 3),
            "folds": [{"kept": fold.kept, "curve": _columns(fold.epochs)} for fold in self.folds],
        }

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Result":
        """The result that `to_dict` wrote."""
        folds = (
            FoldResult(epochs=_epochs(i, fold["curve"]), kept=fold["kept"]) for i, fold in enumerate(plain["folds"])
        )
        others = {name: plain[name] for name in ("ended", "reason", "parameters", "seconds")}
        return Result(folds=tuple(folds), **others)


Event = Epoch | Pulse | FoldResult

Watch = Callable[[Event], bool]
"""Called after each epoch and each fold, and from time to time within a long epoch; returns whether to continue."""


def never_stop(_: Event) -> bool:
    """The watch of a run that is not interrupted."""
    return True


@dataclass(frozen=True)
class Objective:
    """What a study optimizes: its direction, whether it needs a validation part, and its value of a result and, where it
    changes by epoch, of an epoch."""

    direction: Direction
    validated: bool
    of_result: Callable[[Result], float]
    of_epoch: Callable[[Epoch], float] | None = None


def _of_validation(name: str, direction: Direction) -> Objective:
    def of(scored: Result | Epoch) -> float:
        if scored.validation is None:
            raise ValueError("no validation scores: the study's check should have refused this objective")
        return scored.validation.value(name)

    return Objective(direction, True, of, of)


class Objectives(dict[str, Objective]):
    """Objectives by name. Looking up a metric that a function's model was compiled with makes its objective; raises `KeyError` where
    the name does not tell which values are better."""

    def __missing__(self, name: str) -> Objective:
        metric = name.removeprefix("validation_")
        if metric == name:
            raise KeyError(name)
        return _of_validation(metric, METRICS[metric].direction)


OBJECTIVES = Objectives(
    {
        **{f"validation_{name}": _of_validation(name, METRICS[name].direction) for name in (*METRICS, "loss")},
        "parameters": Objective(Direction.MINIMIZE, False, lambda result: float(result.parameters)),
        "seconds": Objective(Direction.MINIMIZE, False, lambda result: result.seconds),
    }
)


def _mean(scores: Sequence[Scores | None]) -> Scores | None:
    """None unless all folds have scores."""
    known = [each for each in scores if each is not None]
    if not known or len(known) < len(scores):
        return None
    loss, *figures = (
        math.fsum(each.value(name) for each in known) / len(known) for name in ("loss", *known[0].figures)
    )
    return Scores(loss=loss, figures=dict(zip(known[0].figures, figures, strict=True)))


def _columns(epochs: Sequence[Epoch]) -> dict[str, list[float | str]]:
    return {
        "training_loss": [],  # also without epochs
        **_score_columns("training", [epoch.training for epoch in epochs]),
        "learning_rate": [_plain(epoch.learning_rate) for epoch in epochs],
        "seconds": [round(epoch.seconds, 3) for epoch in epochs],
        **_score_columns("validation", [epoch.validation for epoch in epochs if epoch.validation is not None]),
    }


def _score_columns(part: str, scores: Sequence[Scores]) -> dict[str, list[float | str]]:
    names = ("loss", *scores[0].figures) if scores else ()
    return {f"{part}_{name}": [_plain(each.value(name)) for each in scores] for name in names}


def _plain(number: float) -> float | str:
    return float(f"{number:.6g}") if math.isfinite(number) else str(number)


def _epochs(fold: int, columns: Mapping[str, Sequence[float | str]]) -> tuple[Epoch, ...]:
    def scores(part: str, index: int) -> Scores:
        names = [name for name in columns if name.startswith(f"{part}_")]
        figures = {name.removeprefix(f"{part}_"): float(columns[name][index]) for name in names}
        return Scores(loss=figures.pop("loss"), figures=figures)

    return tuple(
        Epoch(
            fold=fold,
            number=index + 1,
            training=scores("training", index),
            validation=scores("validation", index) if "validation_loss" in columns else None,
            learning_rate=float(columns["learning_rate"][index]),
            seconds=float(columns["seconds"][index]),
        )
        for index in range(len(columns["training_loss"]))
    )
