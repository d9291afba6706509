"""One parameter of a search space, with KerasTuner's arguments: its values as a hole, its default, and when it is active."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Real
from random import Random
from typing import Any

from tuner.space import Choice, Hole, Range

Value = bool | int | float | str
SCALES = ("linear", "log", "reverse_log")
POINTS = 10
"""A grid takes so many values of a range that has no steps."""


@dataclass(frozen=True)
class Parent:
    """A condition: the parameter `name` is active and has one of these values."""

    name: str
    values: tuple[Value, ...]

    def is_active(self, values: Mapping[str, Any]) -> bool:
        return self.name in values and values[self.name] in self.values


@dataclass(frozen=True)
class HyperParameter:
    """A parameter. `settings` are the arguments of its `kind`, a method of `HyperParameters`. With `is_mirrored` (`reverse_log`) an
    answer of the hole stands for the value at the same distance from the other end."""

    kind: str
    name: str
    hole: Hole
    default: Any
    settings: Mapping[str, Any]
    conditions: tuple[Parent, ...] = ()
    is_mirrored: bool = False

    def __getattr__(self, name: str) -> Any:
        """One of its arguments, such as `min_value`."""
        if name.startswith("_") or name not in vars(self).get("settings", ()):
            raise AttributeError(f"{vars(self).get('kind')} has no {name!r}")
        return self.settings[name]

    @property
    def label(self) -> str:
        """Its name in the storage. With another condition it is another parameter there."""
        conditions = " & ".join(f"{each.name}={','.join(map(str, each.values))}" for each in self.conditions)
        return self.name + (" (mirrored)" if self.is_mirrored else "") + (f" | {conditions}" if conditions else "")

    @property
    def values(self) -> list[Any]:
        """All its values; ten of a range without steps."""
        has_steps = math.isfinite(self.hole.count) and self.settings.get("sampling", "linear") == "linear"
        return list(map(self.value_of, self.hole.points(int(self.hole.count) if has_steps else POINTS)))

    def value_of(self, answer: Any) -> Any:
        """The value that an answer of the hole stands for, and the answer for a value."""
        if self.is_mirrored and isinstance(self.hole, Range):
            answer = self.hole.low + self.hole.high - answer
        return self.hole.value(answer)

    def allows(self, value: Any) -> bool:
        """Whether it may have this value, and another one too."""
        is_number = isinstance(value, int | float) or not self.is_mirrored
        return (
            self.hole.count > 1 and is_number and self.hole.allows(self.value_of(value) if self.is_mirrored else value)
        )

    def random_sample(self, seed: int | None = None) -> Any:
        """A value, drawn evenly on the parameter's own scale."""
        return self.value_of(self.hole.drawn(Random(seed)))

    def get_config(self) -> dict[str, Any]:
        """Its arguments as plain data."""
        conditions = [{"class_name": "Parent", "config": vars(each)} for each in self.conditions]
        return {"name": self.name, **self.settings, "conditions": conditions}


def from_config(plain: Mapping[str, Any]) -> HyperParameter:
    """The parameter of a `class_name` and a `config`."""
    settings = dict(plain["config"])
    conditions = tuple(parent(**each["config"]) for each in settings.pop("conditions"))
    return replace(KINDS[plain["class_name"]](**settings), conditions=conditions)


def parent(name: str, values: Any) -> Parent:
    """The condition of `parent_name` and `parent_values`, which may be one value."""
    many = tuple(values) if isinstance(values, list | tuple) else (values,)
    if not all(isinstance(each, Value) for each in many):
        raise TypeError(f"parent_values of {name!r} can contain only int, float, str and bool, got {values!r}")
    return Parent(name, many)


