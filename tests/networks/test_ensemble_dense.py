"""An ensemble in one network: its prediction is the mean of its members, and each member learns by its own loss."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

from tuner.base.errors import Invalid
from tuner.networks import Dense, Elu, Hidden, PlainActivation, TabularEnsemble, network_summary
from tuner.networks.build import build
from tuner.networks.columns import Coded, Rows
from tuner.networks.fitting import fit_encoder
from tuner.networks.layers import MembersDense
from tuner.recipe import CategoricalCrossentropy, Data, Loss, PlainLoss, Recipe, Training
from tuner.recipe.losses import wants_class_numbers
from tuner.training.compiling import MembersLoss, compile_model, loss_of, metric_of
from tuner.training.loop import EpochLoop
from tuner.training.parts import part
from tuner.training.saving import UNSCALED, load_model, save_models
from tuner.training.with_scaling import with_scaling

SMALL = TabularEnsemble(widths=(6, 5), members=3)
INPUTS = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
MANY = np.random.default_rng(2).normal(size=(12, 4)).astype(np.float32)


def scattered(model: keras.Model) -> keras.Model:
    """The model with other weights, so that no factor is 1 and no bias 0."""
    generator = np.random.default_rng(1)
    model.set_weights([each + generator.normal(0, 0.3, each.shape) for each in model.get_weights()])
    return model


def alone(model: keras.Model, member: int, activation: PlainActivation) -> keras.Model:
    """A member as a dense network: its factors are multiplied into the kernels."""
    *bodies, output = model.layers
    kernels = []
    for layer in bodies:
        kernel, before, after, bias = map(np.asarray, layer.weights)
        kernels += [kernel * before[member][:, np.newaxis] * after[member], bias[member]]
    single = build(Dense(widths=SMALL.widths, hidden=Hidden(activation=activation)), (4,), 3, seed=0)
    single.set_weights([*kernels, *(np.asarray(each)[member] for each in output.weights)])
    return single


def test_its_prediction_is_the_mean_of_its_members() -> None:
    tanh = PlainActivation(kind="tanh")
    model = scattered(build(TabularEnsemble(widths=(6, 5), members=3, hidden=Hidden(activation=tanh)), (4,), 3, seed=0))
    members = [np.asarray(alone(model, member, tanh)(INPUTS)) for member in range(3)]
    np.testing.assert_allclose(model(INPUTS), np.mean(members, axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model(INPUTS, training=True), np.stack(members, axis=1), rtol=1e-5, atol=1e-6)
    assert not np.allclose(members[0], members[1])


def test_the_factors_meet_the_kernel_of_many_rows_and_the_inputs_of_few() -> None:
    """Either way the first layer has the same outputs and gradients."""
    layer = MembersDense(5, members=3, seed=0, activation="tanh")
    layer.build((None, 4))
    layer.set_weights([each + 0.1 * np.arange(each.size).reshape(each.shape) for each in layer.get_weights()])
    learned = []
    for rows in (3, 12):
        with tf.GradientTape() as tape:
            outputs = tf.concat([layer(part) for part in tf.split(tf.constant(MANY), 12 // rows)], axis=0)
            loss = tf.reduce_sum(outputs**2)
        learned.append((outputs, *tape.gradient(loss, [each.value for each in layer.weights])))
    for few, many in zip(*learned, strict=True):
        np.testing.assert_allclose(few, many, rtol=1e-4, atol=1e-5)


def test_members_start_as_different_networks_with_heads_of_their_own() -> None:
    model = build(SMALL, (4,), 3, seed=0)
    assert set(np.asarray(model.layers[0].before).ravel()) == {-1.0, 1.0}
    assert set(np.asarray(model.layers[1].before).ravel()) == {1.0}
    kernel = np.asarray(model.layers[-1].kernel)
    assert not np.allclose(kernel[0], kernel[1])
    assert 0.8 < np.abs(kernel).max() / np.sqrt(6 / (5 + 3)) <= 1, "by Glorot's rule for one head"


@pytest.mark.parametrize("kind", ["sparse_categorical_crossentropy", "kl_divergence", "mean_squared_error", "smoothed"])
def test_its_loss_is_the_mean_of_its_members_losses(kind: str) -> None:
    loss: Loss = CategoricalCrossentropy(label_smoothing=0.1) if kind == "smoothed" else PlainLoss(kind=kind)  # type: ignore[arg-type]
    recipe = Recipe(data=Data(name="digits"), network=SMALL, training=Training(loss=loss))
    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    wanted = labels if wants_class_numbers(loss) else np.eye(3, dtype=np.float32)[labels]
    outputs = np.asarray(build(SMALL, (4,), 3, seed=0)(INPUTS, training=True))
    plain, weights = loss_of(recipe), np.arange(7, dtype=np.float32)
    by_member = [float(plain(wanted, outputs[:, member], weights)) for member in range(3)]
    together = MembersLoss(loss_of(recipe))
    assert float(together(wanted, outputs, weights)) == pytest.approx(np.mean(by_member), rel=1e-5)
    assert float(together(wanted, outputs[:, 0])) == pytest.approx(float(plain(wanted, outputs[:, 0])), rel=1e-6)


def test_its_accuracy_is_that_of_the_members_mean() -> None:
    metric = metric_of(Recipe(data=Data(name="digits"), network=SMALL, training=Training()))
    outputs = np.array([[[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]], [[0.6, 0.4], [0.6, 0.4], [0.5, 0.5]]], np.float32)
    metric.update_state(np.array([1, 1]), outputs)
    assert (metric.name, float(metric.result())) == ("accuracy", 0.5)
    metric.update_state(np.array([1, 1]), outputs.mean(axis=1))
    assert float(metric.result()) == 0.5
    metric.reset_state()
    assert float(metric.result()) == 0.0


@pytest.mark.slow
def test_it_trains_as_keras_trains_it() -> None:
    ours, theirs = (build(SMALL, (4,), 3, seed=0) for _ in range(2))
    recipe = Recipe(data=Data(name="digits"), network=SMALL, training=Training(batch_size=4))
    labels = np.array([0, 1, 2, 0, 1, 2, 0], np.int32)
    for model in (ours, theirs):
        compile_model(model, recipe)
    held = part(INPUTS, labels)
    loop = EpochLoop(ours, Training(batch_size=4), UNSCALED, held, held)
    training, validation = loop.epoch(np.arange(7, dtype=np.int32), np.full(2, 0.01, np.float32))
    theirs.optimizer.learning_rate = 0.01
    logs = theirs.fit(INPUTS, labels, 4, shuffle=False, verbose=0, validation_data=(INPUTS, labels)).history
    assert validation is not None
    found = [training.loss, training.accuracy, validation.loss, validation.accuracy]
    wanted = [logs[name][0] for name in ("loss", "accuracy", "val_loss", "val_accuracy")]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    for mine, reference in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, reference, rtol=1e-3, atol=1e-4)


def test_every_member_learns_on_a_table() -> None:
    inputs, target = load_diabetes(return_X_y=True)
    coded, labels = inputs.astype(np.float32) * 20, (target > 140).astype(np.int32)
    network = TabularEnsemble(widths=(8,), members=4)
    recipe = Recipe(data=Data(name="digits"), network=network, training=Training(batch_size=64))
    rows = Rows((Coded("number"),) * coded.shape[1])
    model = build(network, rows, 2, 0, fit_encoder(rows, coded))
    compile_model(model, recipe)
    before = member_losses(model, coded, labels)
    loop = EpochLoop(model, Training(batch_size=64), UNSCALED, part(coded, labels), None)
    for _ in range(5):
        loop.epoch(np.arange(len(labels), dtype=np.int32), np.full(7, 0.01, np.float32))
    assert (member_losses(model, coded, labels) < before - 0.1).all()


def member_losses(model: keras.Model, coded: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """The cross-entropy of each member."""
    loss = keras.losses.SparseCategoricalCrossentropy()
    outputs = np.asarray(model(coded, training=True))
    return np.array([float(loss(labels, each)) for each in outputs.swapaxes(0, 1)])


@pytest.mark.parametrize(
    "hidden",
    [
        Hidden(batch_normalization="before", dropout=0.1, kernel_l2=0.1, activity_l1=0.1, precision="bfloat16"),
        Hidden(activation=Elu(alpha=0.5), batch_normalization="after"),
    ],
)
def test_a_saved_ensemble_predicts_the_same(hidden: Hidden, tmp_path: Path) -> None:
    network = TabularEnsemble(widths=(6,), members=3, hidden=hidden)
    rows = Rows((Coded("number"), Coded("category", 5)))
    recipe = Recipe(data=Data(name="digits"), network=network)
    model = scattered(build(network, rows, 3, seed=0))
    save_models([with_scaling(model, recipe, UNSCALED, rows, 3)], recipe, tmp_path / "model.keras")
    coded = np.array([[1.5, 2], [np.nan, 0], [-3, 4]], np.float32)
    np.testing.assert_allclose(load_model(tmp_path / "model.keras")(coded), model(coded), rtol=1e-5, atol=1e-6)


def test_it_has_a_summary_and_needs_a_width() -> None:
    assert network_summary(SMALL) == "ensemble dense 3 of 6-5 relu"
    with pytest.raises(Invalid) as complaint:
        TabularEnsemble(widths=())
    assert str(complaint.value) == "widths: must have at least one entry, got []"


def test_a_signed_output_is_one_tanh_unit_a_member() -> None:
    model = build(TabularEnsemble(widths=(4,), members=3, output="signed"), (4,), 2, seed=0)
    assert model(INPUTS).shape == (7, 1)
    assert model(INPUTS, training=True).shape == (7, 3, 1)
