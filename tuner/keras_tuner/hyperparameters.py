"""`HyperParameters`: what a function asks for while it builds a model, and the values that it gets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partialmethod
from typing import Any

from tuner.keras_tuner.parameters import KINDS, HyperParameter, Parent, from_config, parent
from tuner.space import Hole


class HyperParameters:
    """KerasTuner's `hp`: a search space and one value for each active parameter. A new parameter has the value in `values`, else
    the answer of `asking` by its label and hole, else its default. In a condition that does not hold it has none.

    `Int` and `Float` take name, min_value, max_value, step, sampling (`linear`, `log`, `reverse_log`) and default; `Choice` name,
    values, ordered and default; `Boolean` name and default; `Fixed` name and value; each also parent_name and parent_values."""

    def __init__(self, asking: Callable[[str, Hole], Any] | None = None) -> None:
        self.asking = asking
        self.space: list[HyperParameter] = []
        self.values: dict[str, Any] = {}
        self.asked: list[str] = []
        self.inactive: list[tuple[Parent, ...]] = []  # conditions that did not hold
        self._names: list[str] = []
        self._conditions: tuple[Parent, ...] = ()

    def _ask(self, kind: str, name: str, *arguments: Any, parent_name: Any = None, **options: Any) -> Any:
        values = options.pop("parent_values", None)
        with self.conditional_scope(parent_name, values) if parent_name else nullcontext():
            asked = replace(KINDS[kind](self._full(name), *arguments, **options), conditions=self._conditions)
            if any(each.name == asked.name for each in self._conditions):
                raise ValueError(
                    f"A conditional `HyperParameter` cannot have the same name as its parent: {asked.name}"
                )
            self.asked.append(asked.name)
            place = self._place(asked)
            if place is None:
                self.space.append(asked)
            return self._value(asked if place is None else self.space[place])

    Int = partialmethod(_ask, "Int")
    Float = partialmethod(_ask, "Float")
    Choice = partialmethod(_ask, "Choice")
    Boolean = partialmethod(_ask, "Boolean")
    Fixed = partialmethod(_ask, "Fixed")

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """A context in which `name/` is put before each name."""
        self._names.append(name)
        try:
            yield
        finally:
            self._names.pop()

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """A context whose parameters are active, and not None, where an earlier parameter has one of these values."""
        condition, before = parent(self._full(parent_name), parent_values), self._conditions
        if not any(each.name == condition.name for each in self.space):
            raise ValueError(f"`HyperParameter` named: {condition.name} not defined: ask for it before its condition")
        self._conditions = (*before, condition)
        if not condition.is_active(self.values):
            self.inactive.append(self._conditions)
        try:
            yield
        finally:
            self._conditions = before

    def is_active(self, parameter: HyperParameter | str) -> bool:
        """Whether all conditions of the parameter hold, or of one with this name."""
        named = [parameter] if isinstance(parameter, HyperParameter) else [x for x in self.space if x.name == parameter]
        return any(all(each.is_active(self.values) for each in one.conditions) for one in named)

    def get(self, name: str) -> Any:
        """The value of an active parameter. Raises `ValueError` for an inactive one, `KeyError` for an unknown one."""
        name = self._full(name)
        self.asked.append(name)
        if name in self.values:
            return self.values[name]
        if any(each.name == name for each in self.space):
            raise ValueError(f"{name} is currently inactive.")
        raise KeyError(f"{name} does not exist.")

    __getitem__ = get

    def __contains__(self, name: str) -> bool:
        return self._full(name) in self.values

    def get_config(self) -> dict[str, Any]:
        """Space and values as plain data."""
        space = [{"class_name": each.kind, "config": each.get_config()} for each in self.space]
        return {"space": space, "values": dict(self.values)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "HyperParameters":
        """What `get_config` returned."""
        made = cls()
        made.space, made.values = list(map(from_config, config["space"])), dict(config["values"])
        return made

    def copy(self) -> "HyperParameters":
        """The same space and values."""
        return HyperParameters.from_config(self.get_config())

    def merge(self, others: "HyperParameters | Sequence[HyperParameter]", overwrite: bool = True) -> None:
        """Add parameters. With `overwrite` one of the same name and conditions is replaced, and has its new default."""
        for each in others.space if isinstance(others, HyperParameters) else others:
            place = self._place(each)
            if place is not None and overwrite:
                self.space[place] = each
                self.values.pop(each.name, None)
            elif place is None:
                self.space.append(each)
            self._value(each)

    def ensure_active_values(self) -> None:
        """Give every active parameter a value, and remove those of inactive ones."""
        active = {each.name for each in self.space if self._value(each) is not None}
        for name in {each.name for each in self.space} - active:
            self.values.pop(name, None)

    def _value(self, parameter: HyperParameter) -> Any:
        if not self.is_active(parameter):
            return None
        if parameter.name not in self.values:
            is_open = self.asking is not None and parameter.hole.count > 1
            answer = self.asking(parameter.label, parameter.hole) if self.asking and is_open else None
            self.values[parameter.name] = parameter.default if answer is None else parameter.value_of(answer)
        return self.values[parameter.name]

    def _place(self, parameter: HyperParameter) -> int | None:
        """Where the space has one of the same name and conditions."""
        same = (parameter.name, parameter.conditions)
        return next((i for i, each in enumerate(self.space) if (each.name, each.conditions) == same), None)

    def _full(self, name: str) -> str:
        return "/".join([*self._names, str(name)])
