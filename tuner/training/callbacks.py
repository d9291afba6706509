"""Callbacks of the user's for Keras in our epoch loop: they get the events and the logs of `fit`."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import Invalid
from tuner.networks.sources import described, load_function
from tuner.recipe import Training
from tuner.result import Epoch, Scores
from tuner.training.checkpoint import Arrays
from tuner.training.loop import CALL_SECONDS, EpochLoop

BATCH_EVENTS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
PLACE, ARRAY = "training.callbacks", "array"
WRITING = (
    (keras.callbacks.TensorBoard, "log_dir"),
    (keras.callbacks.CSVLogger, "filename"),
    (keras.callbacks.ModelCheckpoint, "filepath"),
    (keras.callbacks.BackupAndRestore, "backup_dir"),
)
"""The callbacks of Keras that write, and their attribute that says where."""


class Callbacks:
    """The callbacks of a running training, from a function of the user's that returns them. What they make of the learning rate counts
    as a `factor` of the schedule from then on. What they write lies in a folder that is called after the `training`. Raises `Invalid`
    with the user's own lines where one of them fails."""

    def __init__(self, settings: Training, loop: EpochLoop, training: str) -> None:
        self.loop, self.model, self.training, self.factor = loop, loop.model, training, 1.0
        self.each = _made(settings) if settings.callbacks else []
        for one in self.each:
            write_below(one, training)
        by_batch = [
            type(one).__name__ for one in self.each if not all(_is_default(one, event) for event in BATCH_EVENTS)
        ]
        names = " and ".join(by_batch)
        self.note = f"trained batch by batch for {names}, which wants batch events: slower" if names else ""

    def begin(self, settings: Training, state: str, arrays: Arrays) -> None:
        """Begin a training, or continue one from its state."""

        def stored(table: dict[str, Any]) -> Any:
            return arrays[table[ARRAY]][()] if ARRAY in table else table

        self.model.stop_training = False
        for one in self.each:
            one.set_model(self.model)
            lengths = {"epochs": settings.epochs, "steps": self.loop.steps}
            one.set_params({"verbose": 0, "training": self.training, **lengths})
            if isinstance(one, keras.callbacks.CSVLogger) and state:
                one.append = True
        self.call("on_train_begin", {})
        for one in self.each:
            if hasattr(one, "_set_monitor_op"):  # Keras does so in the first epoch, and turns the sign of `min_delta`
                self._checked(one, "_set_monitor_op")
        if state:
            self.factor, self.model.stop_training, attributes = json.loads(state)
            for one, own in zip(self.each, attributes, strict=True):
                vars(one).update({name: json.loads(value, object_hook=stored) for name, value in own.items()})

    @property
    def state(self) -> tuple[str, Arrays]:
        """What they know, as far as it is plain data and arrays: as JSON, and its arrays."""
        arrays: list[NDArray[Any]] = []
        attributes = [dict(_attributes(one, arrays)) for one in self.each]
        return json.dumps([self.factor, self.stops, attributes]) if self.each else "", tuple(arrays)

    @property
    def stops(self) -> bool:
        """Whether one of them has stopped the training."""
        return bool(self.each) and bool(self.model.stop_training)

    def call(self, event: str, *arguments: Any) -> None:
        """Call a method of each."""
        before = self._rate()
        for one in self.each:
            self._checked(one, event, *arguments)
        after = self._rate()
        self.factor *= after / before if before and after != before else 1.0

    def epoch(self, epoch: Epoch) -> None:
        """The end of an epoch, with Keras's names of its scores."""
        validation = {} if epoch.validation is None else _logs(epoch.validation)
        logs = {**_logs(epoch.training), **{f"val_{name}": value for name, value in validation.items()}}
        self.call("on_epoch_end", epoch.number - 1, logs)

    def steps(
        self, order: Any, rates: NDArray[np.float32], first: int, last: int, *others: Any
    ) -> Iterator[tuple[int, Scores]]:
        """The steps of an epoch, as `EpochLoop.train` takes them; one by one where a callback gets batch events."""
        if not self.note:
            yield from self.loop.train(order, rates * np.float32(self.factor), first, last, *others)
            return
        called = time.perf_counter()
        for step in range(first, last):
            self.call("on_train_batch_begin", step, {})
            ((done, scores),) = self.loop.train(order, rates * np.float32(self.factor), step, step + 1, *others)
            self.call("on_train_batch_end", step, _logs(scores))
            if done == last or self.stops or time.perf_counter() - called > CALL_SECONDS:
                yield done, scores
                called = time.perf_counter()
            if self.stops:
                return

    def end(self) -> int:
        """The end of the training; the number of the epoch whose weights a callback has put back, or 0."""
        self.call("on_train_end", {})
        restoring = [one for one in self.each if getattr(one, "restore_best_weights", False) and one.best_weights]
        return int(restoring[-1].best_epoch) + 1 if restoring else 0

    @staticmethod
    def _checked(one: keras.callbacks.Callback, event: str, *arguments: Any) -> None:
        try:
            getattr(one, event)(*arguments)
        except Exception as error:
            raise Invalid(PLACE, described(error, f"{type(one).__name__}.{event}")) from error

    def _rate(self) -> float:
        return float(getattr(self.model.optimizer, "learning_rate", 1.0)) if self.each else 1.0


def _made(settings: Training) -> list[keras.callbacks.Callback]:
    name = settings.callbacks.rpartition(":")[2]
    try:
        made = load_function(settings.callbacks, settings.callbacks_sha256)()
    except Invalid as complaint:
        raise Invalid(PLACE, complaint.problem) from None
    except Exception as error:
        raise Invalid(PLACE, described(error, name)) from error
    if not isinstance(made, list | tuple) or not all(isinstance(one, keras.callbacks.Callback) for one in made):
        raise Invalid(PLACE, f"{name} must return a list of Keras callbacks, got {made!r}")
    if any(isinstance(one, keras.callbacks.BackupAndRestore) for one in made):
        raise Invalid(
            PLACE, "BackupAndRestore must be left out: every training has checkpoints and continues from them"
        )
    return list(made)


def write_below(callback: keras.callbacks.Callback, below: str) -> None:
    """Let a callback write its file or its folder into a folder `below` the one that it was made for."""
    for place in (str(getattr(callback, name)) for kind, name in WRITING if isinstance(callback, kind)):
        path = Path(place)
        moved = path.parent / below / path.name if path.suffix else path / below
        moved.parent.mkdir(parents=True, exist_ok=True)
        for name, value in list(vars(callback).items()):
            if isinstance(value, str | Path) and str(value).startswith(place):  # Keras derives other paths from it
                setattr(callback, name, str(moved) + str(value).removeprefix(place))


def _is_default(callback: keras.callbacks.Callback, event: str) -> bool:
    return bool(getattr(getattr(callback, event), "_is_default", False))


def _logs(scores: Scores) -> dict[str, float]:
    return {"loss": scores.loss, **scores.figures}


def _attributes(callback: keras.callbacks.Callback, arrays: list[NDArray[Any]]) -> Iterator[tuple[str, str]]:
    """What a callback knows by name, as JSON with the places of arrays. The rest (its model, functions, files) is as a new one has it."""
    if isinstance(callback, keras.callbacks.CSVLogger):  # whose state is that of its file
        return

    def placed(value: Any) -> dict[str, int]:
        if not isinstance(value, np.ndarray | np.generic):
            raise TypeError
        arrays.append(np.asarray(value))
        return {ARRAY: len(arrays) - 1}

    for name, value in vars(callback).items():
        with suppress(TypeError, ValueError):
            yield name, json.dumps(value, default=placed)
