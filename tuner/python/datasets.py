"""Datasets as Keras's `fit` takes them (tf.data, `PyDataset`, generators of batches), read once into arrays."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.base.machine import memory
from tuner.data.ingest.prepare import RawExamples

SHARE_OF_MEMORY = 0.3
"""Larger datasets are refused: training processes have copies."""


def is_dataset(value: Any) -> bool:
    """Whether it is a `tf.data.Dataset`, a `PyDataset`, or an iterator."""
    return hasattr(value, "element_spec") or hasattr(value, "num_batches") or isinstance(value, Iterator)


def read_dataset(dataset: Any, name: str) -> tuple[Any, Any, Any]:
    """Inputs (an array, or arrays by name), targets and weights (or None) of all batches. Raises `DataError` for a dataset without an
    end, one that is too large for the memory, and other batches than those of `fit`."""
    batches, size = [], 0
    for batch in _batches(dataset, name):
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            kind = f"{len(batch)} parts" if isinstance(batch, tuple | list) else f"a {type(batch).__name__}"
            raise DataError(f"{name}: must give batches (x, y) or (x, y, weights), got {kind}")
        batches.append([_arrays(part) for part in batch])
        size += sum(
            each.nbytes for part in batches[-1] for each in (part.values() if isinstance(part, dict) else [part])
        )
        if size > SHARE_OF_MEMORY * memory():
            cure = "end a generator after one epoch, or pass a part of the data"
            much = f"{size / 2**30:.1f} GiB after {len(batches):,} batches"
            raise DataError(f"{name}: has no end, or does not fit into memory ({much}); {cure}")
    if not batches:
        raise DataError(f"{name}: has no batch: a generator that was read before is empty")
    x, y, *weights = (_joined(parts) for parts in zip(*batches, strict=True))
    return x, y, weights[0] if weights else None


def together(first: RawExamples, second: RawExamples) -> RawExamples:
    """The examples of both, those of the second last."""

    def joined(one: Any, other: Any) -> Any:
        if one is None or other is None:
            return None
        return (
            np.concatenate([one, other]) if isinstance(one, np.ndarray) else pd.concat([one, other], ignore_index=True)
        )

    if isinstance(first.x, pd.DataFrame) and list(first.x) != list(second.x):
        raise DataError(f"validation: must have the columns of x, {list(first.x)}, got {list(second.x)}")
    names = ("x", "y", "weights", "groups")
    return replace(first, **{name: joined(getattr(first, name), getattr(second, name)) for name in names})


def _batches(dataset: Any, name: str) -> Iterator[Any]:
    count = int(dataset.cardinality()) if hasattr(dataset, "cardinality") else getattr(dataset, "num_batches", 0)
    if count in (-1, None):
        raise DataError(f"{name}: has no end: leave out repeat(), or give a PyDataset a number of batches")
    if hasattr(dataset, "num_batches"):
        return (dataset[place] for place in range(count))
    return dataset.as_numpy_iterator() if hasattr(dataset, "as_numpy_iterator") else dataset  # type: ignore[no-any-return]


def _arrays(part: Any) -> Any:
    if isinstance(part, tuple | list):
        raise DataError("several inputs must be a dictionary of arrays by name, such as {'image': …, 'text': …}")
    return {key: np.asarray(each) for key, each in part.items()} if isinstance(part, Mapping) else np.asarray(part)


def _joined(parts: tuple[Any, ...]) -> Any:
    if isinstance(parts[0], dict):
        return {key: np.concatenate([each[key] for each in parts]) for key in parts[0]}
    return np.concatenate(parts)
