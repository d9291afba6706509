"""Writes docs/reference-study-file.md from the types of the vocabulary: `python docs/make_study_file.py`. A test holds the two together."""

import re
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from tuner.base.decode import encode, kinds
from tuner.data.catalogue import CATALOGUE
from tuner.recipe import Data, Recipe
from tuner.study.settings import Budget, Confirmation, Search

HEAD = """# Every field of a study file

Made from the types by `python docs/make_study_file.py`. A bare name stands for a table with that `kind` and its defaults:
`optimizer = "adam"` is `optimizer = { kind = "adam" }`. In a study file every value of `[recipe]` may be a hole, and
`precision = "auto"` stands for the format that the machine is fast in on which the study begins.
"""

FOUND = "found"
"""What a look at own data fills in, and nobody writes."""


def page() -> str:
    """The whole page."""
    sections = [("budget", Budget), ("search", Search), ("confirmation", Confirmation), ("recipe", Recipe)]
    lines = [
        HEAD,
        "`title` and `objective` stand at the top of the file; `[[start]]` tables give values to try first, by address.\n",
    ]
    for name, record in sections:
        lines += _record(name, record, level=2)
    return "\n".join(lines)


def _record(name: str, record: Any, level: int) -> list[str]:
    hints = get_type_hints(record)
    lines = [f"{'#' * level} {name}\n", _docstring(record), ""]
    plain = [each for each in fields(record) if each.name not in ("kind", FOUND)]
    if plain:
        lines += ["| field | values | default |", "|---|---|---|"]
        values = {each.name: _values(hints[each.name]) for each in plain}
        if record is Data:
            values["name"] = ", ".join(f"`{name}`" for name in CATALOGUE)
        lines += [f"| `{each.name}` | {values[each.name]} | {_default(each)} |" for each in plain]
        lines.append("")
    for each in plain:
        for names, member in _members(hints[each.name]):
            lines += _record(f"{name}.{each.name}" + (f": {names}" if names else ""), member, level + 1)
    return lines


def _members(hint: Any) -> list[tuple[str, Any]]:
    """The records below a field, with the kinds that they answer to."""
    grouped: dict[Any, list[str]] = {}
    for kind, member in kinds(hint).items():
        grouped.setdefault(member, []).append(f"`{kind}`")
    records = [each for each in (hint, *get_args(hint)) if is_dataclass(each)]
    return [(", ".join(grouped.get(each, [])), each) for each in records]


def _docstring(record: Any) -> str:
    return re.sub(r"\s+", " ", (record.__doc__ or "").replace("\n\n", " ")).strip()


def _values(hint: Any) -> str:
    if kinds(hint):
        without = ["without `kind`"] if len(set(kinds(hint).values())) < len(get_args(hint)) else []
        return ", ".join(without + [f"`{kind}`" for kind in kinds(hint)])
    if is_dataclass(hint):
        return "a table"
    if get_origin(hint) is tuple:
        return f"a list of {_values(get_args(hint)[0])}"
    if get_args(hint):
        return ", ".join(f"`{each}`" if isinstance(each, str | int) else _values(each) for each in get_args(hint))
    return {int: "whole number", float: "number", bool: "`true`, `false`", str: "text"}[hint]


def _default(each: "Field[Any]") -> str:
    if each.default is MISSING:
        return "required"
    value = encode(each.default)
    if isinstance(value, dict):
        value = value.get("kind", "its defaults")
    return '`""`' if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    Path(__file__).with_name("reference-study-file.md").write_text(page(), encoding="utf-8")
