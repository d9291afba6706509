"""Phases of a training, such as the head of a pretrained network first and then all of it."""

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import accumulate, pairwise

from tuner.base.errors import Invalid, near_miss, require
from tuner.base.ranges import Positive, Share, record
from tuner.networks.function import LayerInfo

Trainable = str | int | tuple[str, ...]
"""Patterns of the names of layers, or a number of last layers."""


@record
class Phase:
    """A part of a training in which some layers learn: freeze, fit, unfreeze, fit. `share` is its share of all steps; the last phase
    has what the others leave.

    `trainable` are the layers that learn: a pattern of their names or several (`"*"` for all, `["head", "block_5*"]`), or how many
    of the last layers with weights. The others are frozen as by Keras's `trainable = False`: batch normalization in them runs in
    inference mode. A phase begins with a new state of the optimizer, as after Keras's `compile`. The learning rate is
    `learning_rate_factor` times that of the optimizer and its schedule, which goes on over all phases.
    """

    share: Share = 0.0
    trainable: str | int | tuple[str, ...] = "*"
    learning_rate_factor: Positive = 1.0

    def __post_init__(self) -> None:
        is_some = self.trainable > 0 if isinstance(self.trainable, int) else bool(self.trainable)
        rule = 'be a pattern of names such as "*", a list of such patterns, or a number of layers of at least 1'
        require(is_some, "trainable", rule, self.trainable)

    @property
    def text(self) -> str:
        """Its layers and its learning rate."""
        names = (self.trainable,) if isinstance(self.trainable, str) else self.trainable
        layers = f"last {names}" if isinstance(names, int) else " ".join(names)
        return f"{layers} at {self.learning_rate_factor:.2g}×"


def require_whole(phases: Sequence[Phase]) -> None:
    """Raise `Invalid` where the shares of the phases leave nothing for the last one, or too much."""
    *before, last = phases
    for number, each in enumerate(before):
        require(each.share > 0, f"phases[{number}].share", "be above 0 in all phases but the last", each.share)
    rest = 1 - sum(each.share for each in before)
    require(rest > 1e-9, "phases", "leave a share of the steps for the last one", [each.share for each in before])
    if last.share and not math.isclose(last.share, rest):
        rule = f"be what the other phases leave, {rest:.3g}, or be left out"
        raise Invalid(f"phases[{len(before)}].share", f"must {rule}, got {last.share}")


def starts(phases: Sequence[Phase]) -> list[float]:
    """The share of the steps before each phase."""
    return [0.0, *accumulate(each.share for each in phases[:-1])]


def shares(phases: Sequence[Phase]) -> list[float]:
    """The share of the steps of each phase; 1 where there are none."""
    return [end - begin for begin, end in pairwise([*starts(phases), 1.0])]


def learning(trainable: Trainable, layers: Sequence[LayerInfo]) -> tuple[bool, ...]:
    """Whether each layer learns. Raises `Invalid` for a pattern that no name matches, and for more layers than there are."""
    names = [each.name for each in layers]
    if isinstance(trainable, int):
        require(trainable <= len(names), "trainable", f"be at most the {len(names)} layers with weights", trainable)
        return tuple(index >= len(names) - trainable for index in range(len(names)))
    patterns = (trainable,) if isinstance(trainable, str) else trainable
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise Invalid("trainable", f"no layer with weights is called {pattern!r}; {near_miss(pattern, names)}")
    return tuple(any(fnmatchcase(name, pattern) for pattern in patterns) for name in names)


def step_cost(trainable: Trainable, layers: Sequence[LayerInfo]) -> float:
    """The time of a step relative to one in which all layers learn, by multiply-adds: all forward, back to the first layer that
    learns, and once more for the gradients of each that does."""
    total = sum(each.multiply_adds for each in layers)
    if not total:
        return 1.0
    learns = learning(trainable, layers)
    back = sum(each.multiply_adds for each in layers[learns.index(True) :])
    gradients = sum(each.multiply_adds for each, own in zip(layers, learns, strict=True) if own)
    return (total + back + gradients) / (3 * total)
