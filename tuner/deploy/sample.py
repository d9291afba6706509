"""Examples to try an exported model on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import TunerError
from tuner.data.load import training_set_of
from tuner.data.sources import Places
from tuner.deploy.inputs import blocks_of
from tuner.deploy.predictor import Predictor

EXAMPLES = 500


@dataclass(frozen=True, eq=False)
class Sample:
    """Inputs as the network takes them, what is true of them (None where that is not known), and where they are from."""

    inputs: NDArray[Any]
    true: NDArray[Any] | None
    origin: str


def sample_for(predictor: Predictor, data: str, places: Places) -> Sample:
    """Some of the `data` where any are named, else of the training part, else drawn ones."""
    if data:
        block = next(blocks_of(predictor, data))
        return Sample(block.inputs[:EXAMPLES], None, data)
    if predictor.recipe:
        try:
            examples = training_set_of(predictor.recipe.data, places).examples
        except TunerError:
            return _drawn(predictor)
        rows = np.sort(np.random.default_rng(0).permutation(len(examples))[:EXAMPLES])
        true = examples.labels[rows]
        return Sample(examples.inputs[rows], true.astype(np.int64) if true.ndim == 1 else true, "the training part")
    return _drawn(predictor)


def _drawn(predictor: Predictor) -> Sample:
    chance, shape = np.random.default_rng(0), tuple(each or 1 for each in predictor.shape)
    if predictor.coding is None:
        return Sample(chance.uniform(0, 1, (EXAMPLES, *shape)).astype(np.float32), None, "drawn numbers")
    places = [
        chance.normal(0, 1, EXAMPLES) if column.coded.is_number else chance.integers(0, column.coded.size, EXAMPLES)
        for column in predictor.coding.columns
        for _ in range(column.places)
    ]
    return Sample(np.stack(places, axis=1).astype(np.float32), None, "drawn rows")
