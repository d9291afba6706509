"""What is reported of a search, line by line."""

from dataclasses import replace

import pytest

from tests.support.fakes import Clock
from tests.support.outcomes import epoch
from tuner.networks import Dense
from tuner.python.progress import Lines, SearchState, ended_text, event_text, share_done
from tuner.recipe import Data, KFold, Recipe, Training
from tuner.result import Epoch, FoldResult, Pulse, Result, Scores
from tuner.storage import StudyRecord, TrialRecord
from tuner.study.settings import NO_LIMIT

RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=12))
FOLDS = replace(RECIPE, protocol=KFold(folds=3))
EMPTY = StudyRecord("small", "", {}, ("validation_accuracy",), ())
SCORES = Scores(loss=0.25, figures={"accuracy": 0.9, "log_loss": 0.3})


def lines() -> tuple[Lines, list[str]]:
    """Lines of a search that has begun its trial 7, without those so far."""
    reported: list[str] = []
    listener = Lines(lambda progress: reported.append(str(progress)))
    listener.planned(EMPTY, 20, 600)
    listener.began(7, RECIPE, None)
    reported.clear()
    return listener, reported


def an_epoch(fold: int, number: int) -> Epoch:
    """An epoch of a fold."""
    return replace(epoch(number), fold=fold, training=SCORES, validation=SCORES)


def finished(number: int) -> TrialRecord:
    """A trial with a log loss of 0.3 after 3 folds of 2 epochs."""
    folds = tuple(FoldResult(epochs=tuple(an_epoch(fold, each) for each in (1, 2)), kept=2) for fold in range(3))
    result = Result(folds=folds, ended="finished", reason="", parameters=9, seconds=1.5)
    return TrialRecord(number, number, "complete", (0.3,), {}, FOLDS, result, "", {})


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the progress."""
    clock = Clock()
    monkeypatch.setattr("tuner.python.progress.time", clock)
    return clock


def test_a_long_trial_gives_a_sign_of_life_now_and_then(now: Clock) -> None:
    listener, reported = lines()
    listener.advanced(7, epoch(5))
    assert reported == []
    now.sleep(31)
    listener.advanced(7, epoch(5))
    listener.advanced(7, epoch(6))
    assert reported == ["trial 7: epoch 5/12, validation accuracy 0.5000; searching, at most 9 min 29 s left"]


def test_so_does_a_long_epoch(now: Clock) -> None:
    listener, reported = lines()
    now.sleep(31)
    listener.advanced(7, Pulse(fold=0, epoch=3, share=0.43, training=Scores(loss=1.0, figures={"accuracy": 0.75})))
    assert reported == ["trial 7: epoch 3/12, 43% of it, training accuracy 0.7500; searching, at most 9 min 29 s left"]


def test_the_countdown_goes_on_between_events_and_names_the_phase(now: Clock) -> None:
    state = SearchState()
    state.plan(EMPTY, NO_LIMIT, 60)
    now.sleep(20)
    assert state.left_text == "searching, 40 s left"
    state.enter("refitting")
    now.sleep(5)
    assert state.left_text == "refitting, 35 s left"
    state.enter("testing")
    now.sleep(38)
    assert state.left_text == "testing for 38 s"


def test_with_a_number_of_trials_the_end_follows_from_those_that_ended(now: Clock) -> None:
    state = SearchState()
    state.plan(EMPTY, 4, 600)
    assert state.left_text == "searching, at most 10 min 0 s left"
    now.sleep(10)
    state.add(finished(0))
    assert state.left_text == "searching, 30 s left"
    now.sleep(10)
    assert state.left_text == "searching, 20 s left"
    now.sleep(25)
    assert state.left_text == "searching for 45 s"
    state.enter("refitting")
    now.sleep(7)
    assert state.left_text == "refitting for 7 s"


def test_every_value_has_the_name_of_the_objective() -> None:
    state = SearchState()
    state.plan(replace(EMPTY, objectives=("validation_log_loss",)), 4, 600)
    state.add(finished(2))
    assert state.best_text == "best validation log loss 0.3000 (trial 2)"
    assert ended_text(finished(2), "validation_log_loss") == (
        "complete, validation log loss 0.3000 after 2 epochs in each of 3 folds, 1.5 s"
    )
    assert event_text(an_epoch(0, 4), RECIPE, "validation_log_loss") == "epoch 4/12, validation log loss 0.3000"
    assert event_text(an_epoch(0, 4), RECIPE, "parameters") == "epoch 4/12, validation accuracy 0.9000"
    unvalidated = replace(an_epoch(0, 4), validation=None)
    assert event_text(unvalidated, RECIPE, "seconds") == "epoch 4/12, training accuracy 0.9000"


def test_a_bar_covers_all_folds_and_the_text_says_which_one() -> None:
    assert event_text(an_epoch(2, 6), FOLDS, "validation_loss") == "fold 3/3, epoch 6/12, validation loss 0.2500"
    half_an_epoch = Pulse(fold=1, epoch=1, share=0.5, training=SCORES)
    first, last = (FoldResult(epochs=(an_epoch(fold, 12),), kept=1) for fold in (0, 2))
    shares = [share_done(each, FOLDS) for each in (None, an_epoch(0, 6), first, half_an_epoch, an_epoch(2, 6), last)]
    assert shares == pytest.approx([0, 1 / 6, 1 / 3, 1 / 3 + 1 / 72, 5 / 6, 1])
    assert [event_text(each, FOLDS, "") for each in (first, last)] == ["next fold", "training on all examples"]
