"""Trainings in the storage. A training that paused, was interrupted or lost its process continues as another trial with the
same parameters, which names the trial it continues. Each of these trials is a segment of the training.

All processes read the same trainings from the same trials. If two processes begin the same training at once, the lower trial
number counts; the other trial belongs to no training, and its process ends it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState

State = Literal["waiting", "running", "paused", "interrupted", "complete", "pruned", "refused", "failed"]
LONG = frozenset({"recipe", "result", "environment", "traceback"})
"""Attributes of a trial that are stored as system attributes: optuna-dashboard shows a user attribute in one line, and these have
thousands of letters. An older version stored them as user attributes too."""

DUPLICATE = "superfluous"
"""The stored end of a trial that another process began first."""

DEATHS_FORGIVEN = 1
"""The number of deaths of its process after which a training still continues."""


@dataclass(frozen=True)
class StoredTraining:
    """One training: its trials in order. It counts once for budget, report and sampler."""

    segments: tuple[FrozenTrial, ...]

    def __hash__(self) -> int:
        return hash((self.first, self.last.number))  # Optuna's trials have no hash

    @property
    def first(self) -> int:
        """The number of its first trial, which names the training."""
        return self.segments[0].number

    @property
    def last(self) -> FrozenTrial:
        """The latest trial, which has all metrics of those before."""
        return self.segments[-1]

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The stored attributes of the last trial."""
        return attributes_of(self.last)

    @property
    def known(self) -> tuple[FrozenTrial, ...]:
        """Its segments; where trials are looks, those up to the last look that has ended: of a longer one nothing is known before.
        One that diverged is known."""
        looks = [place for place, each in enumerate(self.segments, 1) if is_ended_look(each)]
        return self.segments[: looks[-1]] if looks and self.attributes.get("ended") != "diverged" else self.segments

    @property
    def state(self) -> State:
        """Its state, from Optuna's state of the last trial and the stored end."""
        match self.last.state:
            case TrialState.COMPLETE:
                return "complete"
            case TrialState.PRUNED:
                ended = self.attributes.get("ended")
                return "paused" if ended == "paused" else "refused" if ended == "refused" else "pruned"
            case TrialState.RUNNING:
                return "running"
            case TrialState.WAITING:
                return "waiting"
        return "interrupted" if self._is_forgiven else "failed"

    @property
    def counts(self) -> bool:
        """Whether it takes one of the budget's trials; what costs nothing does not."""
        return self.state not in ("waiting", "refused", "failed")

    @property
    def start(self) -> int | None:
        """Its place among the study's starts; None if it is none of them."""
        place: int | None = self.segments[0].user_attrs.get("start")
        return place

    @property
    def asked(self) -> str | None:
        """The key of the proposed recipe, before its epochs were fitted to the time; None if it has none."""
        key: str | None = self.attributes.get("asked", self.attributes.get("key"))
        return key

    @property
    def rung(self) -> int:
        """The epoch after which it paused last, 0 if never. A process that was killed before it told Optuna has not paused."""
        return max(int(each.user_attrs.get("rung", 0)) * (each.state == TrialState.PRUNED) for each in self.segments)

    @property
    def _is_forgiven(self) -> bool:
        deaths = sum(trial.user_attrs.get("ended") == "died" for trial in self.segments)
        ended = self.attributes.get("ended")
        return ended == "interrupted" or (ended == "died" and deaths <= DEATHS_FORGIVEN)


def is_ended_look(trial: FrozenTrial) -> bool:
    """Whether a trial is a look that has ended. That of a process that was killed before it told Optuna begins anew."""
    return "look" in trial.user_attrs and trial.state in (TrialState.PRUNED, TrialState.COMPLETE)


def attributes_of(trial: FrozenTrial) -> Mapping[str, Any]:
    """The stored attributes of a trial, long ones included."""
    return {**trial.user_attrs, **{name: value for name, value in trial.system_attrs.items() if name in LONG}}


def trainings_of(trials: Sequence[FrozenTrial]) -> tuple[StoredTraining, ...]:
    """The trainings of a study's trials, in the order of their first trials."""
    return tuple(_without_repeats(StoredTraining(tuple(segments)) for segments in _linked(trials)))


def _linked(trials: Sequence[FrozenTrial]) -> Iterable[list[FrozenTrial]]:
    """The segments of each training, without trials that continue a trial which another one continues already."""
    by_last: dict[int, list[FrozenTrial]] = {}
    trainings: list[list[FrozenTrial]] = []
    for trial in trials:
        before = trial.user_attrs.get("continues")
        if trial.user_attrs.get("ended") == DUPLICATE or (before is not None and before not in by_last):
            continue
        segments = by_last.pop(before) if before is not None else []
        if not segments:
            trainings.append(segments)
        segments.append(trial)
        by_last[trial.number] = segments
    return trainings


def _without_repeats(trainings: Iterable[StoredTraining]) -> Iterator[StoredTraining]:
    """The first training of each recipe; further ones only if they have finished."""
    holders: set[str] = set()
    for training in trainings:
        key = training.attributes.get("key")
        if key in holders and training.last.state in (TrialState.RUNNING, TrialState.FAIL, TrialState.WAITING):
            continue
        yield training
        if key is not None and training.state != "failed":
            holders.add(key)
