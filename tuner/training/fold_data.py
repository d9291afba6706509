"""The arrays of one fold, as its training uses them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.calibration import CALIBRATED, calibrated_log_loss
from tuner.base.errors import Invalid
from tuner.base.metric_functions import compute_metrics
from tuner.data.examples import Examples, HeldOut, TrainingSet, scaling_constants
from tuner.data.splits import folds_of
from tuner.networks import Function, Inputs, Outputs, Rows
from tuner.networks.fitting import fit_encoder
from tuner.recipe import AnyData, Data, Holdout, KFold, Protocol, Recipe, Table, describe, validated_part
from tuner.result import Scores
from tuner.training.augmentation import distorted
from tuner.training.evaluation import to_probabilities
from tuner.training.parts import Measure, Part, Scaler, part
from tuner.training.targets import TargetScale, example_weights, target_scales, targets


@dataclass(frozen=True, eq=False)
class FoldData:
    """The arrays of one fold as stored, its network's inputs and number of outputs, the scaling of inputs, the `constants` of
    a table's encoder, and the scales of numeric `targets` by name.

    With `probabilities` (n, classes) the network learns these instead of the training labels. With `is_measured` all metrics
    of the task are computed after each epoch, otherwise only the one in the graph.
    """

    training: Examples
    validation: Examples | None
    inputs: Inputs
    outputs: Outputs
    scale: Scaler
    constants: tuple[NDArray[Any], ...] = ()
    targets: Mapping[str, TargetScale] = field(default_factory=dict)
    is_measured: bool = False
    probabilities: NDArray[np.float32] | None = None
    parts: dict[tuple[str, ...], tuple[Part, Part | None]] = field(default_factory=dict)

    def for_loop(self, recipe: Recipe) -> tuple[Scaler, Part, Part | None, Measure | None]:
        """The scaling, the training and the validation part as tensors with targets as the loss takes them, and the function for
        all metrics, if they are computed."""
        training = recipe.training
        kind = (training.loss.kind, recipe.network.output, training.class_weights, training.target_scale)
        if kind not in self.parts:
            examples, validation, device_validation = self.training, self.validation, None
            if validation is not None:
                device_validation = self.part_of(recipe, validation)
            wanted = self._targets(recipe, examples) if self.probabilities is None else self.probabilities
            weights = example_weights(recipe, examples.labels, examples.weights)
            self.parts[kind] = part(examples.inputs, wanted, weights), device_validation
        return self.scale, *self.parts[kind], partial(self._measure, recipe) if self._measures(recipe) else None

    def part_of(self, recipe: Recipe, examples: Examples) -> Part:
        """Examples as tensors for a validation or a test."""
        return part(examples.inputs, self._targets(recipe, examples), examples.weights)

    def _measures(self, recipe: Recipe) -> bool:
        return self.is_measured or isinstance(recipe.network, Function)

    def with_probabilities(self, probabilities: NDArray[np.float32]) -> "FoldData":
        """The same fold with probabilities instead of the training labels."""
        return replace(self, probabilities=probabilities, parts={})

    def _measure(self, recipe: Recipe, scores: Scores, outputs: NDArray[np.float32]) -> Scores:
        """The scores with all metrics of the task, from the network's outputs for the validation part, and the calibrated log loss."""
        assert self.validation is not None
        predictions = self.predictions(recipe, outputs)
        figures = compute_metrics(recipe.data.task, predictions, self.validation.labels, self.validation.weights)
        is_own = isinstance(recipe.network, Function)
        if recipe.data.task == "classification" and recipe.network.output == "softmax":
            figures[CALIBRATED] = calibrated_log_loss(predictions, self.validation.labels, self.validation.weights)
        others = {name: value for name, value in scores.figures.items() if is_own and name not in figures}
        return Scores(loss=scores.loss, figures={**figures, **others})

    def predictions(self, recipe: Recipe, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """A network's outputs as probabilities, or as numbers in the targets' own units."""
        scale = self.target_scale(recipe)
        return to_probabilities(outputs, recipe) if scale is None else scale.inverse(outputs)

    def target_scale(self, recipe: Recipe) -> TargetScale | None:
        """The recipe's scale of numeric targets; None where the task has none."""
        return self.targets.get(recipe.training.target_scale)

    def _targets(self, recipe: Recipe, examples: Examples) -> NDArray[Any]:
        return targets(recipe, examples.labels, self.outputs, self.target_scale(recipe))


def fold_data(recipe: Recipe, data: TrainingSet, number: int, held_out: HeldOut | None = None) -> FoldData:
    """The fold with this number. Raises `Invalid` for a protocol that validates on the test part if there is none."""
    on_test = validated_part(recipe.protocol) == "test"
    if on_test and held_out is None:
        raise Invalid("protocol", "validates on the held-out test part, which a search never has")
    return _split(data, held_out if on_test else None, recipe.data, recipe.protocol, number)


def validation_part(recipe: Recipe, data: TrainingSet, number: int = 0, held_out: HeldOut | None = None) -> Examples:
    """The validation part of a fold that has one."""
    validation = fold_data(recipe, data, number, held_out).validation
    assert validation is not None
    return validation


def examples_for_test(recipe: Recipe, data: TrainingSet, held_out: HeldOut, number: int) -> Examples:
    """The examples that test a fold's network: the test part, or the fold itself if the folds contain all examples."""
    on_test = validated_part(recipe.protocol) == "test"
    return validation_part(recipe, data, number, held_out) if on_test else held_out.examples


@lru_cache(maxsize=2)
def _split(data: TrainingSet, held_out: HeldOut | None, source: AnyData, protocol: Protocol, number: int) -> FoldData:
    """Cached for the next training on the same fold: copying the examples takes longer than a small epoch."""
    if held_out is not None and isinstance(protocol, KFold):
        data, held_out = _with_test_part(data, held_out), None
    examples = data.examples
    fold = folds_of(protocol, data)[number]
    validation = None if fold.validation is None else _validation(examples, fold.validation, protocol)
    if held_out is not None:
        validation = held_out.examples
    about, training = describe(source), examples.take(fold.training)
    offset, factor = scaling_constants("none" if isinstance(source, Table) else source.scaling, data, fold.training)
    return FoldData(
        training,
        validation,
        about.inputs,
        about.outputs,
        Scaler(offset, factor),
        constants=tuple(fit_encoder(about.inputs, examples.inputs, fold.training))
        if isinstance(about.inputs, Rows)
        else (),
        targets=target_scales(training.labels, training.weights) if about.task == "regression" else {},
        is_measured=not isinstance(source, Data),
    )


def _with_test_part(data: TrainingSet, held_out: HeldOut) -> TrainingSet:
    parts = data.examples, held_out.examples
    inputs, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("inputs", "labels"))
    return replace(data, examples=Examples(inputs=inputs, labels=labels))


def _validation(examples: Examples, indices: NDArray[np.int64], protocol: Protocol) -> Examples:
    chosen = examples.take(indices)
    if not isinstance(protocol, Holdout):
        return chosen
    return replace(chosen, inputs=distorted(protocol.distortion, chosen.inputs, protocol.seed))
