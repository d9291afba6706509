"""`replay`: trains a stored trial again and compares the curves."""

from contextlib import closing
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.base.errors import StudyError
from tuner.commands.arguments import RUNS, DataDir, Runs, Storage, StoredStudy, stored_outcome
from tuner.commands.results import trial_of

if TYPE_CHECKING:
    from tuner.result import Epoch, Event, Result
    from tuner.storage import StudyRecord, TrialRecord
    from tuner.worker.executor import Executor


def replay(
    study: StoredStudy,
    trial: Annotated[int, typer.Option(help="Number of the trial.")],
    runs: Runs = RUNS,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> int:
    """Train one trial again and compare its curve with the stored one."""
    from tuner.data.sources import Places
    from tuner.worker import make_executor
    from tuner.worker.executor import Setup

    record = trial_with_curve(stored_outcome(study, runs, storage).record, trial)
    assert record.result is not None
    threads = int(record.environment.get("threads", "1"))
    setup = Setup(Places.from_environment(data_dir), threads=threads)
    with closing(make_executor("processes", setup)) as executor:
        replayed = train_again(record, executor)
    difference = first_difference(curve(record.result), replayed)
    if difference is None:
        print(f"trial {trial}: the same curve again, {len(replayed)} epochs to six digits")
        return 0
    print(f"trial {trial}: differs from epoch {difference.number} of fold {difference.fold} on")
    return 1


def curve(result: "Result") -> "tuple[Epoch, ...]":
    """The epochs of all folds."""
    return tuple(epoch for fold in result.folds for epoch in fold.epochs)


def first_difference(stored: "tuple[Epoch, ...]", replayed: "tuple[Epoch, ...]") -> "Epoch | None":
    """The first epoch that differs in six digits or is in one curve only; None for equal curves."""
    for old, new in zip_longest(stored, replayed):
        if old is None or new is None or _metrics(old) != _metrics(new):
            return old or new
    return None


def trial_with_curve(record: "StudyRecord", number: int) -> "TrialRecord":
    """The trial of that number. Raises `StudyError` if there is none, if it has no curve, or for the study of a script."""
    trial = trial_of(record, str(number))
    if not record.objectives:
        problem = "is the study of a script, which alone can train its trials again"
        raise StudyError(f"{record.name!r} {problem}: run it with the parameters that `tuner trials` shows")
    if trial.recipe is None or trial.result is None or not trial.result.epochs:
        raise StudyError(f"trial {number} of {record.name!r} has no curve to compare with: it is {trial.state}")
    return trial


def train_again(trial: "TrialRecord", executor: "Executor") -> "tuple[Epoch, ...]":
    """The curve of a trial's recipe, trained for as many epochs as the trial had."""
    from tuner.result import Epoch, Result
    from tuner.worker import perform
    from tuner.worker.jobs import Failure, Train

    assert trial.recipe is not None
    assert trial.result is not None
    last = curve(trial.result)[-1]

    def is_before_the_last(_: int, event: "Event") -> bool:
        return not isinstance(event, Epoch) or (event.fold, event.number) < (last.fold, last.number)

    ((_, answer),) = perform(executor, [Train(trial.recipe)], is_before_the_last)
    if isinstance(answer, Failure):
        raise StudyError(f"trial {trial.number} could not be trained again: {answer.reason}")
    assert isinstance(answer, Result)
    return curve(Result.from_dict(answer.to_dict()))


def _metrics(epoch: "Epoch") -> tuple[object, ...]:
    """Everything but the time; as text, so that NaN equals NaN."""
    return (epoch.fold, epoch.number, repr(epoch.training), repr(epoch.validation))
