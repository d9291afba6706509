"""`fit` with less work: the same training as with the plain one."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from tuner.training.fitting import fit_faster
from tuner.training.frozen import features, parts_of

X = np.random.default_rng(0).integers(256, size=(48, 8, 8, 3)).astype("uint8")
Y = X.mean(axis=(1, 2, 3)) > 127.5


def base(*, unfrozen: int = 0) -> keras.Model:
    """A residual network with the last layers unfrozen."""
    inputs = keras.Input((8, 8, 3))
    first = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(inputs))
    second = layers.Conv2D(4, 3, padding="same", activation="relu")(first)
    outputs = layers.BatchNormalization()(layers.Conv2D(4, 3)(layers.add([first, second])))
    network = keras.Model(inputs, outputs)
    for layer in network.layers[: 7 - unfrozen]:
        layer.trainable = False
    return network


def on_top_of(network: keras.Model) -> keras.Model:
    """A head on it, as in Keras's guide to fine-tuning."""
    inputs = keras.Input((8, 8, 3))
    outputs = network(inputs / 127.5 - 1.0, training=False)
    outputs = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(outputs))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(outputs))


def sequential() -> keras.Model:
    network = base()
    return keras.Sequential([network, layers.Flatten(), layers.Dropout(0.2), layers.Dense(1, activation="sigmoid")])


def with_the_pictures_too() -> keras.Model:
    """The trainable part takes the inputs themselves and a middle layer of the frozen part."""
    network = base()
    inputs = network.input
    both = [layers.Flatten()(each) for each in (network.layers[2].output, network.output, inputs)]
    outputs = layers.Dense(1, activation="sigmoid")(layers.Dropout(0.2)(layers.concatenate(both) / 255))
    return keras.Model(inputs, outputs)


def all_learns() -> keras.Model:
    return on_top_of(base(unfrozen=7))


NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "nested": lambda: on_top_of(base()),
    "the last block learns": lambda: on_top_of(base(unfrozen=2)),
    "sequential": sequential,
    "inputs and a middle layer": with_the_pictures_too,
    "nothing frozen": all_learns,
}


class Asking(keras.callbacks.Callback):  # type: ignore[misc]
    """Asks the model for predictions and the loss of other examples after each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss, _ = self.model.evaluate(X[:5], Y[:5], verbose=0)
        self.answers.append([*self.model.predict(X[:4], verbose=0)[:, 0], loss])


def trained(build: Callable[[], keras.Model], *, faster: bool, **options: Any) -> tuple[keras.Model, Any, list[Any]]:
    """The model, its history, and the answers in between."""
    keras.utils.set_random_seed(3)
    model, asking = build(), Asking()
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    if faster:
        fit_faster(model)
    options = {"validation_data": (X[32:], Y[32:]), **options}
    callbacks = [asking, *options.pop("callbacks", [])]
    history = model.fit(X[:32], Y[:32], batch_size=12, epochs=3, verbose=0, callbacks=callbacks, **options)
    return model, history.history, asking.answers


def assert_equal(build: Callable[[], keras.Model], **options: Any) -> None:
    """The training with less work is the plain one; sums in another order differ in their last digits."""
    model, history, answers = trained(build, faster=True, **options)
    other, plain, others = trained(build, faster=False, **options)
    assert history.keys() == plain.keys()
    for figure in plain:
        assert history[figure] == pytest.approx(plain[figure], rel=1e-3)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(answers, others, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(model.predict(X, verbose=0), other.predict(X, verbose=0), rtol=1e-2, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_history_weights_and_answers_are_those_of_a_plain_fit(name: str) -> None:
    assert_equal(NETWORKS[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"validation_data": None, "validation_split": 0.25},
        {"class_weight": {0: 1.0, 1: 3.0}, "shuffle": False, "validation_batch_size": 5},
        {"sample_weight": np.arange(32.0), "initial_epoch": 1, "validation_data": (X[32:], Y[32:], np.arange(16.0))},
        {"steps_per_epoch": 2},
        {"callbacks": [keras.callbacks.TerminateOnNaN()]},
    ],
    ids=lambda options: next(iter(options)),
)
def test_arguments_of_fit_have_their_meaning(options: dict[str, Any]) -> None:
    assert_equal(NETWORKS["nested"], **options)


def with_layer(layer: layers.Layer) -> keras.Model:
    """A frozen layer before the frozen base."""
    inputs = keras.Input((8, 8, 3))
    network = base()
    outputs = layers.Dense(1)(layers.Flatten()(network(layer(inputs))))
    return keras.Model(inputs, outputs)


class Own(layers.Layer):  # type: ignore[misc]
    """A layer that may compute anything."""

    def call(self, inputs: Any) -> Any:
        return inputs


@pytest.mark.parametrize(
    "layer",
    [
        layers.RandomFlip(),
        layers.GaussianNoise(0.1),
        layers.BatchNormalization(center=False, scale=False),
        layers.ActivityRegularization(0.1),
        layers.Lambda(lambda x: x, output_shape=(8, 8, 3)),
        layers.Activation(lambda x: x + keras.random.normal((1,))),
        Own(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_after_what_may_differ_between_epochs_nothing_counts_as_frozen(layer: layers.Layer) -> None:
    assert parts_of(with_layer(layer)) is None
    assert parts_of(with_layer(layers.Rescaling(0.1)))


def test_a_network_that_learns_has_no_parts() -> None:
    assert parts_of(all_learns()) is None


def computed(network: keras.Model, x: Any = X) -> Any:
    """What a frozen base network computes, with a head on it."""
    parts = parts_of(on_top_of(network))
    assert parts
    return features(parts, x)


def test_only_trainings_with_the_same_frozen_weights_and_data_share_what_was_computed() -> None:
    network, others = base(), base()
    first, elsewhere = computed(network), computed(others)
    assert first is not elsewhere
    others.set_weights(network.get_weights())
    assert computed(others) is first
    assert computed(network, X[1:]) is not first
