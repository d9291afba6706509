"""What tests of Python's interface share: data, and studies whose one network trains in a moment."""

from typing import Any

import numpy as np
import pandas as pd


def points() -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    """Two numbers, and which of them is larger."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=["left", "right"])
    return frame, pd.Series(np.where(frame.left > frame.right, "left", "right"), name="larger")


def tiny(loss: str = "categorical_crossentropy", output: str = "softmax", epochs: int = 6) -> dict[str, Any]:
    """A study of one trial, confirmed once; the same on every run."""
    training = {"epochs": epochs, "batch_size": 16, "loss": loss, "optimizer": {"kind": "adam", "learning_rate": 0.03}}
    return {
        "budget": {"trials": 1, "minutes": 5.0},
        "search": {"sampler": "random", "pruner": "none", "centre": False},
        "confirmation": {"seeds": 1, "anchors": False},
        "recipe": {
            "protocol": {"kind": "holdout", "validation": 0.2, "pick": "random"},
            "training": training,
            "network": {"kind": "dense", "widths": [16], "output": output},
        },
    }


def tiny_for_numbers(epochs: int = 6) -> dict[str, Any]:
    """The same for numbers."""
    return tiny("mean_squared_error", "linear", epochs)
