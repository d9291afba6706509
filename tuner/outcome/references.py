"""Reference models in the storage: one set for each combination of data, protocol and metric."""

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


def stored_references(attributes: Mapping[str, Any], recipe: Recipe, metric: str) -> tuple[ReferenceModel, ...] | None:
    """The reference models on a recipe's splits, from the attributes of its study; None if none were fitted."""
    plain = attributes.get(ATTRIBUTE, {}).get(key_of(recipe, metric))
    return None if plain is None else tuple(ReferenceModel(**each) for each in plain)


def store_references(study: optuna.Study, recipe: Recipe, metric: str, models: Sequence[ReferenceModel]) -> None:
    """Store the reference models on a recipe's splits."""
    known = study.user_attrs.get(ATTRIBUTE, {})
    study.set_user_attr(ATTRIBUTE, {**known, key_of(recipe, metric): [asdict(each) for each in models]})


def key_of(recipe: Recipe, metric: str) -> str:
    """Identifies what the scores of reference models depend on: the data's identity, the folds, the metric."""
    protocol = json.dumps(encode(recipe.protocol), sort_keys=True).encode()
    return f"{describe(recipe.data).identity}/{hashlib.sha256(protocol).hexdigest()[:16]}/{metric}"
