"""Strict conversion of plain data (from TOML, JSON, a storage) to frozen dataclasses and back.

The types are the schema: dataclasses, unions of dataclasses with different `kind`, `Literal`, `int`, `float`, `bool`, `str`,
tuples, and tables (`Mapping`). In a union a text stands for the member of that `kind` with its defaults (`optimizer = "adam"`
is `optimizer = { kind = "adam" }`), and a table without `kind` for the member without one. Errors have the address, the rule
and the closest allowed name.

Not pydantic: its messages for unions name Python classes, and its addresses contain the tag of the union.
"""

import math
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tuner.base.errors import Invalid, join, near_miss

T = TypeVar("T")


def decode(target: type[T], value: object, place: str = "") -> T:
    """The value of type `target` (a type or a union). Raises `Invalid` with the address of the first error."""
    return cast(T, _decode(target, value, place))


def encode(value: object) -> Any:
    """Plain data for JSON and TOML; `decode` returns an equal value."""
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    return value


@cache
def kinds(target: Any) -> Mapping[str, type]:
    """The dataclasses of a union by their `kind`."""
    members: tuple[Any, ...] = get_args(target) if _is_union(target) else (target,)
    records = [cast(type, member) for member in members if is_dataclass(member)]
    return {kind: record for record in records for kind in _own_kinds(record)}


_hints = cache(get_type_hints)


@cache
def _fields(target: type) -> Mapping[str, Field[Any]]:
    return {field.name: field for field in fields(target) if field.init}


@cache
def _own_kinds(member: type) -> tuple[str, ...]:
    hint = get_type_hints(member).get("kind")
    return get_args(hint) if get_origin(hint) is Literal else ()


def _decode(target: Any, value: object, place: str) -> object:
    return _decoder(target)(target, value, place)


@cache
def _decoder(target: Any) -> Callable[[Any, object, str], object]:
    if _is_union(target):
        return _decode_union
    if is_dataclass(target):
        return _decode_record
    return {Literal: _decode_literal, tuple: _decode_tuple, Mapping: _decode_table}.get(
        get_origin(target), _decode_scalar
    )


def _is_union(target: Any) -> bool:
    return get_origin(target) in (Union, types.UnionType)


def _decode_union(target: Any, value: object, place: str) -> object:
    by_kind, options, without = kinds(target), get_args(target), _without_kind(target)
    if isinstance(value, str) and by_kind and (value in by_kind or not without):
        value = {"kind": value}
    if by_kind and (without or isinstance(value, Mapping)):
        kind = value.get("kind") if isinstance(value, Mapping) else None
        if kind is None and without:
            return _decode_record(without[0], value, place)
        if kind is None:
            raise Invalid(join(place, "kind"), f"missing; allowed: {', '.join(by_kind)}")
        if not isinstance(kind, str) or kind not in by_kind:
            raise Invalid(join(place, "kind"), f"unknown kind {kind!r}; {near_miss(str(kind), by_kind)}")
        return _decode_record(by_kind[kind], value, place)
    if type(value) is int and float in options and int not in options:
        value = float(value)
    accepting = [option for option in options if _accepts(option, value)]
    for option in accepting[:-1]:  # such as a shape, and shapes by their names
        with suppress(Invalid):
            return _decode(option, value, place)
    if accepting:
        return _decode(accepting[-1], value, place)
    raise Invalid(place, f"must be {' or '.join(_type_text(option) for option in options)}, got {value!r}")


@cache
def _without_kind(target: Any) -> tuple[type, ...]:
    """The dataclasses of a union that have no `kind`."""
    return tuple(
        cast(type, each) for each in get_args(target) if is_dataclass(each) and not _own_kinds(cast(type, each))
    )


def _accepts(option: Any, value: object) -> bool:
    if get_origin(option) is tuple:
        return isinstance(value, list | tuple)
    if is_dataclass(option):
        return isinstance(value, Mapping)
    if option is type(None):
        return value is None
    return type(value) is option


def _decode_table(target: Any, value: object, place: str) -> object:
    if not isinstance(value, Mapping):
        raise Invalid(place, f"must be a table, got {value!r}")
    return dict(value)


def _decode_literal(target: Any, value: object, place: str) -> object:
    allowed = get_args(target)
    if value in allowed and any(type(value) is type(each) for each in allowed):
        return value
    raise Invalid(place, f"unknown value {value!r}; {near_miss(str(value), [str(each) for each in allowed])}")


def _decode_tuple(target: Any, value: object, place: str) -> tuple[object, ...]:
    """A list of one type, or of as many types as it has items."""
    items = get_args(target)
    if not isinstance(value, list | tuple):
        raise Invalid(place, f"must be a list of {_type_text(items[0])}, got {value!r}")
    types_of = items[:1] * len(value) if items[-1] is ... else items
    if len(types_of) != len(value):
        raise Invalid(place, f"must be a list of {len(types_of)}, got {value!r}")
    pairs = zip(types_of, value, strict=True)
    return tuple(_decode(item, each, f"{place}[{index}]") for index, (item, each) in enumerate(pairs))


def _decode_record(target: type, value: object, place: str) -> object:
    if isinstance(value, target):
        return value
    own_kinds = _own_kinds(target)
    if isinstance(value, str) and value in own_kinds:
        value = {"kind": value}
    if not isinstance(value, Mapping):
        raise Invalid(place, f"must be a table, got {value!r}")
    known = _fields(target)
    for key in value:
        if key not in known:
            raise Invalid(join(place, str(key)), f"unknown key; {near_miss(str(key), known)}")
    hints = _hints(target)
    arguments = {key: _decode(hints[key], each, join(place, key)) for key, each in value.items()}
    for name, field in known.items():
        if name not in arguments and field.default is MISSING and field.default_factory is MISSING:
            raise Invalid(join(place, name), f"missing; must be {_type_text(hints[name])}")
    try:
        return target(**arguments)
    except Invalid as complaint:
        raise complaint.inside(place) from None


def _decode_scalar(target: Any, value: object, place: str) -> object:
    if target is float and type(value) is int:
        return float(value)
    if type(value) is not target:
        raise Invalid(place, f"must be {_type_text(target)}, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid(place, f"must be a finite number, got {value!r}")
    return value


def _type_text(target: Any) -> str:
    if _is_union(target):
        by_kind = kinds(target)
        return f"one of {', '.join(by_kind)}" if by_kind else " or ".join(_type_text(each) for each in get_args(target))
    if get_origin(target) is Literal:
        return f"one of {', '.join(str(each) for each in get_args(target))}"
    if get_origin(target) is tuple:
        return f"a list of {_type_text(get_args(target)[0])}"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", type(None): "nothing"}
    return names.get(target, "a table")
