"""Loading a saved model for a command, without TensorFlow's start-up chatter."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.deploy.predictor import Predictor


def loaded(model: Path) -> "Predictor":
    """The model with its metadata; a message says if it has none."""
    started()
    from tuner.deploy.predictor import Predictor

    predictor = Predictor.load(model)
    if not predictor.output.has_names:
        name = model.with_suffix(".json").name
        print(f"the model has no metadata {name}: classes are named by their indices", file=sys.stderr)
    return predictor


def started() -> None:
    """Import TensorFlow and Keras."""
    from tuner.base.machine import cores
    from tuner.training.runtime import start

    with _silenced():
        start(cores())
        import tuner.deploy.predictor  # noqa: F401


@contextmanager
def _silenced() -> Iterator[None]:
    """Without what C++ writes to standard error before TensorFlow's own setting holds."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
