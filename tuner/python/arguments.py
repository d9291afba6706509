"""The data among the arguments of `tuner.optimize`: the examples with their test part and a validation part of their own."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tuner.base.errors import StudyError
from tuner.data.ingest.prepare import RawExamples
from tuner.python.datasets import is_dataset, read_dataset, together
from tuner.python.examples import examples_of
from tuner.python.study import Changes
from tuner.recipe import Cut

Reader = Callable[..., RawExamples]
NUMBER = (int, float, np.number)


def data_of(
    x: Any, y: Any, columns: Mapping[str, Any], test: Any, validation: Any, changes: Changes
) -> tuple[RawExamples, Changes]:
    """The examples, those of a validation part at their end, and the changes of a study with the test part and the protocol. `columns`
    are the weights and the groups, or the names of their columns. Raises `TunerError` for what does not go together."""
    read = partial(_examples, for_function=changes.network is not None)
    examples = read(x, y, **columns)
    part = _test_part(read, 0.0 if test is None and validation is not None else test, y, columns)
    if isinstance(part, RawExamples):
        _require_same_shapes(examples, part, "test")
    changes = replace(changes, test=part)
    return (examples, changes) if validation is None else _validated(read, examples, validation, y, changes)


def _examples(
    x: Any, y: Any, weights: Any = None, groups: Any = None, *, for_function: bool, name: str = "the data"
) -> RawExamples:
    if is_dataset(x):
        if y is not None:
            raise StudyError("y: must be left out for a dataset, whose batches are (x, y)")
        x, y, weights = read_dataset(x, name)
    return examples_of(x, y, weights, groups, for_function=for_function)


def _validated(
    read: Reader, examples: RawExamples, validation: Any, y: Any, changes: Changes
) -> tuple[RawExamples, Changes]:
    """The examples with those of a validation part at their end."""
    if isinstance(changes.test, Cut) and changes.test.share:
        raise StudyError("test: must be a pair of x and y, or 0, where there is a validation part of its own")
    pair = validation if isinstance(validation, tuple) else (validation, y if isinstance(y, str) else None)
    part = read(*pair, name="validation")
    _require_same_shapes(examples, part, "validation")
    protocol = {"kind": "holdout", "validation": len(part.x), "pick": "last"}
    return together(examples, part), replace(changes, protocol=protocol)


def _require_same_shapes(examples: RawExamples, part: RawExamples, name: str) -> None:
    if part.target_shapes != examples.target_shapes:
        raise StudyError(f"{name}: its targets must have the names and shapes of those of the training part")


def _test_part(read: Reader, test: Any, y: Any, columns: Mapping[str, Any]) -> RawExamples | Cut:
    if is_dataset(test) or (isinstance(test, tuple | list) and len(test) == 2):
        return read(*(test if isinstance(test, tuple | list) else (test, None)), name="test")
    if test is None or (isinstance(test, NUMBER) and 0 <= test < 1):
        return Cut() if test is None else Cut(share=float(test))
    if isinstance(y, str) and not isinstance(test, NUMBER):
        return read(test, y, **{key: name for key, name in columns.items() if isinstance(name, str)})
    kind = test if isinstance(test, NUMBER) else f"a {type(test).__name__}"
    raise StudyError(f"test: must be a share such as 0.2, or a pair of x and y, got {kind}")
