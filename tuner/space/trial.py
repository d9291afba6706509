"""What a function's `trial` is: it suggests as an Optuna trial does."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tuner.base.errors import Invalid
from tuner.space.asking import Asking
from tuner.space.holes import Choice, Hole, Range


class Trial:
    """The `trial` of `build(trial, inputs, outputs)`: `suggest_float`, `suggest_int` and `suggest_categorical` as in Optuna. The range of a
    name must be the same each time that it is suggested."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._params: dict[str, Any] = {}

    @property
    def params(self) -> Mapping[str, Any]:
        """What was suggested so far, by name."""
        return MappingProxyType(self._params)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """A number between two ends, both included."""
        return float(self._suggested(name, Range, float(low), float(high), log, step and float(step)))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """A whole number between two ends, both included."""
        high = low + (high - low) // step * step
        return int(self._suggested(name, Range, int(low), int(high), log, int(step) if step > 1 else None))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices: texts, numbers, truths, None, or lists and tables of those."""
        return self._suggested(name, Choice, tuple(choices))

    def _suggested(self, name: str, kind: type[Choice] | type[Range], *arguments: Any) -> Any:
        hole = hole_of(name, kind, *arguments)
        self._params[name] = hole.value(self._asking(name, hole))  # type: ignore[arg-type]
        return self._params[name]


def hole_of(name: str, kind: type[Choice] | type[Range], *arguments: Any) -> Hole:
    """The hole that a question for a name describes. Raises `Invalid` with the name where there is none such."""
    try:
        hole: Hole = kind(*arguments)
        if not hole.count or (
            isinstance(hole, Choice) and len({(type(each), each) for each in hole.names}) < len(hole.names)
        ):
            raise Invalid("", "must have at least one choice, and no choice twice")
    except (Invalid, TypeError, ValueError) as error:
        raise Invalid("network.source", f"the range of {name!r}: {error}") from None
    return hole
