"""Addresses in plain nested data: the value at one, and changing a value or a hole, as `--set address=value` does."""

import re
from collections.abc import Mapping
from typing import Any

from tuner.base.errors import Invalid, join, near_miss


def override(plain: Mapping[str, Any], address: str, value: Any) -> dict[str, Any]:
    """The same nested data with `value` (which may be a hole) at `address`.

    Inside `one_of`, the branch's kind may be part of the address (`network.dense.widths`); without it every branch
    changes. `network.kind` keeps that branch only. Raises `Invalid` where the address leads nowhere.
    """
    steps = [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", address)]
    if not steps:
        raise Invalid(address, "is not an address; write it as in the file, such as training.batch_size")
    changed: dict[str, Any] = _override(plain, steps, value, "")
    return changed


def value_at(plain: Any, name: str) -> Any:
    """The value at an address, or None. A branch's kind is part of the address."""
    for step in re.findall(r"[^.\[\]]+", name):
        if step == "count" and isinstance(plain, list):
            plain = len(plain)
        elif isinstance(plain, list) and step.isdigit() and int(step) < len(plain):
            plain = plain[int(step)]
        elif isinstance(plain, Mapping) and step in plain:
            plain = plain[step]
        elif not (isinstance(plain, Mapping) and plain.get("kind") == step):
            return None
    return plain


def _override(node: Any, steps: list[str | int], value: Any, place: str) -> Any:
    if not steps:
        return value
    step, *rest = steps
    if isinstance(node, Mapping) and "one_of" in node:
        return _override_branches(node, steps, value, place)
    if isinstance(step, int):
        if not isinstance(node, list) or step >= len(node):
            raise Invalid(join(place, f"[{step}]"), "there is no such item here; set the whole list instead")
        changed = _override(node[step], rest, value, f"{place}[{step}]")
        return [*node[:step], changed, *node[step + 1 :]]
    if isinstance(node, str):
        node = {"kind": node}
    if not isinstance(node, Mapping):
        raise Invalid(join(place, step), f"{place} is a value without parts; set {place} itself")
    return {**node, step: _override(node.get(step, {}), rest, value, join(place, step))}


def _override_branches(node: Mapping[str, Any], steps: list[str | int], value: Any, place: str) -> Any:
    options = node["one_of"] if isinstance(node["one_of"], list) else []
    branches = [{"kind": each} if isinstance(each, str) else each for each in options]
    if not branches or not all(isinstance(branch, Mapping) and "kind" in branch for branch in branches):
        raise Invalid(join(place, "one_of"), f"must be a list of tables with a kind, got {node['one_of']!r}")
    kinds = [branch["kind"] for branch in branches]
    step, *rest = steps
    if step == "kind":
        if value not in kinds:
            raise Invalid(join(place, "kind"), f"the space has no branch {value!r}; {near_miss(str(value), kinds)}")
        return {"one_of": [branch for branch in branches if branch["kind"] == value]}
    if step in kinds:
        return {"one_of": [_override(each, rest, value, place) if each["kind"] == step else each for each in branches]}
    return {"one_of": [_override(each, steps, value, place) for each in branches]}
