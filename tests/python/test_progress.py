"""What is reported of a search, line by line."""

from tests.support.outcomes import epoch
from tuner.networks import Dense
from tuner.python.progress import Lines
from tuner.recipe import Data, Recipe, Training
from tuner.result import Pulse, Scores
from tuner.storage import StudyRecord

RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=12))


def lines() -> tuple[Lines, list[str]]:
    """Lines of a search that has begun its trial 7, without those so far."""
    reported: list[str] = []
    listener = Lines(lambda progress: reported.append(str(progress)))
    listener.planned(StudyRecord("small", "", {}, ("validation_accuracy",), ()), 20, 600)
    listener.began(7, RECIPE, None)
    reported.clear()
    return listener, reported


def test_a_long_trial_gives_a_sign_of_life_now_and_then() -> None:
    listener, reported = lines()
    listener.advanced(7, epoch(5))
    assert reported == []
    listener.reported -= 31
    listener.advanced(7, epoch(5))
    listener.advanced(7, epoch(6))
    assert reported == ["trial 7: epoch 5/12, accuracy 0.5000; 10 min 0 s left"]


def test_so_does_a_long_epoch() -> None:
    listener, reported = lines()
    listener.reported -= 31
    listener.advanced(7, Pulse(fold=0, epoch=3, share=0.43, training=Scores(loss=1.0, figures={"accuracy": 0.75})))
    assert reported == ["trial 7: epoch 3/12, 43% of it, training accuracy 0.7500; 10 min 0 s left"]
