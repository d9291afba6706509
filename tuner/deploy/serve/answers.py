"""What the server says of examples, as plain data."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.deploy.predictor import Predicted, Predictor


def answers(predictor: Predictor, inputs: NDArray[Any]) -> list[dict[str, Any]]:
    """For each example its `prediction` (a class, labels by name, a number or numbers by name) and `probabilities` by name."""
    meaning = predictor.meaning
    values = meaning.of(predictor.network_says(inputs))
    numbers, names = values.tolist(), meaning.names
    match meaning.task:
        case "classification":
            classes = Predicted(meaning.task, names, values).classes
            return [
                {"prediction": name, "probabilities": dict(zip(names, row, strict=True))}
                for name, row in zip(classes, numbers, strict=True)
            ]
        case "multi_label":
            return [
                {
                    "prediction": {name: share > 0.5 for name, share in zip(names, row, strict=True)},
                    "probabilities": dict(zip(names, row, strict=True)),
                }
                for row in numbers
            ]
        case _:
            told = [row[0] if len(names) == 1 else dict(zip(names, row, strict=True)) for row in numbers]
            return [{"prediction": each} for each in told]


def warmed_up(predictor: Predictor) -> None:
    """Let the first question be as fast as all others."""
    shape = tuple(each or 1 for each in predictor.shape)
    answers(predictor, np.zeros((1, *shape), np.float32))
