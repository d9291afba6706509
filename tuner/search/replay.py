"""Training a stored trial again and comparing the curves: the same recipe gives the same result, or it is said where not."""

from dataclasses import dataclass

from tuner.errors import StudyError
from tuner.result import Epoch, FoldResult, Result
from tuner.storage import StudyRecord, TrialRecord
from tuner.worker.executor import Executor
from tuner.worker.jobs import Failure, Train


@dataclass(frozen=True)
class Replay:
    """The stored curve and the new one, epoch by epoch, and the first epoch in which they differ."""

    stored: tuple[Epoch, ...]
    now: tuple[Epoch, ...]

    @property
    def first_difference(self) -> Epoch | None:
        """The new curve's first epoch that is not the stored one's to six digits; None if the curves agree."""
        for old, new in zip(self.stored, self.now, strict=True):
            if _figures(old) != _figures(new):
                return new
        return None


def trial_with_curve(record: StudyRecord, number: int) -> TrialRecord:
    """The trial of that number. Raises `StudyError` where there is none, or no curve to compare with."""
    if not 0 <= number < len(record.trials):
        raise StudyError(f"the study {record.name!r} has no trial {number}; it has {len(record.trials)}")
    trial = record.trials[number]
    if trial.recipe is None or trial.result is None or not trial.result.epochs:
        raise StudyError(f"trial {number} of {record.name!r} has no curve to compare with: it is {trial.state}")
    return trial


def replay(trial: TrialRecord, executor: Executor) -> Replay:
    """Train a trial with a curve again, as many epochs as it had."""
    assert trial.recipe is not None
    assert trial.result is not None
    stored = _epochs(trial.result)

    def until_the_stored_end(event: Epoch | FoldResult) -> bool:
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
