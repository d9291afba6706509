"""Epochs, studies and confirmed winners that nobody trained."""

from dataclasses import replace
from pathlib import Path

from tuner.networks import Dense
from tuner.recipe import Data, Recipe, Training
from tuner.result import Epoch, Scores
from tuner.storage import StudyRecord, TrialRecord
from tuner.storage.confirmed import Confirmed

RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)), training=Training(epochs=1))


def confirmed(trials: tuple[int, ...], epochs: tuple[int, ...], accuracies: tuple[float, ...]) -> Confirmed:
    """A winner whose refits come from these trials, have so many epochs and such validation accuracies."""
    recipes = tuple(replace(RECIPE, training=replace(RECIPE.training, epochs=each)) for each in epochs)
    return Confirmed(
        trial=trials[0],
        recipe=recipes[0],
        seeds=tuple(range(1000, 1000 + len(trials))),
        validation=accuracies,
        test=0.9,
        test_loss=0.2,
        test_interval=(0.85, 0.93),
        test_examples=250,
        model=Path("best.keras"),
        recipes=recipes,
        trials=trials,
        looks=1,
    )


def study_of(values: list[float]) -> StudyRecord:
    """A study whose finished trials have these validation accuracies; it began with the recipe of the first one."""
    trials = (
        TrialRecord(
            number,
            number,
            "complete",
            (value,),
            {},
            replace(RECIPE, seed=number),
            None,
            "",
            {},
            start=None if number else 0,
        )
        for number, value in enumerate(values)
    )
    return StudyRecord("made", "", {}, ("validation_accuracy",), tuple(trials))


def epoch(number: int) -> Epoch:
    """An epoch of the first fold with an accuracy of one half."""
    scores = Scores(loss=0.7, figures={"accuracy": 0.5})
    return Epoch(fold=0, number=number, training=scores, validation=scores, learning_rate=0.01, seconds=0.1)
