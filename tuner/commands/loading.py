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
    """The model with its papers; where there are none, that is said."""
    started()
    from tuner.deploy.predictor import Predictor

    predictor = Predictor.load(model)
    if not predictor.meaning.has_names:
        beside = model.with_suffix(".json").name
        print(f"there are no papers {beside} beside the model: classes are told by their numbers", file=sys.stderr)
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
