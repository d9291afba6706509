"""Keras's callbacks in our loop: which events they get, what they may do, and that a stop changes nothing."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuner.base.errors import Invalid
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks import Dense
from tuner.networks.sources import source_at
from tuner.recipe import Data, Holdout, Recipe, Sgd, SteppedRate, Training
from tuner.result import Epoch, Event, Result
from tuner.run import run

HEAD = "import keras\n\ndef made():\n    return "
NOTED = """
import keras

class Noted(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.lines = [f"begin {self.params['epochs']} {self.params['steps']}"]
    def on_epoch_begin(self, epoch, logs=None):
        self.lines.append(f"epoch {epoch} at {float(self.model.optimizer.learning_rate):.2f}")
    def on_epoch_end(self, epoch, logs=None):
        self.lines.append(" ".join(sorted(logs)))
    def on_train_end(self, logs=None):
        with open(PATH, "a") as file:
            print(*self.lines, sep=chr(10), file=file)

class Batches(Noted):
    def on_train_batch_begin(self, batch, logs=None):
        self.lines.append(f"batch {batch}")
    def on_train_batch_end(self, batch, logs=None):
        self.lines.append(" ".join(sorted(logs)))

def made():
    return [Noted()]

def by_batch():
    return [Batches()]
"""


@pytest.fixture
def trained(places: Places, tmp_path: Path) -> Callable[..., Result]:
    """The result of a small recipe with callbacks from a file, and with settings of its training."""

    def made(text: str, name: str = "made", settings: Any = None, **others: Any) -> Result:
        file = tmp_path / "my_callbacks.py"
        file.write_text(text.replace("PATH", repr(str(tmp_path / "events.txt"))))
        source, sha256 = source_at(f"{file}:{name}", tmp_path)
        plain = {"optimizer": Sgd(learning_rate=0.1), "epochs": 4, "batch_size": 50, **(settings or {})}
        recipe = Recipe(
            data=Data(name="xor", scaling="none"),
            protocol=Holdout(validation=50),
            network=Dense(widths=(4,)),
            training=Training(**plain, callbacks=source, callbacks_sha256=sha256),
        )
        return run(recipe, training_set(recipe.data, places), **others)

    return made


def losses(result: Result) -> list[Any]:
    """The scores and learning rates of its epochs."""
    return [(each.training, each.validation, each.learning_rate) for each in result.folds[0].epochs]


def test_callbacks_get_the_events_and_the_logs_of_fit(trained: Callable[..., Result], tmp_path: Path) -> None:
    settings = {"epochs": 2, "schedule": SteppedRate(every=1, factor=0.5)}
    plain = trained(NOTED, settings=settings)
    assert (tmp_path / "events.txt").read_text().splitlines() == [
        "begin 2 4", "epoch 0 at 0.10", "accuracy loss val_accuracy val_loss",
        "epoch 1 at 0.05", "accuracy loss val_accuracy val_loss",
    ]  # fmt: skip
    by_batch = trained(NOTED, "by_batch", settings=settings)
    lines = (tmp_path / "events.txt").read_text().splitlines()
    assert lines[6:9] == ["epoch 0 at 0.10", "batch 0", "accuracy loss"]
    assert [each for each in lines if each.startswith("batch")] == [f"batch {number}" for number in [0, 1, 2, 3] * 2]
    assert losses(by_batch) == losses(plain)
    assert by_batch.reason == "trained batch by batch for Batches, which wants batch events: slower"


def test_a_callback_may_stop_the_training_and_put_the_best_weights_back(trained: Callable[..., Result]) -> None:
    stopping = "[keras.callbacks.EarlyStopping('val_loss', min_delta=9.0, patience=2, restore_best_weights=True)]\n"
    result = trained(HEAD + stopping)
    assert (result.ended, result.reason) == ("stopped_early", "a callback stopped the training after epoch 3")
    assert len(result.folds[0].epochs) == 3
    assert result.folds[0].kept == 1


def test_what_a_callback_makes_of_the_learning_rate_counts(trained: Callable[..., Result]) -> None:
    by_epoch = "[keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.2 / (1 + epoch))]\n"
    rates = [each.learning_rate for each in trained(HEAD + by_epoch).folds[0].epochs]
    assert rates == pytest.approx([0.2, 0.1, 0.2 / 3, 0.05])
    plateau = "[keras.callbacks.ReduceLROnPlateau('val_loss', factor=0.5, patience=1, min_delta=9.0)]\n"
    rates = [each.learning_rate for each in trained(HEAD + plateau).folds[0].epochs]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.025])
    accuracy = plateau.replace("val_loss", "val_accuracy")  # greater is better, as Keras knows of its own
    assert [each.learning_rate for each in trained(HEAD + accuracy).folds[0].epochs] == rates


@pytest.mark.parametrize("stopped_after", [1, 2, 3])
def test_callbacks_continue_with_what_they_knew(
    trained: Callable[..., Result], tmp_path: Path, stopped_after: int
) -> None:
    text = HEAD + (
        "[keras.callbacks.ReduceLROnPlateau('val_loss', factor=0.5, patience=1, min_delta=9.0),\n"
        "    keras.callbacks.EarlyStopping('val_loss', min_delta=9.0, patience=3, restore_best_weights=True)]\n"
    )

    def watch(event: Event) -> bool:
        return not (isinstance(event, Epoch) and event.number == stopped_after)

    settings, checkpoint = {"epochs": 6}, tmp_path / "checkpoint.npz"
    trained(text, settings=settings, watch=watch, checkpoint=checkpoint)
    weights: list[Any] = []
    parted, whole = (
        trained(text, settings=settings, checkpoint=each, visit=lambda done: weights.append(done.model.get_weights()))
        for each in (checkpoint, None)
    )
    assert losses(parted) == losses(whole)
    assert parted.folds[0].kept == whole.folds[0].kept == 1
    assert all((own == other).all() for own, other in zip(*weights, strict=True))


WRITING = """
import keras

class Named(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        with open(FOLDER + "/names.txt", "a") as file:
            print(self.params["training"], file=file)

def made():
    return [Named(), keras.callbacks.CSVLogger(FOLDER + "/log.csv"), keras.callbacks.ModelCheckpoint(FOLDER + "/{epoch}.keras")]

def note(board, model):
    with open(FOLDER + "/boards.txt", "a") as file:
        print(board.log_dir, file=file)

def board():
    nothing = {name: getattr(keras.callbacks.Callback, name) for name in dir(keras.callbacks.Callback) if name[:3] == "on_"}
    return [type("Board", (keras.callbacks.TensorBoard,), {**nothing, "set_model": note})(FOLDER + "/board")]
"""


@pytest.mark.slow
def test_each_training_writes_into_a_folder_of_its_own(trained: Callable[..., Result], tmp_path: Path) -> None:
    text = WRITING.replace("FOLDER", repr(str(tmp_path)))
    trained(text, settings={"epochs": 2})
    trained(text, settings={"epochs": 3})
    names = (tmp_path / "names.txt").read_text().split()
    assert len(set(names)) == 2
    for name, epochs in zip(names, (2, 3), strict=True):
        assert len((tmp_path / name / "log.csv").read_text().splitlines()) == 1 + epochs
        assert {each.name for each in (tmp_path / name).glob("*.keras")} == {f"{i}.keras" for i in range(1, epochs + 1)}
    trained(text, "board", settings={"epochs": 2})
    board = Path((tmp_path / "boards.txt").read_text().strip())
    assert board.parent == tmp_path / "board"
    assert re.fullmatch("[0-9a-f]{8}-0", board.name)


def test_the_log_of_a_training_that_continues_goes_on(trained: Callable[..., Result], tmp_path: Path) -> None:
    def watch(event: Event) -> bool:
        return not (isinstance(event, Epoch) and event.number == 2)

    logger, checkpoint = f"[keras.callbacks.CSVLogger({str(tmp_path / 'log.csv')!r})]\n", tmp_path / "checkpoint.npz"
    trained(HEAD + logger, watch=watch, checkpoint=checkpoint)
    trained(HEAD + logger, checkpoint=checkpoint)
    (log,) = tmp_path.glob("*/log.csv")
    first = [line.partition(",")[0] for line in log.read_text().splitlines()]
    assert first == ["epoch", "0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("3\n", r"training.callbacks: made must return a list of Keras callbacks, got 3"),
        ("[keras.callbacks.BackupAndRestore('x')]\n", "BackupAndRestore must be left out"),
        ("[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: 1 / 0)]\n", "LambdaCallback.on_epoch_end raised ZeroDiv"),
        ("nothing\n", "made raised NameError"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_callbacks_is_one_message(trained: Callable[..., Result], text: str, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        trained(HEAD + text)


def test_a_recipe_without_callbacks_has_the_key_that_it_had(places: Places) -> None:
    recipe = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)))
    assert replace(recipe, training=Training(callbacks="", phases=())).key == recipe.key
