"""What a function asks in the script of `export --as code`: these classes stand there as source, and know each answer already."""

from collections.abc import Iterator
from contextlib import contextmanager


class Trial:
    """Suggests the values that were found, by name."""

    def __init__(self, params: dict[str, object]) -> None:
        self.params = params

    def suggest_float(self, name: str, *_: object, **__: object) -> object:
        return self.params[name]

    suggest_int = suggest_categorical = suggest_float


class HyperParameters:
    """Has the values that were found, by name; None under a condition that does not hold."""

    def __init__(self, values: dict[str, object]) -> None:
        self.values, self._prefix, self._is_active = values, "", True

    def Int(
        self, name: str, *_: object, parent_name: str = "", parent_values: object = None, **__: object
    ) -> object | None:
        with self.conditional_scope(parent_name, parent_values):
            return self.values.get(self._prefix + name) if self._is_active else None

    Float = Choice = Boolean = Fixed = Int

    def get(self, name: str) -> object:
        return self.values[self._prefix + name]

    __getitem__ = get

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self.values

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        before, self._prefix = self._prefix, f"{self._prefix}{name}/"
        try:
            yield
        finally:
            self._prefix = before

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: object) -> Iterator[None]:
        before, allowed = self._is_active, parent_values if isinstance(parent_values, list | tuple) else [parent_values]
        if parent_name:
            self._is_active = before and self.values.get(self._prefix + parent_name) in allowed
        try:
            yield
        finally:
            self._is_active = before


STAND_INS = {"trial": (Trial, "params"), "hp": (HyperParameters, "values")}
"""By the name of a function's first parameter; with the attribute that has all values of what the function asked in the search."""
