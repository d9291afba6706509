"""The model card: facts, figures, limits of a confirmed model."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.models import metadata_of
from tuner.networks import Dense
from tuner.networks.columns import Coded, Column
from tuner.outcome.card import card, limits
from tuner.recipe import Data, DataInfo, Recipe, Table
from tuner.storage.confirmed import Confirmed

FOUND = DataInfo(
    identity="0123456789abcdef",
    training_examples=120,
    test_examples=30,
    classes=("a", "b"),
    rarest=40,
    columns=(Coded("number"), Coded("category", 5)),
)
TABLE = Table(
    path="flowers.csv",
    target="kind",
    columns=(Column(name="length", kind="number"), Column(name="color", kind="category")),
    found=FOUND,
)
RECIPE = Recipe(data=TABLE, network=Dense(widths=(8,)))


def test_a_card_has_data_metrics_selection_and_commands() -> None:
    text = card(metadata_of(RECIPE))
    for line in (
        "# small: a tuned network",
        "Task: classification: one of 2 classes (a, b). 67 parameters.",
        "- flowers.csv, identity `0123456789abcdef` (a hash of the arrays)",
        "- 120 training examples, 30 test examples",
        "- test part: 20% of all examples, drawn with seed 0",
        "- predicts kind from 2 columns: length (number), color (category)",
        "| accuracy | 0.8000 | 0.7000 to 0.9000 |  | higher |",
        "| log loss | 0.5000 |  |  | lower |",
        "- The search chose by validation accuracy; the test part was not used.",
        "- keras: 3.15.1",
        "- Its accuracy is known only to ±0.10: there are few test examples.",
        "- The rarest class has only 40 training examples.",
    ):
        assert line in text.splitlines()
    assert "$ python -m tuner optimize --study small" in text


@pytest.mark.parametrize(
    ("changed", "absent"),
    [(replace(TABLE, time="when"), "No time column"), (replace(TABLE, group="person"), "No group column")],
)
def test_what_was_tested_is_no_limit(changed: Table, absent: str) -> None:
    confirmed = Confirmed.from_dict(metadata_of(RECIPE))
    known = replace(confirmed, recipe=replace(RECIPE, data=changed))
    assert any(each.startswith(absent) for each in limits(confirmed))
    assert not any(each.startswith(absent) for each in limits(known))


def test_a_model_on_a_data_set_of_the_catalogue_has_a_card() -> None:
    text = card(metadata_of(Recipe(data=Data(name="digits"), network=Dense(widths=(8,)))))
    assert "- test part: the test part of the data set" in text
    assert "- arrays of 8×8" in text


def test_commands_name_the_folder_of_runs() -> None:
    metadata = {**metadata_of(RECIPE), "model": str(Path("my runs/small/best.keras"))}
    assert "--study small --runs 'my runs'" in card(metadata)


def test_a_card_names_the_trial_that_led_the_search_and_the_one_that_the_model_comes_from() -> None:
    metadata = {
        **metadata_of(RECIPE),
        "best_trial": 1,
        "trial": 0,
        "trials": [1, 0],
        "seeds": [1000, 1000],
        "recipes": [RECIPE.to_dict()] * 2,
        "validation_accuracy": [0.8, 0.9],
    }
    text = card(metadata)
    assert "- Trial 1 led the search by validation accuracy; the test part was not used." in text
    assert (
        "- 2 refits of 2 recipes on a fresh seed (1000), of trials 1 and 0: validation accuracy 0.8000, 0.9000." in text
    )
    assert "- The model is the refit with the best validation accuracy, of trial 0." in text


def test_a_card_tells_looks_intervals_and_better_reference_models() -> None:
    figures = {"accuracy": 0.95}
    logistic = {"name": "logistic", "figures": figures, "error": 0.01, "test_figures": {"accuracy": 0.82}}
    intervals = {"log_loss": {"low": 0.4, "high": 0.6, "method": "bootstrap"}}
    lines = card({**metadata_of(RECIPE), "looks": 2, "test_intervals": intervals, "anchors": [logistic]}).splitlines()
    assert "On 30 test examples, after 2 looks at the test part:" in lines
    assert "| log loss | 0.5000 | 0.4000 to 0.6000 | bootstrap | lower |" in lines
    limits = lines[lines.index("## Limits") : lines.index("## Versions")]
    assert "- The test part was opened 2 times: a choice among the scores of these looks is optimistic." in limits
    assert (
        "- Logistic regression is better than the final model on validation and test: validation accuracy 0.9500 against "
        "0.9000, test 0.8200 against 0.8000."
    ) in limits
