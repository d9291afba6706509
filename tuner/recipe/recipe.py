"""The recipe: one experiment, completely specified, as one frozen value."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cached_property
from typing import Any

from tuner.base.decode import decode, encode
from tuner.base.errors import Invalid, require
from tuner.base.metrics import metrics_for
from tuner.base.ranges import Seed, record
from tuner.networks import Function, Network, network_summary
from tuner.recipe.augmentation import Augmentation
from tuner.recipe.data import AnyData, Table
from tuner.recipe.losses import LOSSES
from tuner.recipe.phases import learning
from tuner.recipe.protocols import Holdout, Protocol, validated_part
from tuner.recipe.training import Patience, Plateau, Training


@record
class Recipe:
    """One experiment. Equal recipes give equal results on the same machine with the same versions.

    `seed` determines the initial weights, the order of the examples and dropout. The protocol has its own seed, so that
    refits with another seed keep the split.
    """

    data: AnyData
    protocol: Protocol = Holdout()
    network: Network
    training: Training = Training()
    seed: Seed = 0

    def __post_init__(self) -> None:
        if validated_part(self.protocol) == "none":
            self._require_no_validation()
        if self.network.output == "signed":
            loss, rule = self.training.loss.kind, "be a squared error for network.output 'signed'"
            require(loss in ("mean_squared_error", "half_squared_error"), "training.loss", rule, loss)
        self._require_fit_for_task()
        self._require_phases()
        if isinstance(self.data, Table):
            cause = "for a table, whose rows contain codes besides numbers"
            augmentation, adversarial = self.training.augmentation, self.training.adversarial
            require(
                augmentation == Augmentation(), "training.augmentation", f"be left out {cause}", encode(augmentation)
            )
            require(not adversarial, "training.adversarial", f"be 0 {cause}", adversarial)

    def _require_no_validation(self) -> None:
        for place, value, *_ in _monitoring(self.training):
            problem = f"must not be {value!r} where protocol.kind 'none' leaves no validation part, got {value!r}"
            raise Invalid(f"training.{place}", problem)

    def _require_fit_for_task(self) -> None:
        task, training = self.data.task, self.training
        if task == "custom":
            kind, augmentation = self.network.kind, encode(training.augmentation)
            require(isinstance(self.network, Function), "network", "be a function for targets of your own", kind)
            is_plain, rule = training.augmentation == Augmentation(), "be left out for targets of your own"
            require(is_plain, "training.augmentation", rule, augmentation)
            require(not training.adversarial, "training.adversarial", rule, training.adversarial)
        loss, losses = training.loss.kind, LOSSES[task]
        require(loss in losses, "training.loss", f"be one of {', '.join(losses)} for {task}", loss)
        is_function = isinstance(self.network, Function)  # whose own outputs were compared with the data
        output = self.network.output if is_function else OUTPUTS.get(task, self.network.output)
        require(self.network.output == output, "network.output", f"be {output!r} for {task}", self.network.output)
        if training.class_weights != "none" and task != "classification":
            raise Invalid("training.class_weights", f"must be 'none' for {task}, which has no classes")
        if training.target_scale != "standard" and task != "regression":
            raise Invalid("training.target_scale", f"must be 'standard' for {task}, which has no numbers to predict")
        own = self.network.info.metrics if isinstance(self.network, Function) else ()
        names = [f"validation_{name}" for name in dict.fromkeys(("loss", *metrics_for(task), *own))]
        for *_, place, monitor in _monitoring(training):
            require(monitor in names, f"training.{place}", f"be one of {', '.join(names)} for {task}", monitor)

    def _require_phases(self) -> None:
        phases = self.training.phases
        if not phases or (isinstance(self.network, Function) and not self.network.info.layers):
            return
        if not isinstance(self.network, Function):
            problem = f"must be left out for a network of kind {self.network.kind!r}"
            raise Invalid("training.phases", f"{problem}: they name layers of a model that a function or a file has")
        for number, phase in enumerate(phases):
            try:
                learning(phase.trainable, self.network.info.layers)
            except Invalid as complaint:
                raise complaint.inside(f"training.phases[{number}]") from None

    @cached_property
    def key(self) -> str:
        """A stable name of this experiment: 16 hexadecimal digits.

        The hash leaves out fields at their defaults. So a new field does not change old keys, where its default means what
        was done before.
        """
        text = json.dumps(_without_defaults(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def summary(self) -> str:
        """What distinguishes one trial from another, in one line."""
        rate = f"{self.training.optimizer.learning_rate:.2g}"
        optimizer = f"{self.training.optimizer.kind} {rate}"
        if isinstance(self.network, Function) and self.network.info.compiled:
            optimizer = self.network.info.compiled
        phases = "".join(f", {each.text}" for each in self.training.phases)
        return f"{network_summary(self.network)}, {optimizer}, batch {self.training.batch_size}{phases}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data with every field, for JSON; `Recipe.from_dict` returns an equal recipe."""
        plain: dict[str, Any] = encode(self)
        return plain

    @staticmethod
    def from_dict(plain: object) -> "Recipe":
        """The recipe that plain data describes. Raises `Invalid` with the address of what does not fit."""
        return decode(Recipe, plain)


LATER = ("format", "part", "shape")
"""Fields of records in tuples that earlier versions lack: where they are empty, keys stay as they were."""
OUTPUTS = {"multi_label": "sigmoid", "regression": "linear"}
"""The activation of the last layer; any is allowed for classes."""


def _monitoring(training: Training) -> Iterator[tuple[str, str, str, str]]:
    """What needs a validation part: its field with the value, and the field of its metric with the metric."""
    if isinstance(schedule := training.schedule, Plateau):
        yield "schedule", schedule.kind, "schedule.monitor", schedule.monitor
    if isinstance(stopping := training.early_stopping, Patience):
        yield "early_stopping", stopping.kind, "early_stopping.monitor", stopping.monitor
    if training.keep == "best":
        yield "keep", training.keep, "keep_by", training.keep_by


def _without_defaults(value: object) -> Any:
    if is_dataclass(value):
        return {
            each.name: _without_defaults(getattr(value, each.name))
            for each in fields(value)
            if not _at_default(value, each)
        }
    if isinstance(value, tuple):  # records in tuples count with their defaults, but for fields that came later
        return [
            {name: own for name, own in encode(each).items() if own or name not in LATER}
            if is_dataclass(each)
            else encode(each)
            for each in value
        ]
    return encode(value)


def _at_default(value: object, each: "Field[Any]") -> bool:
    if each.name == "kind":
        return False
    is_default = each.default is not MISSING and bool(getattr(value, each.name) == each.default)
    return is_default or not each.compare
