"""Trainings in the storage. A training that paused, was interrupted or lost its process continues as another trial with the
same parameters, which names the trial it continues. Each of these trials is a segment of the training.

All processes read the same trainings from the same trials. If two processes begin the same training at once, the lower trial
number counts; the other trial belongs to no training, and its process ends it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from operator import is_
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
        return self.segments[-1].number  # Optuna's trials have no hash

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

    @cached_property
    def state(self) -> State:
        """Its state, from Optuna's state of the last trial and the stored end."""
        match self.last.state:
            case TrialState.COMPLETE:
                return "complete"
            case TrialState.PRUNED:
                ended = self.last.user_attrs.get("ended")
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

    @cached_property
    def key(self) -> str | None:
        """The key of its recipe; None if it has none."""
        key: str | None = self.last.user_attrs.get("key")
        return key

    @cached_property
    def asked(self) -> str | None:
        """The key of the proposed recipe, before its epochs were fitted to the time; None if it has none."""
        key: str | None = self.last.user_attrs.get("asked", self.key)
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
    return Trainings().of(trials)


@dataclass
class Trainings:
    """Reads the trainings of one study again and again. Those of its first trials, up to one that has not ended, are linked once: of
    10,000 trials that takes a quarter of a second."""

    ended: Sequence[FrozenTrial] = ()
    linked: Sequence[StoredTraining] = ()
    by_last: Mapping[int, int] = field(default_factory=dict)

    def of(self, trials: Sequence[FrozenTrial]) -> tuple[StoredTraining, ...]:
        """The trainings of all trials of the study."""
        known = len(self.ended) if len(self.ended) <= len(trials) and all(map(is_, self.ended, trials)) else 0
        linked, by_last = (list(self.linked), dict(self.by_last)) if known else ([], {})
        ended = list(takewhile(lambda trial: trial.state.is_finished(), trials[known:]))
        _link(ended, linked, by_last)
        self.ended, self.linked, self.by_last = trials[: known + len(ended)], tuple(linked), dict(by_last)
        _link(trials[known + len(ended) :], linked, by_last)
        return tuple(_without_repeats(linked))


def _link(trials: Iterable[FrozenTrial], trainings: list[StoredTraining], by_last: dict[int, int]) -> None:
    """Add trials to the trainings, whose places by their last trials are `by_last`; without trials that continue a trial which
    another one continues already."""
    for trial in trials:
        before = trial.user_attrs.get("continues")
        if trial.user_attrs.get("ended") == DUPLICATE or (before is not None and before not in by_last):
            continue
        if before is None:
            by_last[trial.number] = len(trainings)
            trainings.append(StoredTraining((trial,)))
        else:
            place = by_last[trial.number] = by_last.pop(before)
            trainings[place] = StoredTraining((*trainings[place].segments, trial))


def _without_repeats(trainings: Iterable[StoredTraining]) -> Iterator[StoredTraining]:
    """The first training of each recipe; further ones only if they have finished."""
    holders: set[str] = set()
    for training in trainings:
        if training.key in holders and training.state in ("running", "waiting", "interrupted", "failed"):
            continue
        yield training
        if training.key is not None and training.state != "failed":
            holders.add(training.key)