def _number(
    kind: Callable[[Any], Any],
    name: str,
    min_value: Any,
    max_value: Any,
    step: Any = None,
    sampling: str | None = "linear",
    default: Any = None,
) -> HyperParameter:
    scale, title = (sampling or "linear").lower(), "Int" if kind is int else "Float"
    about, asked = f"For HyperParameters.{title}(name={name!r}), ", [min_value, max_value, 1 if step is None else step]
    if not all(isinstance(each, Real) for each in asked):
        raise TypeError(f"{about}min_value, max_value and step must be numbers, got {asked}")
    low, high, step = kind(min_value), kind(max_value), None if step is None else kind(step)
    least, numbers = int(scale != "linear"), [low, high, 1 if step is None else step]
    rules = {
        f"min_value, max_value and step must be an int, got {asked}": numbers == asked,
        f"min_value {low} is greater than the max_value {high}": low <= high,
        f"sampling must be one of {', '.join(SCALES)}, got {sampling!r}": scale in SCALES,
        f"sampling={scale!r} does not support negative values or 0, got min_value {low}": low > 0 or not least,
        f"expected step > {least} with sampling={scale!r}, got step={step}": step is None or step > least,
    }
    if broken := [rule for rule, holds in rules.items() if not holds]:
        raise ValueError(about + broken[0])
    default = low if default is None else kind(default)
    settings = {"min_value": low, "max_value": high, "step": step, "sampling": scale, "default": default}
    is_mirrored = scale == "reverse_log" and step is None
    return HyperParameter(title, name, _range(kind, low, high, step, scale), default, settings, (), is_mirrored)


def _range(kind: Callable[[Any], Any], low: Any, high: Any, step: Any, scale: str) -> Hole:
    """On a linear scale steps are added, up to the last one that is not above `high`; on a logarithmic one multiplied."""
    if step is None or low == high:
        return Range(low, high, log=scale != "linear")
    if scale == "linear":
        return Range(low, kind(low + math.floor((high - low) / step + 1e-8) * step), step=step)
    powers = [low * step**index for index in range(int(math.log(high / low, step) + 1e-8) + 1)]
    return Choice(tuple(kind(each if scale == "log" else high + low - each) for each in powers))


def _choice(name: str, values: Sequence[Any], ordered: bool | None = None, default: Any = None) -> HyperParameter:
    values = list(values)
    if not values:
        raise ValueError(f"`values` must be provided for HyperParameters.Choice(name={name!r}), got {values!r}")
    if len({type(each) for each in values}) > 1 or not isinstance(values[0], Value):
        rule = "one type of value" if isinstance(values[0], Value) else "`int`, `float`, `str` or `bool`"
        raise TypeError(f"A `Choice` can contain only {rule}; {name!r} has {values!r}")
    if default is not None and default not in values:
        raise ValueError(f"The default value should be one of the choices {values!r} of {name!r}, got {default!r}")
    if ordered and isinstance(values[0], str):
        raise ValueError(f"`ordered` of {name!r} must be `False` for values that are no numbers")
    is_number = isinstance(values[0], int | float)
    settings = {"values": values, "ordered": is_number if ordered is None else ordered, "default": default}
    options = Choice(tuple(dict.fromkeys(values)))
    return HyperParameter("Choice", name, options, values[0] if default is None else default, settings)


def _boolean(name: str, default: bool = False) -> HyperParameter:
    if not isinstance(default, bool):
        raise ValueError(f"`default` of {name!r} must be a Python boolean, got {default!r}")
    return HyperParameter("Boolean", name, Choice((True, False)), default, {"default": default})


def _fixed(name: str, value: Any) -> HyperParameter:
    if not isinstance(value, Value):
        raise ValueError(f"`Fixed` value must be an `int`, `float`, `str` or `bool`; {name!r} has {value!r}")
    return HyperParameter("Fixed", name, Choice((value,)), value, {"value": value})


KINDS: dict[str, Callable[..., HyperParameter]] = {
    "Int": partial(_number, int),
    "Float": partial(_number, float),
    "Choice": _choice,
    "Boolean": _boolean,
    "Fixed": _fixed,
}
