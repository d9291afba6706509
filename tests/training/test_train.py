"""One training: in which order it sees the examples, when it ends, which weights count, what a killed one leaves."""

from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks import Dense
from tuner.recipe import Data, FallingRate, Holdout, Patience, Recipe, Sgd, Training
from tuner.result import Epoch, Event, Pulse, Result, Scores
from tuner.run import run
from tuner.training.checkpoint import Checkpoint, Position, Progress
from tuner.training.train import order_of_examples
from tuner.training.weights import BestWeights

SMALL = Recipe(
    data=Data(name="xor", scaling="none"),
    protocol=Holdout(validation=50),
    network=Dense(widths=(4,)),
    training=Training(optimizer=Sgd(learning_rate=0.1), epochs=3, batch_size=50),
)


def trained_with(**settings: object) -> Recipe:
    """The small recipe with settings of its training."""
    return replace(SMALL, training=replace(SMALL.training, **settings))  # type: ignore[arg-type]


def curve(result: Result) -> list[tuple[float, float]]:
    """Losses and accuracies without times."""
    return [(epoch.training.loss, epoch.training.accuracy) for epoch in result.folds[0].epochs]


def epoch_with(number: int, accuracy: float, loss: float = 0.5) -> Epoch:
    """An epoch with this validation."""
    scores = Scores(loss=loss, figures={"accuracy": accuracy})
    return Epoch(fold=0, number=number, training=scores, validation=scores, learning_rate=0.1, seconds=0.1)


def test_each_epoch_of_each_fold_has_an_order_of_its_own() -> None:
    def order(recipe: Recipe = SMALL, fold: int = 0, epoch: int = 1) -> list[int]:
        return list(map(int, order_of_examples(recipe, fold, epoch, 20)))

    assert order() == order()
    assert sorted(order()) == list(range(20))
    assert len({str(each) for each in (order(), order(fold=1), order(epoch=2), order(replace(SMALL, seed=1)))}) == 4
    assert order(trained_with(shuffle=False)) == list(range(20))
    drawn = trained_with(shuffle=False, bootstrap=True)
    assert order(drawn) == order(drawn, epoch=2) != order(drawn, fold=1)
    assert max(order(drawn)) > 10


@pytest.fixture
def model() -> keras.Model:
    """A model with a single weight."""
    return keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, use_bias=False)])


def offered(best: BestWeights, *epochs: Epoch) -> BestWeights:
    """After epochs whose numbers are their models' weights."""
    for epoch in epochs:
        best.model.set_weights([np.full((1, 1), epoch.number)])
        best.offer(epoch, best.model.get_weights)
    return best


def test_the_first_of_the_best_epochs_is_kept(model: keras.Model) -> None:
    epochs = [epoch_with(number, accuracy) for number, accuracy in ((1, 0.0), (2, 0.5), (3, 0.75), (4, 0.75), (5, 0.6))]
    assert offered(BestWeights(model, "validation_accuracy", Progress()), *epochs).restore() == 3
    assert model.get_weights()[0] == 3
    assert offered(BestWeights(model, "validation_accuracy", Progress()), epochs[0]).restore() == 1, (
        "no answer right, and the best so far"
    )


def test_what_is_not_finite_or_not_validated_is_not_the_best(model: keras.Model) -> None:
    broken = [epoch_with(1, 0.5, loss=float("nan")), replace(epoch_with(2, 0.9), validation=None)]
    assert offered(BestWeights(model, "validation_accuracy", Progress()), *broken).restore() == 0
    assert model.get_weights()[0] == 2, "the weights stay as they are"


def test_the_best_epoch_before_an_interruption_counts(model: keras.Model) -> None:
    epochs = (epoch_with(1, 0.5), epoch_with(2, 0.8), epoch_with(3, 0.6))
    before = Progress(position=Position(epochs=epochs, best_epoch=2), best_weights=(np.full((1, 1), 2.0),))
    assert offered(BestWeights(model, "validation_accuracy", before), epoch_with(4, 0.7)).restore() == 2
    assert model.get_weights()[0] == 2
    assert offered(BestWeights(model, "validation_accuracy", before), epoch_with(4, 0.81)).restore() == 4


