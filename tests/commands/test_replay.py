"""A trial trained again: the same curve, or where it differs."""

from pathlib import Path

import pytest
from optuna.storages import BaseStorage

from tests.support.outcomes import epoch
from tests.support.searches import search, small
from tuner.base.errors import StudyError
from tuner.commands.replay import curve, first_difference, train_again, trial_with_curve
from tuner.data.sources import Places
from tuner.storage import read_study
from tuner.worker.executor import Setup
from tuner.worker.inprocess import InProcess


def test_a_shorter_curve_differs_where_it_ends() -> None:
    whole = tuple(epoch(number) for number in (1, 2, 3))
    assert first_difference(whole, whole[:2]) == whole[2]
    assert first_difference(whole[:1], whole) == whole[1]
    assert first_difference(whole, whole) is None


@pytest.mark.slow
def test_a_training_that_paused_is_one_curve_under_all_its_numbers(
    storage: BaseStorage, small_study: Path, places: Places
) -> None:
    pruner = 'search.pruner={kind="asha", min_epochs=1, factor=2}'
    search(storage, small(small_study, pruner, "training.epochs=4"), places, trials=4)
    record = read_study(storage, "small")
    best = record.best
    assert best is not None
    assert len(best.numbers) > 1
    assert trial_with_curve(record, best.first) == trial_with_curve(record, best.number) == best
    assert best.result is not None
    assert first_difference(curve(best.result), train_again(best, InProcess(Setup(places)))) is None
    with pytest.raises(StudyError, match=r"^the study 'small' has no trial 99; it has 4$"):
        trial_with_curve(record, 99)
