"""The examples that a caller passes: the training part, and parts of their own for validation and test."""

from dataclasses import replace
from typing import Any

import numpy as np

from tuner.base.errors import StudyError
from tuner.data.ingest.prepare import RawExamples
from tuner.python.datasets import is_dataset, read_dataset, together
from tuner.python.examples import examples_of
from tuner.python.study import Changes
from tuner.recipe import Cut

NUMBER = (int, float, np.number)


def given(
    x: Any, y: Any, weights: Any, groups: Any, test: Any, validation: Any, changes: Changes
) -> tuple[RawExamples, Changes]:
    """The examples, those of a validation part at their end, and the changes of a study for them. Targets of a function's network may have
    any shape. Raises `TunerError` for what is no data."""
    shapes = changes.network is not None
    examples = _examples(x, y, weights, groups, shapes=shapes)
    part = _test_part(0.0 if test is None and validation is not None else test, y, weights, groups, shapes=shapes)
    if isinstance(part, RawExamples):
        _require_same_shapes(examples, part, "test")
    changes = replace(changes, test=part)
    if validation is None:
        return examples, changes
    if isinstance(part, Cut) and part.share:
        raise StudyError("test: must be a pair of x and y, or 0, where there is a validation part of its own")
    pair = validation if isinstance(validation, tuple) else (validation, y if isinstance(y, str) else None)
    other = _examples(*pair, name="validation", shapes=shapes)
    _require_same_shapes(examples, other, "validation")
    protocol = {"kind": "holdout", "validation": len(other.x), "pick": "last"}
    return together(examples, other), replace(changes, protocol=protocol)


def _examples(
    x: Any, y: Any, weights: Any = None, groups: Any = None, *, name: str = "the data", shapes: bool
) -> RawExamples:
    if is_dataset(x):
        if y is not None:
            raise StudyError("y: must be left out for a dataset, whose batches are (x, y)")
        x, y, weights = read_dataset(x, name)
    return examples_of(x, y, weights, groups, shapes=shapes)


def _require_same_shapes(examples: RawExamples, part: RawExamples, name: str) -> None:
    if part.target_shapes != examples.target_shapes:
        raise StudyError(f"{name}: its targets must have the names and shapes of those of the training part")


def _test_part(test: Any, y: Any, weights: Any, groups: Any, *, shapes: bool) -> RawExamples | Cut:
    if is_dataset(test) or (isinstance(test, tuple | list) and len(test) == 2):
        return _examples(*(test if isinstance(test, tuple | list) else (test, None)), name="test", shapes=shapes)
    if test is None or (isinstance(test, NUMBER) and 0 <= test < 1):
        return Cut() if test is None else Cut(share=float(test))
    if isinstance(y, str) and not isinstance(test, NUMBER):
        return examples_of(test, y, *(each if isinstance(each, str) else None for each in (weights, groups)))
    kind = test if isinstance(test, NUMBER) else f"a {type(test).__name__}"
    raise StudyError(f"test: must be a share such as 0.2, or a pair of x and y, got {kind}")