@pytest.mark.slow
def test_patience_counts_the_epochs_since_the_last_improvement(places: Places) -> None:
    data, still = training_set("xor", places), Sgd(learning_rate=1e-9)

    def ended(optimizer: Sgd, **patience: object) -> tuple[str, int, str]:
        settings = {"epochs": 6, "optimizer": optimizer, "early_stopping": Patience(**patience)}  # type: ignore[arg-type]
        result = run(trained_with(**settings), data)
        return result.ended, result.epochs, result.reason

    stopped = ("stopped_early", 4, "no improvement up to epoch 4")
    assert ended(still, epochs=3, monitor="validation_accuracy") == stopped
    assert ended(still, epochs=3, min_delta=0.001) == stopped
    assert ended(Sgd(learning_rate=0.1), epochs=1)[:2] == ("finished", 6), "the loss falls in every epoch"
    assert ended(Sgd(learning_rate=0.1), epochs=1, min_delta=10.0)[:2] == ("stopped_early", 2)
    assert ended(still, epochs=6, monitor="validation_accuracy") == ("finished", 6, "")
    rising = ended(Sgd(learning_rate=1.0), epochs=2, monitor="validation_accuracy")
    assert rising[:2] == ("stopped_early", 5), "0.94, 0.98, and then every answer is right"


def test_a_training_that_is_told_to_stop_after_its_last_epoch_has_finished(places: Places, tmp_path: Path) -> None:
    data, file = training_set("xor", places), tmp_path / "1.npz"

    def until(number: int) -> Result:
        return run(SMALL, data, lambda each: not isinstance(each, Epoch) or each.number != number, checkpoint=file)

    second = until(2)
    assert (second.ended, second.epochs, second.reason) == ("pruned", 2, "stopped after epoch 2")
    first = until(1)
    assert (first.ended, first.epochs, first.reason) == ("pruned", 2, "stopped after epoch 1"), (
        "as it hears again of it"
    )
    last = until(3)
    assert (last.ended, last.epochs, last.reason, last.folds[0].kept) == ("finished", 3, "", 3)


def test_the_learning_rate_of_an_epoch_is_that_of_its_last_step(places: Places) -> None:
    schedule = FallingRate(kind="linear", final=0.5)
    (fold,) = run(trained_with(schedule=schedule), training_set("xor", places)).folds
    rates = [0.1 * (1 - 0.5 * step / 11) for step in (3, 7, 11)]
    assert [epoch.learning_rate for epoch in fold.epochs] == pytest.approx(rates)


@dataclass
class Ticking:
    """A clock that goes on by one whenever it is read."""

    now: int = 0

    def perf_counter(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is a call into the graph of its own, and each is written down; clocks tick when they are read."""
    monkeypatch.setattr("tuner.training.loop.CALL_SECONDS", 1e-9)
    monkeypatch.setattr("tuner.training.loop.FIRST_CALL", 1)
    monkeypatch.setattr("tuner.training.checkpoint.WRITE_SECONDS", -1.0)
    monkeypatch.setattr("tuner.training.train.time", Ticking())


@pytest.mark.usefixtures("step_by_step")
def test_a_long_epoch_gives_signs_of_life(places: Places) -> None:
    heard: list[Event] = []
    result = run(trained_with(epochs=2), training_set("xor", places), lambda event: heard.append(event) or True)  # type: ignore[func-returns-value]
    pulses = [(each.fold, each.epoch, each.share) for each in heard if isinstance(each, Pulse)]
    assert pulses == [(0, epoch, done / 4) for epoch in (1, 2) for done in (1, 2, 3)]
    assert [epoch.seconds for epoch in result.folds[0].epochs] == [4.0, 4.0], (
        "a tick a step; what is between is not its"
    )
    assert result.seconds == 17.0, "two readings a step, and those at the beginning and the end"


@pytest.mark.slow
@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_training_that_is_killed_or_stopped_in_an_epoch_goes_on_from_there(
    keep: str, places: Places, tmp_path: Path
) -> None:
    recipe, data, file = trained_with(keep=keep), training_set("xor", places), tmp_path / "1.npz"
    whole = run(recipe, data)
    heard: list[Event] = []

    def kill(event: Event) -> bool:
        heard.append(event)
        if len(heard) == 7:
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        run(recipe, data, kill, checkpoint=file)
    killed = Checkpoint(file, recipe).read().position
    assert (len(killed.epochs), killed.steps, killed.epoch_seconds) == (1, 3, 3.0), (
        "in the third step of the second epoch"
    )
    assert killed.best_epoch == (1 if keep == "best" else 0)
    stopped = run(recipe, data, lambda event: not isinstance(event, Pulse), checkpoint=file)
    assert (stopped.ended, stopped.reason, stopped.epochs) == ("pruned", "stopped in epoch 3", 2)
    assert Checkpoint(file, recipe).read().position.steps == 1
    assert stopped.seconds > killed.seconds > 0
    after = run(recipe, data, checkpoint=file)
    assert curve(after) == curve(whole)
    assert [epoch.seconds for epoch in after.folds[0].epochs] == [4.0, 4.0, 4.0]
    assert (after.validation, after.folds[0].kept) == (whole.validation, whole.folds[0].kept)
    assert after.seconds > sum(epoch.seconds for epoch in after.folds[0].epochs)
