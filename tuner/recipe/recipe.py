"""The recipe itself: one experiment, completely said, as one frozen value."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any

from tuner.base.decode import decode, encode
from tuner.base.errors import Invalid, require_seed
from tuner.base.metrics import metrics_for
from tuner.networks import Network, network_summary
from tuner.recipe.augmentation import Augmentation
from tuner.recipe.data import AnyData, Table, task_of
from tuner.recipe.protocols import Holdout, Protocol, validated_part
from tuner.recipe.training import Patience, Plateau, Training


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One experiment. Equal recipes give equal results on the same machine and versions.

    `seed` drives the initial weights, the order of the examples and dropout; the protocol has a seed of its own, so
    that training again with another seed keeps the split.
    """

    data: AnyData
    protocol: Protocol = Holdout()
    network: Network
    training: Training = Training()
    seed: int = 0

    def __post_init__(self) -> None:
        require_seed(self.seed)
        if validated_part(self.protocol) == "none":
            self._refuse_validation_users()
        loss = self.training.loss
        if self.network.output == "signed" and not loss.squared:
            raise Invalid("training.loss", f"must be a squared error for network.output 'signed', got {loss.kind!r}")
        self._demand_for_task()
        if isinstance(self.data, Table):
            self._refuse_what_moves_codes()

    def _refuse_what_moves_codes(self) -> None:
        training = self.training
        if training.augmentation != Augmentation():
            raise Invalid("training.augmentation", "must be left out for a table: its rows hold codes beside numbers")
        if training.adversarial:
            raise Invalid("training.adversarial", "must be 0 for a table: its rows hold codes beside numbers")

    def _demand_for_task(self) -> None:
        task, training = task_of(self.data), self.training
        if task not in training.loss.tasks:
            allowed = LOSSES_OF[task]
            raise Invalid("training.loss", f"must be one of {allowed} for {task}, got {training.loss.kind!r}")
        wanted = OUTPUT_OF.get(task, self.network.output)
        if self.network.output != wanted:
            raise Invalid("network.output", f"must be {wanted!r} for {task}, got {self.network.output!r}")
        if training.class_weights != "none" and task != "classification":
            raise Invalid("training.class_weights", f"must be 'none' for {task}, which has no classes")
        for place, by in _monitors(training):
            if by.removeprefix("validation_") not in ("loss", *metrics_for(task)):
                names = ", ".join(f"validation_{name}" for name in ("loss", *metrics_for(task)))
                raise Invalid(f"training.{place}", f"must be one of {names} for {task}, got {by!r}")

    def _refuse_validation_users(self) -> None:
        if isinstance(self.training.schedule, Plateau):
            raise Invalid(
                "training.schedule", "'plateau' needs a validation part, which protocol.kind 'none' does not have"
            )
        if isinstance(self.training.early_stopping, Patience):
            raise Invalid(
                "training.early_stopping", "needs a validation part, which protocol.kind 'none' does not have"
            )
        if self.training.keep == "best":
            raise Invalid("training.keep", "must be 'last': protocol.kind 'none' has no validation part to choose by")

    @property
    def key(self) -> str:
        """A stable name for this experiment: 16 hexadecimal digits.

        Fields at their default are left out of the hash, so that a field added later, whose default means what was
        done before, leaves old keys as they are.
        """
        text = json.dumps(_without_defaults(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def summary(self) -> str:
        """What distinguishes one trial from another, in one line."""
        rate = f"{self.training.optimizer.learning_rate:.2g}"
        optimizer = f"{self.training.optimizer.kind} {rate}"
        return f"{network_summary(self.network)}, {optimizer}, batch {self.training.batch_size}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data with every field, for JSON; `Recipe.from_dict` gives an equal recipe back."""
        plain: dict[str, Any] = encode(self)
        return plain

    @staticmethod
    def from_dict(plain: object) -> "Recipe":
        """The recipe that plain data describes. Raises `Invalid` with the address of what does not fit."""
        return decode(Recipe, plain)


LOSSES_OF = {
    "classification": "the losses of classes",
    "multi_label": "binary_crossentropy",
    "regression": "mean_squared_error, mean_absolute_error, huber",
}
OUTPUT_OF = {"multi_label": "sigmoid", "regression": "linear"}
"""The activation of the last layer; classes take any."""


def _monitors(training: Training) -> Iterator[tuple[str, str]]:
    if training.keep == "best":
        yield "keep_by", training.keep_by
    if isinstance(training.schedule, Plateau):
        yield "schedule.monitor", training.schedule.monitor
    if isinstance(training.early_stopping, Patience):
        yield "early_stopping.monitor", training.early_stopping.monitor


def _without_defaults(value: object) -> Any:
    if is_dataclass(value):
        return {
            each.name: _without_defaults(getattr(value, each.name))
            for each in fields(value)
            if not _at_default(value, each)
        }
    return encode(value)


def _at_default(value: object, each: "Field[Any]") -> bool:
    if each.name == "kind":
        return False
    return each.default is not MISSING and bool(getattr(value, each.name) == each.default)
