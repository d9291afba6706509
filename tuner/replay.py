"""Training a stored trial again and comparing the curves: the same recipe gives the same result, or it is said where not."""

from dataclasses import dataclass
from itertools import zip_longest

from tuner.base.errors import StudyError
from tuner.result import Epoch, Event, Result
from tuner.storage import StudyRecord, TrialRecord
from tuner.worker.executor import Executor
from tuner.worker.jobs import Failure, Train


@dataclass(frozen=True)
class Replay:
    """The stored curve and the new one, epoch by epoch."""

    stored: tuple[Epoch, ...]
    now: tuple[Epoch, ...]

    @property
    def first_difference(self) -> tuple[int, int] | None:
        """Fold (from 0) and number of the first epoch that is not the same to six digits, or that only one of the curves
        has; None if the curves agree."""
        for old, new in zip_longest(self.stored, self.now):
            if old is None or new is None or _figures(old) != _figures(new):
                one = old or new
                return one.fold, one.number
        return None


def trial_with_curve(record: StudyRecord, number: int) -> TrialRecord:
    """The trial of that number. Raises `StudyError` where there is none, or no curve to compare with."""
    trial = next((each for each in record.trials if number in each.numbers), None)
    if trial is None:
        raise StudyError(f"the study {record.name!r} has no trial {number}; it has {len(record.trials)}")
    if trial.recipe is None or trial.result is None or not trial.result.epochs:
        raise StudyError(f"trial {number} of {record.name!r} has no curve to compare with: it is {trial.state}")
    return trial


def replay(trial: TrialRecord, executor: Executor) -> Replay:
    """Train a trial with a curve again, as many epochs as it had."""
    assert trial.recipe is not None
    assert trial.result is not None
    stored = _epochs(trial.result)

    def until_the_stored_end(event: Event) -> bool:
        last = stored[-1]
        return not isinstance(event, Epoch) or (event.fold, event.number) < (last.fold, last.number)

    executor.submit(0, Train(trial.recipe), until_the_stored_end)
    while True:
        for _, answer in executor.answers(seconds=0.2):
            if isinstance(answer, Failure):
                raise StudyError(f"trial {trial.number} could not be trained again: {answer.reason}")
            assert isinstance(answer, Result)
            return Replay(stored, _epochs(Result.from_dict(answer.to_dict())))


def _epochs(result: Result) -> tuple[Epoch, ...]:
    return tuple(epoch for fold in result.folds for epoch in fold.epochs)


def _figures(epoch: Epoch) -> tuple[object, ...]:
    """Everything but the time; as texts, so that NaN equals NaN."""
    return (epoch.fold, epoch.number, repr(epoch.training), repr(epoch.validation))
