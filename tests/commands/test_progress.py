"""What a person sees of a search in a pipe."""

import io

from rich.console import Console

from tests.support.outcomes import epoch
from tuner.commands.progress import Lines
from tuner.networks import Dense
from tuner.recipe import Data, Recipe, Training
from tuner.result import Pulse, Scores
from tuner.storage import StudyRecord

RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=12))


def lines() -> tuple[Lines, io.StringIO]:
    """Lines into a text, of a search that has begun its trial 7."""
    text = io.StringIO()
    listener = Lines(Console(file=text, width=200))
    listener.planned(StudyRecord("small", "", {}, ("validation_accuracy",), ()), 20, 600)
    listener.began(7, RECIPE, None)
    text.truncate(0)
    return listener, text


def test_a_long_trial_gives_a_sign_of_life_now_and_then() -> None:
    listener, text = lines()
    listener.advanced(7, epoch(5))
    assert text.getvalue() == ""
    listener.printed -= 31
    listener.advanced(7, epoch(5))
    assert text.getvalue().lstrip("\0") == "trial 7: epoch 5/12, accuracy 0.5000; 10 min 0 s left\n"
    listener.advanced(7, epoch(6))
    assert text.getvalue().count("\n") == 1


def test_so_does_a_long_epoch() -> None:
    listener, text = lines()
    listener.printed -= 31
    listener.advanced(7, Pulse(fold=0, epoch=3, share=0.43, training=Scores(loss=1.0, figures={"accuracy": 0.75})))
    line = "trial 7: epoch 3/12, 43% of it, training accuracy 0.7500; 10 min 0 s left\n"
    assert text.getvalue().lstrip("\0") == line
