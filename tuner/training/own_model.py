"""What the epoch loop has to know of a model that a function of the user's made: other losses, train steps and optimizers."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.base.errors import Invalid
from tuner.networks import Function
from tuner.networks.calling import weighted_layers
from tuner.networks.function import LayerInfo
from tuner.networks.layer import input_shape
from tuner.networks.outputs import in_form, overrides, symbolic_outputs, taken_apart
from tuner.networks.parts import NamedShapes
from tuner.networks.sources import described
from tuner.recipe import Recipe, describe
from tuner.recipe.phases import Trainable, learning


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A compiled model. `loss` is that of its validation, where it was compiled without one; `layers` are those with weights of the
    function's own model, the last ones of this one. `targets` are the names and shapes of targets of any shape,
    and `outputs` its symbolic outputs for them."""

    model: keras.Model
    loss: keras.losses.Loss | None
    layers: tuple[LayerInfo, ...] = ()
    targets: NamedShapes = ()
    outputs: Any = None

    @property
    def has_own_step(self) -> bool:
        """Whether its class overrides Keras's train step."""
        return overrides(self.model, "train_step")

    @property
    def has_own_test(self) -> bool:
        """Whether its class overrides Keras's test step."""
        return overrides(self.model, "test_step")

    def truth(self, targets: Any) -> Any:
        """The targets of a batch, in the form in which the model returns its outputs."""
        return in_form(self.model, self.outputs, taken_apart(self.targets, targets)) if self.targets else targets

    @property
    def optimizers(self) -> list[keras.optimizers.Optimizer]:
        """The optimizers that it has besides the one that it was compiled with."""
        own = [each for each in vars(self.model).values() if isinstance(each, keras.optimizers.Optimizer)]
        return [each for each in own if each is not self.model.optimizer]

    @property
    def variables(self) -> list[Any]:
        """The variables that are not the model's own: of its optimizers and metrics, each once."""
        optimizers = [variable for each in (self.model.optimizer, *self.optimizers) for variable in each.variables]
        others = [*optimizers, *self.model.metrics_variables, *self.model._loss_tracker.variables]
        return list({id(each): each for each in others}.values())

    def train_only(self, *phases: Trainable) -> None:
        """Freeze the layers that learn in none of the phases, and no others."""
        self.model.trainable = True
        own = weighted_layers(self.model)[-len(self.layers) :]
        by_phase = [learning(each, self.layers) for each in phases]
        for layer, *learns in zip(own, *by_phase, strict=True):
            layer.trainable = any(learns)

    def prepare(self, *batch: tf.Tensor) -> None:
        """Create the variables that its own train step makes when it first runs, since a graph loop cannot create any. The state is
        that of a new model afterwards; new variables of optimizers are 0. Raises `Invalid` with its own lines where it fails."""
        if not (self.has_own_step or self.has_own_test):
            return
        before: dict[int, NDArray[Any]] = {id(each): each.numpy() for each in (*self.model.variables, *self.variables)}
        inputs, targets, *weights = batch
        name = "train_step" if self.has_own_step else "test_step"
        try:
            getattr(self.model, name)((inputs, self.truth(targets), *weights))
        except Exception as error:
            step = f"{type(self.model).__name__}.{name}"
            if weights:
                step += ", which gets (x, y, weights) here: keras.utils.unpack_x_y_sample_weight takes them apart. It"
            raise Invalid("network.source", described(error, step)) from error
        for each in (*self.model.variables, *self.variables):
            each.assign(before.get(id(each), np.zeros(each.shape, each.dtype)))

    def count(self, figures: Any, examples: tf.Tensor) -> None:
        """Count the loss that an own train or test step returns, where no metric of the model does."""
        if isinstance(figures, dict) and "loss" in figures and not self.counts_loss:
            self.model._loss_tracker.update_state(figures["loss"], sample_weight=examples)

    @property
    def counts_loss(self) -> bool:
        """Whether a metric of the model is its loss."""
        return "loss" in {each.name for each in self.model.metrics if each is not self.model._loss_tracker}


def own_model(model: keras.Model, loss: keras.losses.Loss, recipe: Recipe) -> OwnModel | None:
    """The compiled model of a recipe, if a function has made it; `loss` is that of its validation, where it was compiled without one."""
    if not isinstance(recipe.network, Function):
        return None
    has_loss = model._compile_loss is not None or overrides(model, "compute_loss", "test_step")
    about, layers = describe(recipe.data), recipe.network.info.layers
    outputs = symbolic_outputs(model, input_shape(about.inputs)) if about.targets else None
    return OwnModel(model, None if has_loss or model.losses else loss, layers, about.targets, outputs)
