"""A trial under way, as the search remembers it between asking and telling."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import optuna

from tuner.recipe import Recipe
from tuner.result import Epoch, FoldResult, Result
from tuner.search.snapshot import Snapshot


@dataclass
class Running:
    """A trial under way: its epochs so far, and why it was told to stop, if it was. Without a recipe its parameters made
    none, and `complaint` says why. `rung` is the epoch after which it pauses next, `so_far` its result when it did."""

    trial: optuna.Trial
    recipe: Recipe | None
    complaint: str = ""
    snapshot: Snapshot | None = None
    epochs: list[Epoch] = field(default_factory=list)
    stopped_for: Literal["pruned", "paused", "interrupted"] | None = None
    rung: int | None = None
    so_far: Result | None = None
    checkpoint: Path | None = None

    @property
    def number(self) -> int:
        return self.trial.number

    @property
    def is_start(self) -> bool:
        """Whether it is one of those that a study begins with."""
        return bool(self.trial.user_attrs.get("start"))

    def interrupted(self, reason: str) -> Result:
        """The curve so far, as the result of a training that was ended from outside."""
        folds: dict[int, list[Epoch]] = {}
        for epoch in self.epochs:
            folds.setdefault(epoch.fold, []).append(epoch)
        return Result(
            folds=tuple(FoldResult(epochs=tuple(epochs), kept=len(epochs)) for epochs in folds.values()),
            ended="interrupted",
            reason=reason,
            parameters=0,
            seconds=sum(epoch.seconds for epoch in self.epochs),
        )
