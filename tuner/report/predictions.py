"""What the confirmed models give for the test part, beside what is true of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import TunerError
from tuner.base.metrics import Task
from tuner.data.examples import Examples, HeldOut
from tuner.data.ingest.prepare import split_off_test
from tuner.recipe import AnyData, Arrays, Cut, Recipe, Table, described
from tuner.storage.confirmed import Confirmed


@dataclass(frozen=True, eq=False)
class Rows:
    """Which rows the test examples are, counted from 1, and in words of what."""

    numbers: NDArray[np.int64]
    of: str


@dataclass(frozen=True, eq=False)
class Predictions:
    """`outputs` (networks, examples, outputs) are probabilities of classes or of labels, or numbers; those of the kept model
    are the `best`. `names` are those of classes, labels or targets."""

    task: Task
    names: tuple[str, ...]
    outputs: NDArray[np.float32]
    best: int
    examples: Examples
    rows: Rows
    value_range: tuple[float, float] = (0.0, 1.0)
    are_images: bool = False

    @property
    def said(self) -> NDArray[np.float32]:
        """What the kept model gives (examples, outputs)."""
        chosen: NDArray[np.float32] = self.outputs[self.best]
        return chosen

    @property
    def true(self) -> NDArray[Any]:
        """What is true: class numbers (examples,), labels or numbers (examples, outputs)."""
        return self.examples.labels

    @property
    def classes(self) -> NDArray[np.int64]:
        """The predicted class of each example by each model (networks, examples)."""
        found: NDArray[np.int64] = self.outputs.argmax(axis=2).astype(np.int64)
        return found


def predictions(confirmed: Confirmed, opened: Callable[[], HeldOut], gaps: list[str]) -> Predictions | None:
    """Read them, and what is true of the test part once it is `opened`; None where they are not there, and `gaps` says why."""
    path, data = confirmed.predictions, confirmed.recipe.data
    if confirmed.test is None:
        gaps.append("Nothing was held out for a test: every figure is one of validation, which has chosen the winner.")
        return None
    if path is None or not path.is_file():
        gaps.append(
            "What the confirmed models predict is not there: it lies in the folder of the runs, on the machine that confirmed them."
        )
        return None
    try:
        examples = opened().examples
    except TunerError as error:
        gaps.append(f"The test examples cannot be shown: {error}")
        return None
    about = described(data)
    with np.load(path) as kept:
        outputs, best = kept["outputs"].astype(np.float32), int(kept["best"])
    labels = examples.labels.astype(np.int64) if about.task == "classification" else np.asarray(examples.labels)
    return Predictions(
        task=about.task,
        names=about.classes,
        outputs=_probabilities(outputs, confirmed.recipe) if about.task == "classification" else outputs,
        best=best,
        examples=replace(examples, inputs=np.asarray(examples.inputs), labels=labels),
        rows=_rows(data, about.training_examples, examples),
        value_range=about.value_range,
        are_images=_are_images(data, examples),
    )


def _probabilities(outputs: NDArray[np.float32], recipe: Recipe) -> NDArray[np.float32]:
    match recipe.network.output:
        case "signed":
            positive = (outputs + 1) / 2
            return np.concatenate([1 - positive, positive], axis=2)
        case "linear":
            raised = np.exp(outputs - outputs.max(axis=2, keepdims=True))
            shares: NDArray[np.float32] = raised / raised.sum(axis=2, keepdims=True)
            return shares
    return outputs


def _are_images(data: AnyData, examples: Examples) -> bool:
    """Arrays are taken for images where they are bytes of height and width; other arrays may be anything."""
    shape = examples.shape
    looks_so = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))
    return looks_so and (not isinstance(data, Arrays) or examples.inputs.dtype == np.uint8)


def _rows(data: AnyData, training_examples: int, examples: Examples) -> Rows:
    """Of a test part that was cut off the rows of the whole file, where the cut can be told without reading it."""
    count = len(examples)
    places = np.arange(1, count + 1)
    if not isinstance(data, Table | Arrays) or examples.groups is not None:
        return Rows(places, "the test part")
    is_ordered = isinstance(data, Table) and bool(data.time)
    order = ", in the order of time" if is_ordered else ""
    if not isinstance(data.test, Cut):
        return Rows(places, f"{data.test}{order}")
    if examples.labels.ndim == 1 and not is_ordered:
        return Rows(places, "the test part")
    cut = split_off_test(data.test, np.empty((training_examples + count, 1)), None, is_ordered, data.path)[1]
    return Rows(cut + 1, f"{data.path}{order}")
