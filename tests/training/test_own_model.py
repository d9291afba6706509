"""Models that functions of the user's make: compiled or not, with train steps, layers and losses of their own."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner.base.errors import Invalid
from tuner.deploy.safe_loading import load_safely
from tuner.networks.build import build
from tuner.networks.columns import Coded, Rows
from tuner.recipe import Recipe
from tuner.recipe.optimizers import Sgd
from tuner.training.evaluation import predict
from tuner.training.saving import UNSCALED, load_model, save_models
from tuner.training.train import Trained
from tuner.training.with_scaling import with_scaling

HEAD = "import keras\nimport tensorflow as tf\n"
BUILD = "\ndef build(trial, inputs, outputs):\n"
LAYERS = (
    "keras.Input(inputs), keras.layers.Dense(8, activation='tanh'), keras.layers.Dense(outputs, activation='softmax')"
)
PLAIN = HEAD + BUILD + f"    return keras.Sequential([{LAYERS}])\n"
COMPILED = PLAIN.replace("    return ", "    model = ") + (
    "    model.compile(keras.optimizers.SGD(0.5), 'categorical_crossentropy', metrics=['accuracy', keras.metrics.AUC(name='area')])\n"
    "    return model\n"
)
EAGER = COMPILED.replace("metrics=", "run_eagerly=True, metrics=")
OWN_STEP = (
    HEAD
    + """
class Own(keras.Model):
    def __init__(self, outputs):
        super().__init__()
        self.dense = keras.layers.Dense(outputs, activation="softmax", kernel_initializer="zeros")
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

    def call(self, inputs):
        return self.dense(inputs)

    def get_config(self):
        return {"outputs": self.dense.units}

    def train_step(self, data):
        inputs, truth = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(truth, self(inputs, training=True)))
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        self.steps.assign_add(1.0)
        return {"loss": loss}

def build(trial, inputs, outputs):
    model = Own(outputs)
    model.compile(keras.optimizers.SGD(0.1))
    return model
