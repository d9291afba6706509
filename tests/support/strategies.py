"""Hypothesis strategies: any recipe, any space."""

from dataclasses import fields, is_dataclass
from typing import Any, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from tuner.base.decode import kinds
from tuner.base.errors import Invalid
from tuner.data.catalogue import CATALOGUE
from tuner.recipe import Augmentation, Data, Holdout, Loss, Recipe, Training
from tuner.recipe.losses import LOSSES

SHARES = st.floats(0.0, 0.9).map(lambda number: round(number, 6))
POSITIVE = st.floats(1e-6, 0.9).map(lambda number: float(f"{number:.6g}"))


def plain_of(target: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Plain data that decodes to `target`, field by field from its types."""
    by_kind = kinds(target)
    if len(by_kind) > 1 or (by_kind and not is_dataclass(target)):
        members = [kind for kind in by_kind if target is not Loss or kind in LOSSES["classification"]]
        return st.one_of([_record(by_kind[kind], kind) for kind in members])
    if is_dataclass(target):
        return _record(cast(type, target), next(iter(by_kind), None))
    if get_origin(target) is tuple:
        return st.lists(plain_of(get_args(target)[0], name), min_size=1, max_size=3)
    if type(None) is target:
        return st.none()
    if get_args(target) and get_origin(target) is not None and str(get_origin(target)).find("Literal") >= 0:
        return st.sampled_from(get_args(target))
    if get_args(target):
        return plain_of(get_args(target)[0], name)
    scalars: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(2, 50),
        float: POSITIVE,
        str: st.text(max_size=5),
    }
    return scalars[target]


def _record(target: type, kind: str | None) -> st.SearchStrategy[dict[str, Any]]:
    hints = get_type_hints(target)
    parts = {each.name: plain_of(hints[each.name], each.name) for each in fields(target) if each.name != "kind"}
    if target is Data:
        parts["name"] = st.sampled_from(list(CATALOGUE))
    if target is Recipe:
        parts["data"] = _record(Data, None)  # own data needs a file, and has other tests
    if target is Training:
        parts["phases"] = st.just([])  # they are for functions, and have other tests
    if target is Augmentation:
        parts["mixup"] = st.sampled_from([0.0, 0.0, 0.3])  # most losses exclude it
    if target is Holdout:
        parts["distortion"] = _record(Augmentation, None).map(lambda plain: {**plain, "mixup": 0.0})
    for monitor in {"monitor", "keep_by"} & parts.keys():
        parts[monitor] = st.sampled_from(["validation_loss", "validation_accuracy"])  # those of the catalogue
    own = {"kind": st.just(kind)} if kind else {}
    return st.fixed_dictionaries({**own, **parts})


def _decodes(plain: Any) -> bool:
    try:
        Recipe.from_dict(plain)
    except Invalid:
        return False
    return True


def recipes() -> st.SearchStrategy[Recipe]:
    """Any recipe: every field drawn from its type, combinations that contradict themselves left out."""
    return plain_of(Recipe).filter(_decodes).map(Recipe.from_dict)
