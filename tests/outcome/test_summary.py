"""The last lines of `optimize`: what they say of the winner, and of the recipe that the study began with beside it."""

from dataclasses import replace
from pathlib import Path

from tests.storage.test_records import RECIPE, record_of
from tuner.outcome.summary import summary
from tuner.recipe import Recipe
from tuner.search.loop import Outcome
from tuner.search.optimize import Report
from tuner.storage.confirmed import Confirmed


def confirmed(trials: tuple[int, ...], epochs: tuple[int, ...], accuracies: tuple[float, ...]) -> Confirmed:
    """Networks of these trials, each trained for so many epochs to such an accuracy."""
    recipes = tuple(with_epochs(each) for each in epochs)
    seeds = tuple(range(1000, 1000 + len(trials)))
    return Confirmed(
        trial=trials[0],
        recipe=recipes[0],
        seeds=seeds,
        validation=accuracies,
        test=0.9,
        test_loss=0.2,
        test_interval=(0.85, 0.93),
        test_examples=250,
        model=Path("best.keras"),
        recipes=recipes,
        trials=trials,
    )


def with_epochs(epochs: int) -> Recipe:
    return replace(RECIPE, training=replace(RECIPE.training, epochs=epochs))


def lines(found: Confirmed, values: list[float]) -> list[str]:
    """What is said of a study whose first trial is the recipe that it began with."""
    record = record_of(("validation_accuracy",), values)
    trials = [replace(trial, values=trial.values[:1]) for trial in record.trials]
    record = replace(record, trials=(replace(trials[0], start=0), *trials[1:]))
    return summary(Report(record, Outcome("timeout"), record.best, found, 60.0))


def test_each_contender_is_named_with_its_epochs_and_the_search_beside_the_first_recipe() -> None:
    told = lines(confirmed((2, 0, 2), (14, 26, 14), (0.94, 0.95, 0.93)), [0.91, 0.5, 0.92])
    assert told[2] == (
        "the recipe that it began with, trial 0: validation_accuracy 0.91; the search is better by 0.0100, trained again "
        "worse by 0.0100"
    )
    assert told[3] == (
        "validation accuracy on 3 fresh seeds: trial 2 for 14 epochs 0.9400, 0.9300; trial 0 for 26 epochs 0.9500"
    )


def test_one_contender_alone_needs_no_name() -> None:
    told = lines(confirmed((2, 2), (14, 14), (0.94, 0.93)), [0.91, 0.5, 0.92])
    assert told[2].endswith("the search is better by 0.0100")
    assert told[3] == "validation accuracy on 2 fresh seeds, 14 epochs: 0.9400, 0.9300"
    first = lines(confirmed((0,), (14,), (0.94,)), [0.93, 0.5, 0.92])
    assert first[2] == "that is the recipe that it began with: none of 2 others is better"