"""
)


def test_a_model_that_is_not_compiled_gets_the_training_of_the_recipe(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    done = trained(recipe_of(PLAIN, optimizer=Sgd(learning_rate=0.5)))
    assert [epoch.learning_rate for epoch in done.fold.epochs] == [0.5, 0.5]
    assert list(done.fold.epochs[0].training.figures) == ["accuracy"]
    assert done.model.count_params() == 2 * 8 + 8 + 8 * 2 + 2


def test_a_compiled_model_is_trained_as_by_keras(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    recipe = recipe_of(COMPILED, epochs=1, shuffle=False)
    assert recipe.summary == "build(), sgd 0.5, categorical_crossentropy, batch 50"
    ours, theirs = trained(recipe), build(recipe.network, (2,), 2, recipe.seed)
    eager = trained(recipe_of(EAGER, epochs=1, shuffle=False))
    assert (ours.reason, eager.reason) == ("", "run_eagerly: trained step by step, outside the graph, which is slower")
    examples = ours.fold_data.training
    inputs = (examples.inputs.astype(np.float32) - ours.scale.offset) * ours.scale.factor
    history = theirs.fit(inputs, keras.utils.to_categorical(examples.labels, 2), 50, shuffle=False, verbose=0).history
    for done in (ours, eager):
        (epoch,) = done.fold.epochs
        assert epoch.learning_rate == 0.5
        assert epoch.training.loss == pytest.approx(history["loss"][0], rel=1e-5)  # float32, in another order of sums
        assert epoch.training.figures == pytest.approx(
            {name: history[name][0] for name in ("accuracy", "area")}, rel=1e-5
        )
        assert epoch.validation is not None
        assert {"accuracy", "area", "log_loss"} <= set(epoch.validation.figures)
        for own, other in zip(done.model.get_weights(), theirs.get_weights(), strict=True):
            assert own == pytest.approx(other, abs=1e-5)


def test_a_train_step_of_its_own_is_called_and_its_classes_are_saved(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained], tmp_path: Path
) -> None:
    recipe = recipe_of(OWN_STEP)
    done = trained(recipe)
    assert float(done.model.steps.numpy()) == 2 * -(-len(done.fold_data.training) // 50)
    for epoch in done.fold.epochs:
        assert epoch.training.loss == pytest.approx(0.69, abs=0.02)  # a linear model learns nothing of xor
        assert epoch.validation is not None
        assert epoch.validation.loss == pytest.approx(epoch.validation.figures["log_loss"], rel=1e-3)
    path, examples = tmp_path / "best.keras", done.fold_data.training.inputs[:5]
    save_models([with_scaling(done.model, recipe, done.scale, (2,), 2)], recipe, path)
    expected = predict(done.model, done.scale, examples)
    for load in (load_model, load_safely):
        assert predict(load(path), UNSCALED, examples) == pytest.approx(expected, abs=1e-6)
    (tmp_path / "my_nets.py").write_text(OWN_STEP + "\n# changed\n")
    with pytest.raises(Invalid, match=r"my_nets.py has changed since this recipe was made"):
        load_safely(path)


def test_a_model_on_a_table_stands_on_its_encoded_columns(recipe_of: Callable[..., Recipe]) -> None:
    rows, network = Rows((Coded("number", lacks=True), Coded("category", 5))), recipe_of(COMPILED).network
    model = build(network, rows, 3, 0)
    assert model.input_shape == (None, 2)
    assert model.output_shape == (None, 3)
    assert float(model.optimizer.learning_rate) == 0.5
    with pytest.raises(Invalid, match="a model with a train step of its own must take the data as they are"):
        build(recipe_of(OWN_STEP).network, rows, 3, 0)


def test_a_train_step_that_no_graph_can_have_runs_step_by_step(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    done = trained(recipe_of(OWN_STEP.replace("self.steps.assign_add(1.0)", "assert float(loss) >= 0")))
    assert done.reason.startswith("cannot run in the graph, trained step by step, which is slower (")
    assert done.ended == "finished"


def test_a_train_step_of_its_own_gets_the_weights_of_examples(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    unpacked = "inputs, truth, weights = keras.utils.unpack_x_y_sample_weight(data)"
    text = OWN_STEP.replace("inputs, truth = data", unpacked).replace(
        "assign_add(1.0)", "assign_add(tf.reduce_sum(weights))"
    )
    done = trained(recipe_of(text, class_weights="balanced"))
    assert float(done.model.steps.numpy()) == pytest.approx(2 * len(done.fold_data.training), rel=1e-4)
    with pytest.raises(Invalid) as told:
        trained(recipe_of(OWN_STEP, class_weights="balanced"))
    assert told.value.problem.startswith(
        "Own.train_step, which gets (x, y, weights) here: keras.utils.unpack_x_y_sample_weight takes them apart. It raised "
        "ValueError: too many values to unpack (expected 2)\n  "
    )
    assert "in train_step: inputs, truth = data" in told.value.problem


def test_one_number_may_stand_for_two_classes(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    text = PLAIN.replace("(outputs, activation='softmax')", "(1, activation='sigmoid')")
    last = trained(recipe_of(text, optimizer=Sgd(learning_rate=0.5), epochs=30)).fold.epochs[-1]
    assert last.validation is not None
    assert last.validation.loss == pytest.approx(last.validation.figures["log_loss"], rel=1e-4)
    assert last.training.loss < 0.69


def test_several_optimizers_in_one_train_their_own_layers(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    several = "keras.optimizers.MultiOptimizer(lambda each: still if 'first' in each.path else quick)"
    text = COMPILED.replace("Dense(8, ", "Dense(8, name='first', ").replace("keras.optimizers.SGD(0.5)", several)
    text = text.replace(
        "    model = ", "    still, quick = keras.optimizers.SGD(0.0), keras.optimizers.Adam(0.1)\n    model = "
    )
    found = trained(recipe_of(text, epochs=30))
    assert found.fold.epochs[-1].training.loss < found.fold.epochs[0].training.loss
    first, last = (layer.get_weights()[1] for layer in found.model.layers)
    assert not first.any(), "the first layer's optimizer has a rate of 0"
    assert last.any()


def test_a_learning_rate_schedule_of_its_own_stays(
    recipe_of: Callable[..., Recipe], trained: Callable[[Recipe], Trained]
) -> None:
    rate = "keras.optimizers.schedules.ExponentialDecay(0.5, 1, 1e-9)"  # 0 from the second step on
    first, second = trained(recipe_of(COMPILED.replace("SGD(0.5)", f"SGD({rate})"))).fold.epochs
    assert first.validation is not None
    assert second.validation is not None
    assert first.validation.loss == pytest.approx(second.validation.loss, abs=1e-6)
