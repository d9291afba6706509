"""Which part of a space has networks that cannot be built on their data. No array is needed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tuner.base.decode import decode
from tuner.base.errors import Invalid
from tuner.networks import layer_table
from tuner.recipe import Recipe, describe
from tuner.space import Node, OneOf, fillings, functions_in

SAMPLE = 500


@dataclass(frozen=True)
class Unbuildable:
    """The share of a space's fillings whose network cannot be built on the data, and the most frequent complaint. `counted`
    says that all fillings were tried; else the share is estimated from `SAMPLE` of them."""

    share: float
    counted: bool
    example: Invalid

    def __str__(self) -> str:
        percent = min(max(round(100 * self.share), 1), 99)
        share = f"{percent} %" if self.counted else f"about {percent} %"
        return f"{share} of the space cannot be built ({self.example}): such trials are refused"


def unbuildable(space: Node, corners: Iterable[Recipe]) -> Unbuildable | None:
    """The part of the space that cannot be built: all of it where no corner can, None where every corner can."""
    at_corners = [_complaint(recipe, space) for recipe in corners]
    if not any(at_corners):
        return None
    is_dear = all(at_corners) or any(functions_in(space))
    complaints = at_corners if is_dear else [_complaint(plain, space) for plain in fillings(space, SAMPLE)]
    share = sum(each is not None for each in complaints) / len(complaints)
    named = [each for each in (complaints if share else at_corners) if each is not None]
    frequent, _ = Counter((each.place, each.problem) for each in named).most_common(1)[0]
    return Unbuildable(share, len(complaints) < SAMPLE, Invalid(*frequent))


def _complaint(plain: Any, space: Node) -> Invalid | None:
    """Why a recipe's network cannot be built on its data, with the address in the space; None where it can."""
    try:
        recipe = decode(Recipe, plain, "recipe")
    except Invalid as complaint:
        return complaint
    data = describe(recipe.data)
    try:
        layer_table(recipe.network, data.inputs, data.outputs)
    except Invalid as complaint:
        place = complaint.place
        if isinstance(space, dict) and isinstance(space.get("network"), OneOf) and place != "network.kind":
            place = place.replace("network.", f"network.{recipe.network.kind}.", 1)
        return Invalid(f"recipe.{place}", complaint.problem)
    return None
