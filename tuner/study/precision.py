"""The precision `auto`: left by a study file to the machine that the study begins on, and its own from then on."""

from collections.abc import Mapping
from typing import Any

from tuner.base.machine import fast_precision

PRECISIONS = ("float32", "bfloat16")


def resolve(said: Any, begun: Any = None) -> Any:
    """The recipe as it is said, each `auto` in it as at the same place of the recipe that the study began with (`begun`),
    or else as this machine is fast."""
    match said:
        case Mapping():
            return {key: _value(key, each, _at(begun, key)) for key, each in said.items()}
        case list():
            return [resolve(each, _at(begun, index)) for index, each in enumerate(said)]
        case _:
            return said


def _value(key: str, said: Any, begun: Any) -> Any:
    if key != "precision" or said != "auto":
        return resolve(said, begun)
    return begun if begun in PRECISIONS else fast_precision()


def _at(begun: Any, step: str | int) -> Any:
    if isinstance(begun, Mapping):
        return begun.get(step)
    return begun[step] if isinstance(begun, list) and isinstance(step, int) and step < len(begun) else None
