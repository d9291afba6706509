"""What a Python program is told of a search while it runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tuner.base.metrics import Direction
from tuner.recipe import Recipe
from tuner.result import Epoch, Event, Pulse
from tuner.storage import StudyRecord, TrialRecord


@dataclass(frozen=True)
class Progress:
    """How far a search is: how many trainings have finished or were pruned, the best figure of the first objective (None
    before there is one), the seconds that are left of the time, and in words what has just happened."""

    trials: int
    best: float | None
    seconds_left: float
    said: str

    def __str__(self) -> str:
        return self.said


Told = Callable[[Progress], None]


class Telling:
    """A listener that tells a function. An exception in that ends the search."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.deadline, self.direction = time.monotonic(), Direction.MAXIMIZE
        self.trials: dict[int, TrialRecord] = {}

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None:
        self.deadline, self.direction = time.monotonic() + seconds, record.direction
        self.trials = {trial.first: trial for trial in record.trials}

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None:
        self.said(f"trial {number} begins: {recipe.summary}")

    def advanced(self, number: int, event: Epoch | Pulse) -> None:
        """Nothing: an epoch may take milliseconds."""

    def ended(self, trial: TrialRecord) -> None:
        self.trials[trial.first] = trial
        value = f"{trial.values[0]:.4g}" if trial.values else trial.reason
        self.said(f"trial {trial.number} {trial.state}: {value}")

    def confirms(self, recipe: Recipe, event: Event) -> None:
        """Nothing, as in `advanced`."""

    def said(self, message: str) -> None:
        values = [trial.values[0] for trial in self.trials.values() if trial.state == "complete" and trial.values]
        best = self.direction.best(values) if values else None
        done = sum(trial.state in ("complete", "pruned") for trial in self.trials.values())
        self.told(Progress(done, best, max(0.0, self.deadline - time.monotonic()), message))
