"""The constants that bring stored inputs to the scale of the recipe, computed from the training part only."""

import numpy as np
from numpy.typing import NDArray

from tuner.data.examples import TrainingSet
from tuner.data.splits import Indices
from tuner.recipe.data import Scaling

Constants = tuple[NDArray[np.float32], NDArray[np.float32]]


def scaling_constants(scaling: Scaling, data: TrainingSet, training: Indices) -> Constants:
    """`(offset, factor)` such that `(inputs - offset) * factor` is what the network sees."""
    low, high = data.value_range
    match scaling:
        case "none":
            return _float32(0.0, 1.0)
        case "unit":
            return _float32(low, 1 / (high - low))
        case "symmetric":
            return _float32((low + high) / 2, 2 / (high - low))
        case "standard":
            return _standard(data, training)


def _standard(data: TrainingSet, training: Indices) -> Constants:
    """Mean and standard deviation: one of each for images, one for each column otherwise. What never varies stays 0."""
    inputs = data.examples.inputs[training].astype(np.float64)
    axis = 0 if inputs.ndim == 2 else None
    deviation = np.asarray(inputs.std(axis=axis))
    factor = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return np.asarray(inputs.mean(axis=axis), np.float32), factor.astype(np.float32)


def _float32(offset: float, factor: float) -> Constants:
    return np.asarray(offset, np.float32), np.asarray(factor, np.float32)
