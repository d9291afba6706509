"""What a run returns: its curves, how it ended and the figures that count. Plain, and JSON both ways."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tuner.base.metrics import METRICS, Direction

Ending = Literal["finished", "stopped_early", "pruned", "interrupted", "diverged"]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What a set of examples shows: the mean loss (regularization terms included) and the task's `figures` by name, such as
    `accuracy`, the share of right answers (0 to 1); see `tuner.base.metrics`."""

    loss: float
    figures: Mapping[str, float]

    @property
    def accuracy(self) -> float:
        """The share of right answers, of a task that has such."""
        return self.figures["accuracy"]

    @property
    def finite(self) -> bool:
        return math.isfinite(self.loss)


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One line of a learning curve. Folds count from 0, epochs from 1.

    `training` is the running mean over the epoch while the weights changed, as Keras reports it; `validation` is
    measured after the epoch. `learning_rate` is that of the epoch's last step.
    """

    fold: int
    number: int
    training: Scores
    validation: Scores | None
    learning_rate: float
    seconds: float

    @property
    def finite(self) -> bool:
        return self.training.finite and (self.validation is None or self.validation.finite)


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """A sign of life from within a long epoch, the `epoch`th (from 1): the share of it that is done, and its scores so
    far."""

    fold: int
    epoch: int
    share: float
    training: Scores


@dataclass(frozen=True, kw_only=True)
class FoldResult:
    """One training: its curve, and the number of the epoch whose weights count (0 when there is none)."""

    epochs: tuple[Epoch, ...]
    kept: int

    @property
    def kept_epoch(self) -> Epoch:
        return self.epochs[self.kept - 1]


@dataclass(frozen=True, kw_only=True)
class Result:
    """Everything that one recipe gave: a fold for each split of its protocol, in order.

    A run that was pruned, interrupted or diverged has the curves as far as they went, and the `reason`.
    """

    folds: tuple[FoldResult, ...]
    ended: Ending
    reason: str
    parameters: int
    seconds: float

    @property
    def validation(self) -> Scores | None:
        """Mean over the folds of the kept epochs' validation figures; None where the protocol has none."""
        return _mean([fold.kept_epoch.validation for fold in self.folds if fold.epochs])

    @property
    def training(self) -> Scores | None:
        """Mean over the folds of the kept epochs' training figures."""
        return _mean([fold.kept_epoch.training for fold in self.folds if fold.epochs])

    @property
    def epochs(self) -> int:
        """Epochs trained, over all folds."""
        return sum(len(fold.epochs) for fold in self.folds)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, the curves as columns; numbers that JSON lacks become the texts `nan` and `inf`."""
        return {
            "ended": self.ended,
            "reason": self.reason,
            "parameters": self.parameters,
            "seconds": round(self.seconds, 3),
            "folds": [{"kept": fold.kept, "curve": _columns(fold.epochs)} for fold in self.folds],
        }

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Result":
        """The result that `to_dict` wrote (losses and accuracies to 6 digits, times to milliseconds)."""
        folds = (FoldResult(epochs=_rows(i, fold["curve"]), kept=fold["kept"]) for i, fold in enumerate(plain["folds"]))
        return Result(
            folds=tuple(folds),
            ended=plain["ended"],
            reason=plain["reason"],
            parameters=plain["parameters"],
            seconds=plain["seconds"],
        )


Event = Epoch | Pulse | FoldResult

Watch = Callable[[Event], bool]
"""Told of every epoch and of every fold as it ends, and now and then within a long epoch; answers whether to go on."""


def never_stop(_: Event) -> bool:
    """The watch of a run that nobody watches."""
    return True


@dataclass(frozen=True)
class Objective:
    """A figure that a study optimizes: its direction, whether it needs a validation part, whether epochs have it."""

    direction: Direction
    validated: bool
    of_result: Callable[[Result], float]
    of_epoch: Callable[[Epoch], float] | None = None


def _validation(scores: Scores | None) -> Scores:
    if scores is None:
        raise ValueError("no validation figures: the study's check should have refused this objective")
    return scores


def _objective(name: str) -> Objective:
    def of(scores: Scores | None) -> float:
        return _validation(scores).figures[name]

    return Objective(METRICS[name].direction, True, lambda r: of(r.validation), lambda e: of(e.validation))


OBJECTIVES: dict[str, Objective] = {
    **{f"validation_{name}": _objective(name) for name in METRICS},
    "validation_loss": Objective(
        Direction.MINIMIZE, True, lambda r: _validation(r.validation).loss, lambda e: _validation(e.validation).loss
    ),
    "parameters": Objective(Direction.MINIMIZE, False, lambda r: float(r.parameters)),
    "seconds": Objective(Direction.MINIMIZE, False, lambda r: r.seconds),
}


def _mean(scores: list[Scores | None]) -> Scores | None:
    known = [each for each in scores if each is not None]
    if not known or len(known) < len(scores):
        return None
    return Scores(
        loss=math.fsum(each.loss for each in known) / len(known),
        figures={name: math.fsum(each.figures[name] for each in known) / len(known) for name in known[0].figures},
    )


def _columns(epochs: tuple[Epoch, ...]) -> dict[str, list[float | str]]:
    columns: dict[str, list[float | str]] = {
        "training_loss": [],  # where there is no epoch
        **_scores("training", [epoch.training for epoch in epochs]),
        "learning_rate": [_plain(epoch.learning_rate) for epoch in epochs],
        "seconds": [round(epoch.seconds, 3) for epoch in epochs],
    }
    return columns | _scores("validation", [epoch.validation for epoch in epochs if epoch.validation is not None])


def _scores(part: str, scores: Sequence[Scores]) -> dict[str, list[float | str]]:
    if not scores:
        return {}
    figures = {name: [_plain(each.figures[name]) for each in scores] for name in scores[0].figures}
    return {
        f"{part}_{name}": values for name, values in {"loss": [_plain(each.loss) for each in scores], **figures}.items()
    }


def _plain(number: float) -> float | str:
    return float(f"{number:.6g}") if math.isfinite(number) else str(number)


def _rows(fold: int, columns: Mapping[str, list[float | str]]) -> tuple[Epoch, ...]:
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
