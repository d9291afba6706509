"""The epoch loop against Keras's `fit`: the same batches in the same order give the same losses and weights."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from tuner.networks import Convolutional, Dense, Hidden, LocallyConnected, Network
from tuner.networks.build import build
from tuner.recipe import (
    Adam,
    AdamW,
    CategoricalCrossentropy,
    Clipping,
    Data,
    Lion,
    Loss,
    Muon,
    Optimizer,
    PlainLoss,
    Recipe,
    RMSprop,
    ScheduleFreeAdamW,
    Sgd,
    Training,
)
from tuner.training.augmentation import attacked
from tuner.training.compiling import compile_model, xla_pays
from tuner.training.evaluation import evaluate
from tuner.training.loop import EpochLoop
from tuner.training.parts import Scaler, part
from tuner.training.targets import targets

CASES: dict[str, tuple[Network, Optimizer, Loss]] = {
    "dense": (Dense(widths=(12, 8)), Adam(), PlainLoss(kind="sparse_categorical_crossentropy")),
    "convolutional": (
        Convolutional(filters=(4,), widths=(6,)),
        Sgd(learning_rate=0.1, momentum=0.9, nesterov=True),
        CategoricalCrossentropy(label_smoothing=0.1),
    ),
    "batch-normalized": (
        Dense(widths=(12,), hidden=Hidden(batch_normalization="before")),
        RMSprop(),
        PlainLoss(kind="sparse_categorical_crossentropy"),
    ),
    "regularized": (
        Dense(widths=(12,), hidden=Hidden(kernel_l2=0.01, kernel_l1=0.001, activity_l1=0.001)),
        AdamW(),
        PlainLoss(kind="kl_divergence"),
    ),
    "dropout": (
        Dense(widths=(12,), hidden=Hidden(dropout=0.5)),
        Lion(),
        PlainLoss(kind="sparse_categorical_crossentropy"),
    ),
    "locally connected": (
        LocallyConnected(filters=(3,)),
        Adam(kind="nadam"),
        PlainLoss(kind="mean_squared_error"),
    ),
}
CASES |= {
    "muon, clipped": (
        Convolutional(filters=(4,), widths=(6,)),
        Muon(learning_rate=0.01),
        PlainLoss(kind="kl_divergence"),
    ),
    "schedule-free, clipped": (Dense(widths=(12,)), ScheduleFreeAdamW(), PlainLoss(kind="kl_divergence")),
    "accumulated": (Dense(widths=(12,)), Adam(), PlainLoss(kind="kl_divergence")),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "muon, clipped": {"clipping": Clipping(kind="clipvalue", limit=0.01)},
    "schedule-free, clipped": {"clipping": Clipping(kind="clipnorm", limit=0.1)},
    "accumulated": {"clipping": Clipping(limit=0.3), "gradient_accumulation_steps": 2},
}
SCALER = Scaler(np.asarray(0.0, np.float32), np.asarray(1 / 16, np.float32))


def images(count: int, seed: int) -> tuple[Any, Any]:
    """Random 6×6 images of three classes that a network can learn."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, count).astype(np.uint8)
    inputs = generator.integers(0, 6, (count, 6, 6)) + 5 * (np.arange(6) // 2 == labels[:, None])[:, :, None]
    return inputs.astype(np.uint8), labels


def compiled(case: str) -> tuple[keras.Model, Recipe]:
    """A fresh model of one case."""
    network, optimizer, loss = CASES[case]
    training = Training(optimizer=optimizer, loss=loss, batch_size=32, epochs=2, **SETTINGS.get(case, {}))
    recipe = Recipe(data=Data(name="digits"), network=network, training=training)
    model = build(network, (6, 6), 3, seed=5)
    compile_model(model, recipe)
    return model, recipe


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "xla"),
    [*((case, False) for case in CASES), ("dense", True), ("batch-normalized", True), ("regularized", True)],
)
def test_the_loop_gives_what_fit_gives(case: str, xla: bool) -> None:
    inputs, labels = images(75, seed=0)  # two whole batches and a partial one
    held, held_labels = images(30, seed=1)
    ours, recipe = compiled(case)
    parts = part(inputs, targets(recipe, labels, 3)), part(held, targets(recipe, held_labels, 3))
    loop = EpochLoop(ours, recipe.training, SCALER, *parts, xla=xla)
    reference, _ = compiled(case)
    reference.run_eagerly = True  # traces nothing
    rate = recipe.training.optimizer.learning_rate
    reference.optimizer.learning_rate = rate
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(75).astype(np.int32)
        training, validation = loop.epoch(order, np.full(3, rate, np.float32))
        logs = reference.fit(
            inputs[order].astype(np.float32) / 16,
            targets(recipe, labels[order], 3),
            batch_size=32,
            shuffle=False,
            verbose=0,
            validation_data=(held.astype(np.float32) / 16, targets(recipe, held_labels, 3)),
        ).history
        assert validation is not None
        wanted = [logs[name][0] for name in ("loss", "accuracy", "val_loss", "val_accuracy")]
        found = [training.loss, training.accuracy, validation.loss, validation.accuracy]
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-5)
    for mine, theirs in zip(ours.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_a_batch_larger_than_the_data_is_one_step() -> None:
    inputs, labels = images(10, seed=0)
    model, recipe = compiled("dense")
    loop = EpochLoop(
        model, replace(recipe.training, batch_size=64), SCALER, part(inputs, targets(recipe, labels, 3)), None
    )
    assert loop.steps == 1
    training, validation = loop.epoch(np.arange(10, dtype=np.int32), np.full(1, 0.01, np.float32))
    assert training.is_finite
    assert validation is None


def test_regularization_that_has_fallen_to_nothing_is_none() -> None:
    inputs, labels = images(64, seed=0)
    order, rates = np.arange(64, dtype=np.int32), np.full(4, 0.01, np.float32)

    def weights_after(rate: float, decay: float, strengths: Any = None) -> list[Any]:
        network = Dense(widths=(12,), hidden=Hidden(dropout=rate))
        training = Training(optimizer=AdamW(weight_decay=decay), batch_size=16, regularization="flat_cosine")
        recipe = Recipe(data=Data(name="digits"), network=network, training=training)
        model = build(network, (6, 6), 3, seed=5)
        compile_model(model, recipe)
        loop = EpochLoop(model, training, SCALER, part(inputs, targets(recipe, labels, 3)), None)
        list(loop.train(order, rates, 0, 4, strengths=strengths))
        return [each.numpy() for each in model.trainable_variables]

    without = weights_after(1e-6, 0.0)
    for mine, wanted in zip(weights_after(0.5, 1.0, np.zeros(4, np.float32)), without, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-6)
    assert np.abs(weights_after(0.5, 1.0)[0] - without[0]).max() > 1e-3


def test_evaluation_in_parts_is_evaluation_at_once() -> None:
    inputs, labels = images(2500, seed=2)
    model, recipe = compiled("regularized")
    scores = evaluate(model, SCALER, part(inputs, targets(recipe, labels, 3)))
    model.run_eagerly = True  # traces nothing
    loss, accuracy = model.evaluate(
        inputs.astype(np.float32) / 16, targets(recipe, labels, 3), batch_size=1024, verbose=0
    )
    np.testing.assert_allclose([scores.loss, scores.accuracy], [loss, accuracy], rtol=1e-4)


def test_the_learning_rate_is_that_of_each_step() -> None:
    inputs, labels = images(64, seed=0)
    model, recipe = compiled("dense")
    loop = EpochLoop(model, recipe.training, SCALER, part(inputs, targets(recipe, labels, 3)), None)
    before = model.get_weights()
    loop.epoch(np.arange(64, dtype=np.int32), np.zeros(2, np.float32))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert float(model.optimizer.learning_rate) == 0.0


@pytest.mark.parametrize("xla", [False, True])
def test_a_lean_epoch_trains_the_first_batches_only(xla: bool) -> None:
    inputs, labels = images(75, seed=0)  # two whole batches and a partial one
    order = np.random.default_rng(0).permutation(75).astype(np.int32)
    rates = np.full(3, 0.001, np.float32)
    lean, recipe = compiled("dense")
    loop = EpochLoop(lean, recipe.training, SCALER, part(inputs, targets(recipe, labels, 3)), None, xla=xla)
    scores, _ = loop.epoch(order, rates, share=0.5)
    half, _ = compiled("dense")
    first = order[:32]
    wanted, _ = EpochLoop(
        half, recipe.training, SCALER, part(inputs[first], targets(recipe, labels[first], 3)), None
    ).epoch(np.arange(32, dtype=np.int32), rates[:1])
    np.testing.assert_allclose([scores.loss, scores.accuracy], [wanted.loss, wanted.accuracy], rtol=1e-5)
    for mine, theirs in zip(lean.get_weights(), half.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("network", [Dense(widths=(8,)), Convolutional(filters=(4,))])
def test_every_part_of_a_network_trains_in_bfloat16(network: Network) -> None:
    hidden = Hidden(batch_normalization="before", dropout=0.1, kernel_l1=0.01, kernel_l2=0.01, activity_l1=0.01)
    hidden = replace(hidden, precision="bfloat16")
    inputs, labels = images(40, seed=0)
    recipe = Recipe(data=Data(name="digits"), network=replace(network, hidden=hidden), training=Training(batch_size=32))  # type: ignore[arg-type]
    model = build(recipe.network, (6, 6), 3, seed=0)
    compile_model(model, recipe)
    loop = EpochLoop(model, recipe.training, SCALER, part(inputs, targets(recipe, labels, 3)), None)
    scores, _ = loop.epoch(np.arange(40, dtype=np.int32), np.full(2, 0.001, np.float32))
    assert scores.is_finite


@pytest.mark.slow
def test_a_compiled_epoch_with_dropout_is_the_same_every_time() -> None:
    inputs, labels = images(75, seed=0)
    scores = []
    for _ in range(2):
        model, recipe = compiled("dropout")
        loop = EpochLoop(model, recipe.training, SCALER, part(inputs, targets(recipe, labels, 3)), None, xla=True)
        scores.append(loop.epoch(np.arange(75, dtype=np.int32), np.full(3, 0.001, np.float32)))
    assert scores[0] == scores[1]


def test_xla_is_for_long_trainings_of_narrow_dense_networks() -> None:
    def pays(network: Network, batch_size: int, parameters: int = 100_000) -> bool:
        training = Training(batch_size=batch_size, epochs=10)
        recipe = Recipe(data=Data(name="mnist"), network=network, training=training)
        return xla_pays(recipe, 50_000, parameters)

    assert pays(Dense(widths=(8,)), 32)
    assert not pays(Dense(widths=(8,)), 1000)
    assert not pays(Dense(widths=(8,)), 32, parameters=1_000_000)
    assert not pays(Dense(widths=(8,), hidden=Hidden(precision="bfloat16")), 32)
    assert not pays(Dense(widths=(8,), hidden=Hidden(dropout=0.1)), 32)
    assert not pays(Convolutional(filters=(8,)), 32)


def looping(count: int, batch_size: int, adversarial: float = 0.0) -> EpochLoop:
    """A fresh loop over so many images."""
    inputs, labels = images(count, seed=0)
    model, recipe = compiled("dense")
    held = part(inputs, targets(recipe, labels, 3))
    settings = replace(recipe.training, batch_size=batch_size, adversarial=adversarial)
    return EpochLoop(model, settings, SCALER, held, None)


def test_an_epoch_may_be_cut_after_any_step(monkeypatch: pytest.MonkeyPatch) -> None:
    order, rates = (
        np.random.default_rng(0).permutation(75).astype(np.int32),
        np.linspace(0.01, 0.03, 3, dtype=np.float32),
    )
    whole, cut = looping(75, 32), looping(75, 32)
    ((done, wanted),) = whole.train(order, rates, 0, 3)
    monkeypatch.setattr("tuner.training.loop.FIRST_CALL", 1)
    monkeypatch.setattr("tuner.training.loop.CALL_SECONDS", 1e-9)
    told = [*cut.train(order, rates, 0, 1), *cut.train(order, rates, 1, 3)]
    assert (done, [each for each, _ in told]) == (3, [1, 2, 3])
    assert told[-1][1] == wanted
    assert len({scores.loss for _, scores in told}) == 3, "running means"
    for mine, theirs in zip(cut.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert float(cut.model.optimizer.learning_rate) == pytest.approx(0.03)
    assert list(cut.train(order, rates, 3, 3)) == []
    *_, (_, anew) = whole.train(order, rates * 0, 0, 3)
    *_, (_, again) = whole.train(order, rates * 0, 0, 3)
    assert again.loss == pytest.approx(anew.loss), "an epoch's means are its own, and nothing has changed"
    assert anew.loss != pytest.approx(wanted.loss)


def test_a_call_takes_about_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        """Every call takes a second."""

        now = 0

        def perf_counter(self) -> int:
            self.now += 1
            return self.now

    monkeypatch.setattr("tuner.training.loop.time", Clock())
    loop = looping(100, 1)
    order, rates = np.arange(100, dtype=np.int32), np.full(100, 0.001, np.float32)
    assert [done for done, _ in loop.train(order, rates, 0, 100)] == [8, 24, 56, 100]
    loop.seconds_a_step = 5.0
    assert next(loop.train(order, rates, 0, 100))[0] == 1, "a step at least"


def test_the_steps_of_a_share_are_of_whole_batches() -> None:
    loop = looping(75, 16)
    assert loop.steps == 5
    assert [loop.steps_of(share) for share in (1.0, 0.99, 0.5, 0.26, 0.01)] == [5, 4, 2, 1, 1]
    assert looping(64, 16).steps == 4


def test_an_adversarial_step_trains_each_batch_with_its_attacked_copy() -> None:
    inputs, labels = images(10, seed=0)
    loop, (reference, recipe) = looping(10, 10, adversarial=0.2), compiled("dense")
    loop.epoch(np.arange(10, dtype=np.int32), np.full(1, 0.01, np.float32))
    plain, wanted = SCALER(inputs), targets(recipe, labels, 3)
    both = np.concatenate([plain, attacked(reference, plain, wanted, 0.2)])
    reference.optimizer.learning_rate, reference.run_eagerly = 0.01, True
    reference.train_on_batch(both, np.concatenate([wanted, wanted]))
    for mine, theirs in zip(loop.model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_xla_pays_from_eight_thousand_steps_and_up_to_25_million_weights_a_batch() -> None:
    def pays(examples: int, epochs: int, parameters: int) -> bool:
        training = Training(batch_size=25, epochs=epochs)
        return xla_pays(
            Recipe(data=Data(name="mnist"), network=Dense(widths=(8,)), training=training), examples, parameters
        )

    assert pays(50_000, 4, 1_000_000)
    assert pays(49_976, 4, 1_000_000), "2000 steps an epoch, the last one of a single example"
    assert not pays(49_975, 4, 1_000_000)
    assert not pays(50_000, 4, 1_000_001)
