"""Running recipes: by every protocol, the same again, stopped, diverged."""

from dataclasses import replace

import pytest

from tuner.data.load import Places, held_out, training_set
from tuner.errors import Invalid
from tuner.recipe import (
    Data,
    Dense,
    Holdout,
    KFold,
    NoValidation,
    OnTest,
    Patience,
    PlainLoss,
    Recipe,
    Sgd,
    Training,
)
from tuner.result import Epoch, FoldResult, Result
from tuner.run import run

SMALL = Recipe(
    data=Data(name="xor", scaling="none"),
    protocol=Holdout(validation=50),
    network=Dense(widths=(4,)),
    training=Training(optimizer=Sgd(learning_rate=0.1), epochs=3, batch_size=25),
)


def curve(result: Result) -> list[tuple[float, float]]:
    """Losses and accuracies without times."""
    return [(epoch.training.loss, epoch.training.accuracy) for fold in result.folds for epoch in fold.epochs]


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_result(places: Places) -> None:
    data = training_set("xor", places)
    recipe = replace(SMALL, network=replace(SMALL.network, input_dropout=0.2))  # type: ignore[arg-type]
    first, second, other = run(recipe, data), run(recipe, data), run(replace(recipe, seed=1), data)
    assert curve(first) == curve(second)
    assert curve(first) != curve(other)


@pytest.mark.slow
def test_every_protocol_gives_its_figures(places: Places) -> None:
    data = training_set("xor", places)
    folds = run(replace(SMALL, protocol=KFold(folds=3)), data)
    assert [len(fold.epochs) for fold in folds.folds] == [3, 3, 3]
    assert folds.validation is not None
    assert run(replace(SMALL, protocol=NoValidation()), data).validation is None
    on_test = run(replace(SMALL, protocol=OnTest()), data, held_out=held_out("xor", places))
    assert on_test.validation is not None
    with pytest.raises(Invalid, match=r"^protocol\.kind: 'on_test' needs the held-out test part"):
        run(replace(SMALL, protocol=OnTest()), data)


def test_a_watch_may_stop_a_run(places: Places) -> None:
    result = run(
        SMALL, training_set("xor", places), watch=lambda event: not isinstance(event, Epoch) or event.number < 2
    )
    assert (result.ended, result.epochs, result.reason) == ("pruned", 2, "stopped after epoch 2")


@pytest.mark.slow
def test_a_watch_may_stop_between_folds(places: Places) -> None:
    recipe = replace(SMALL, protocol=KFold(folds=3))
    result = run(recipe, training_set("xor", places), watch=lambda event: not isinstance(event, FoldResult))
    assert (result.ended, len(result.folds), result.reason) == ("pruned", 1, "stopped after fold 1")


def test_divergence_is_a_result(places: Places) -> None:
    training = replace(SMALL.training, optimizer=Sgd(learning_rate=1e12), loss=PlainLoss(kind="mean_squared_error"))
    network = replace(SMALL.network, output="linear")
    result = run(replace(SMALL, training=training, network=network), training_set("xor", places))
    assert (result.ended, result.reason) == ("diverged", "the loss is not finite after epoch 1")
    assert Result.from_dict(result.to_dict()).ended == "diverged"


@pytest.mark.slow
def test_patience_ends_a_training_that_does_not_improve(places: Places) -> None:
    stuck = replace(
        SMALL.training,
        optimizer=Sgd(learning_rate=1e-9),
        epochs=10,
        early_stopping=Patience(epochs=2, min_delta=0.01),
    )
    result = run(replace(SMALL, training=stuck), training_set("xor", places))
    assert (result.ended, result.epochs) == ("stopped_early", 3)


@pytest.mark.slow
def test_the_best_epoch_is_kept_where_it_is_asked_for(places: Places) -> None:
    training = replace(SMALL.training, keep="best", epochs=5)
    result = run(replace(SMALL, training=training), training_set("xor", places))
    accuracies = [epoch.validation.accuracy for epoch in result.folds[0].epochs if epoch.validation]
    assert result.validation is not None
    assert result.validation.accuracy == max(accuracies)


@pytest.mark.slow
def test_a_single_tanh_unit_learns_the_playgrounds_circle(places: Places) -> None:
    recipe = Recipe(
        data=Data(name="circle", scaling="none"),
        protocol=NoValidation(),
        network=Dense(widths=(3,), output="signed"),
        training=Training(
            loss=PlainLoss(kind="half_squared_error"), optimizer=Sgd(learning_rate=0.03), batch_size=10, epochs=150
        ),
    )
    result = run(recipe, training_set("circle", places))
    assert result.training is not None
    assert result.training.accuracy > 0.75


def test_a_result_survives_json(places: Places) -> None:
    result = run(SMALL, training_set("xor", places))
    again = Result.from_dict(result.to_dict())
    assert again.to_dict() == result.to_dict()
    assert again.validation is not None
