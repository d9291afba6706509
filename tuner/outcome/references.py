"""The plain models beside a study's networks, as they stand in the storage: once for each data, protocol and measure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import optuna

from tuner.base.decode import encode
from tuner.recipe import Recipe, describe
from tuner.references import ReferenceModel

ATTRIBUTE = "anchors"


def stored_references(attributes: Mapping[str, Any], recipe: Recipe, measure: str) -> tuple[ReferenceModel, ...] | None:
    """Those beside a recipe, from the attributes of its study; None where none have been trained."""
    plain = attributes.get(ATTRIBUTE, {}).get(key_of(recipe, measure))
    return None if plain is None else tuple(ReferenceModel(**each) for each in plain)


def store_references(study: optuna.Study, recipe: Recipe, measure: str, anchors: Sequence[ReferenceModel]) -> None:
    """Keep what was trained beside a recipe."""
    known = study.user_attrs.get(ATTRIBUTE, {})
    study.set_user_attr(ATTRIBUTE, {**known, key_of(recipe, measure): [asdict(each) for each in anchors]})


def key_of(recipe: Recipe, measure: str) -> str:
    """Names all that decides the figures of plain models: the data by its contents, the folds, what is asked for."""
    protocol = json.dumps(encode(recipe.protocol), sort_keys=True).encode()
    return f"{describe(recipe.data).identity}/{hashlib.sha256(protocol).hexdigest()[:16]}/{measure}"
