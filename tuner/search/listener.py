"""Who is told of what happens in a search."""

from typing import Protocol

from tuner.recipe import Recipe
from tuner.result import Epoch, Event, Pulse
from tuner.storage import StudyRecord, TrialRecord


class Listener(Protocol):
    """Told of what happens, for whoever shows it. Trials are named by their numbers in the storage."""

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None: ...

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None: ...

    def advanced(self, number: int, event: Epoch | Pulse) -> None: ...

    def ended(self, trial: TrialRecord) -> None: ...

    def confirms(self, recipe: Recipe, event: Event) -> None: ...

    def said(self, message: str) -> None: ...
