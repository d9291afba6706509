"""Whether recipes fit their data, as far as the catalogue's shapes and sizes tell: no array is needed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tuner.base.decode import decode
from tuner.base.errors import Invalid
from tuner.data.splits import require_sizes
from tuner.networks import layer_table
from tuner.recipe import Recipe, described
from tuner.space import Node, OneOf, fillings

SAMPLE = 500


@dataclass(frozen=True)
class Unbuildable:
    """The share of a space's fillings that make no network which stands on its data, and the most frequent complaint.
    `counted` where it is of all fillings, else estimated from `SAMPLE` of them."""

    share: float
    counted: bool
    example: Invalid

    def __str__(self) -> str:
        percent = min(max(round(100 * self.share), 1), 99)
        share = f"{percent} %" if self.counted else f"about {percent} %"
        return f"{share} of the space cannot be built ({self.example}): such trials are refused"


def check_protocol(recipe: Recipe) -> None:
    """Raise `Invalid` where the data set has too few examples for the protocol."""
    data = described(recipe.data)
    classes = data.outputs if data.task == "classification" else 1
    try:
        require_sizes(recipe.protocol, data.training_examples, classes, data.rarest)
    except Invalid as complaint:
        raise complaint.inside("recipe") from None


def unbuildable(space: Node, corners: Iterable[Recipe]) -> Unbuildable | None:
    """What of the space cannot be built: 1.0 of it where no corner can, None where every corner can."""
    at_corners = [_complaint(recipe, space) for recipe in corners]
    if not any(at_corners):
        return None
    complaints = at_corners if all(at_corners) else [_complaint_of(plain, space) for plain in fillings(space, SAMPLE)]
    share = sum(each is not None for each in complaints) / len(complaints)
    named = [each for each in (complaints if share else at_corners) if each is not None]
    frequent, _ = Counter((each.place, each.problem) for each in named).most_common(1)[0]
    return Unbuildable(share, len(complaints) < SAMPLE, Invalid(*frequent))


def _complaint_of(plain: Any, space: Node) -> Invalid | None:
    try:
        return _complaint(decode(Recipe, plain, "recipe"), space)
    except Invalid as complaint:
        return complaint


def _complaint(recipe: Recipe, space: Node) -> Invalid | None:
    """Why the recipe's network cannot stand on its data, with the address in the space; None where it can."""
    data = described(recipe.data)
    try:
        layer_table(recipe.network, data.inputs, data.outputs)
    except Invalid as complaint:
        place = complaint.place
        if isinstance(space, dict) and isinstance(space.get("network"), OneOf) and place != "network.kind":
            place = place.replace("network.", f"network.{recipe.network.kind}.", 1)
        return Invalid(f"recipe.{place}", complaint.problem)
    return None
