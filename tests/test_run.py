"""Running recipes: by every protocol, the same again, stopped, diverged."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.base.errors import Invalid
from tuner.data.examples import Examples
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.data.splits import folds
from tuner.networks import Dense, Hidden, PlainInitializer
from tuner.recipe import (
    Adam,
    Augmentation,
    CategoricalCrossentropy,
    Data,
    FallingRate,
    Holdout,
    KFold,
    NoValidation,
    OnTest,
    PlainLoss,
    Plateau,
    Recipe,
    RMSprop,
    Sgd,
    Training,
)
from tuner.result import Epoch, Event, FoldResult, Result, never_stop
from tuner.run import epoch_seconds, run
from tuner.training import traced as traced_module
from tuner.training.checkpoint import Checkpoint
from tuner.training.evaluation import classes_of, predict
from tuner.training.fold_data import examples_for_test, validation_part
from tuner.training.replication import predict_attacked
from tuner.training.train import Trained, order_of_examples
from tuner.worker.replication import Replicate, replicate

SMALL = Recipe(
    data=Data(name="xor", scaling="none"),
    protocol=Holdout(validation=50),
    network=Dense(widths=(4,)),
    training=Training(optimizer=Sgd(learning_rate=0.1), epochs=3, batch_size=25),
)


def curve(result: Result) -> list[tuple[float, float]]:
    """Losses and accuracies without times."""
    return [(epoch.training.loss, epoch.training.accuracy) for fold in result.folds for epoch in fold.epochs]


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_result(places: Places) -> None:
    data = training_set("xor", places)
    recipe = replace(SMALL, network=replace(SMALL.network, input_dropout=0.2))  # type: ignore[arg-type]
    first, second, other = run(recipe, data), run(recipe, data), run(replace(recipe, seed=1), data)
    assert curve(first) == curve(second)
    assert curve(first) != curve(other)
    again = Result.from_dict(first.to_dict())
    assert again.to_dict() == first.to_dict()
    assert again.validation is not None


@pytest.mark.slow
def test_averaged_weights_are_what_is_validated_and_kept(places: Places) -> None:
    data = training_set("xor", places)
    recipe = replace(SMALL, training=replace(SMALL.training, averaging=0.9, epochs=4))
    kept: list[tuple[Any, Any]] = []

    def visit(trained: Trained) -> None:
        fold = folds(recipe.protocol, data.examples.labels)[0]
        outputs = predict(trained.model, trained.scale, data.examples.inputs[fold.validation])
        truth = data.examples.labels[fold.validation]
        kept.append(((classes_of(outputs) == truth).mean(), trained.model.get_weights()))

    result = run(recipe, data, visit=visit)
    run(replace(recipe, training=replace(recipe.training, averaging=0.0)), data, visit=visit)
    assert result.validation is not None
    assert kept[0][0] == pytest.approx(result.validation.accuracy)
    assert not np.array_equal(kept[0][1][0], kept[1][1][0])


def test_a_declared_shift_changes_the_validation_images_and_nothing_else(places: Places) -> None:
    data = training_set("digits", places)
    plain = replace(SMALL, data=Data(name="digits"), protocol=Holdout(validation=100))
    shifted = replace(plain, protocol=Holdout(validation=100, distortion=Augmentation(shift=2, rotate=30.0)))
    before, after, again = (validation_part(each, data) for each in (plain, shifted, shifted))
    assert np.array_equal(before.labels, after.labels)
    assert before.inputs.dtype == after.inputs.dtype
    assert (before.inputs != after.inputs).any(axis=(1, 2)).mean() > 0.9
    assert np.array_equal(after.inputs, again.inputs)
    assert after.inputs.max() <= before.inputs.max()


@pytest.mark.slow
def test_a_pace_is_that_of_the_training_that_follows(places: Places) -> None:
    data = training_set("digits", places)
    recipe = replace(SMALL, data=Data(name="digits"), training=replace(SMALL.training, batch_size=4))
    pace = min(epoch_seconds(recipe, data) for _ in range(5))
    measured = min(epoch.seconds for epoch in run(recipe, data).folds[0].epochs)
    assert pace / 5 < measured < 5 * pace, "the fastest of several: a busy machine is slower for a while"


EVERYTHING = Hidden(batch_normalization="before", dropout=0.3, kernel_l2=0.01)
INTERRUPTED = {
    "momentum": replace(SMALL, training=replace(SMALL.training, optimizer=Sgd(learning_rate=0.05, momentum=0.9))),
    "dropout and best weights": replace(
        SMALL,
        network=Dense(widths=(6, 5), hidden=EVERYTHING),
        training=replace(SMALL.training, optimizer=Adam(learning_rate=0.05), epochs=5, keep="best"),
    ),
    "averaged weights, mixed and noisy inputs, a plateau": replace(
        SMALL,
        network=Dense(widths=(6, 5), hidden=EVERYTHING),
        training=replace(
            SMALL.training,
            loss=CategoricalCrossentropy(),
            averaging=0.9,
            augmentation=Augmentation(mixup=0.3),
            schedule=Plateau(epochs=1, factor=0.5),
            epochs=5,
        ),
    ),
    "lean epochs first": replace(SMALL, training=replace(SMALL.training, lean_epochs=2, lean_share=0.4)),
    "falling rate, between and within folds": replace(
        SMALL,
        protocol=KFold(folds=3),
        training=replace(SMALL.training, schedule=FallingRate(kind="cosine"), optimizer=RMSprop()),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", INTERRUPTED)
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(name: str, places: Places, tmp_path: Path) -> None:
    recipe, data, file = INTERRUPTED[name], training_set("xor", places), tmp_path / "stopped.npz"
    weights: list[list[Any]] = []
    whole = run(recipe, data, visit=lambda trained: weights.append(trained.model.get_weights()))
    heard: list[Event] = []

    def one_step(event: Event) -> bool:
        again = event in heard
        heard.extend([] if again else [event])
        return again

    parts: list[Result] = []
    while not parts or parts[-1].ended == "pruned":
        run(replace(SMALL, seed=len(parts) + 5), data)  # another training uses the traced network in between
        parts.append(
            run(recipe, data, one_step, checkpoint=file, visit=lambda t: weights.append(t.model.get_weights()))
        )
    assert len(parts) >= whole.epochs - 2
    assert curve(parts[-1]) == curve(whole)
    assert parts[-1].folds[-1].kept == whole.folds[-1].kept
    assert parts[-1].ended == "finished"
    assert parts[-1].seconds > sum(epoch.seconds for fold in parts[-1].folds for epoch in fold.epochs)
    assert len([event for event in heard if isinstance(event, Epoch)]) == whole.epochs
    final = weights[len(whole.folds) - 1]
    assert all(np.array_equal(a, b) for a, b in zip(weights[-1], final, strict=True))


def test_a_checkpoint_that_is_damaged_or_of_another_recipe_counts_as_absent(places: Places, tmp_path: Path) -> None:
    data, file = training_set("xor", places), tmp_path / "stopped.npz"
    run(SMALL, data, lambda _: False, checkpoint=file)
    assert len(Checkpoint(file, SMALL).read().position.epochs) == 1
    assert not Checkpoint(file, replace(SMALL, seed=9)).read().state
    file.write_bytes(file.read_bytes()[:-200])
    assert not Checkpoint(file, SMALL).read().state
    assert run(SMALL, data, checkpoint=file).epochs == 3
    assert [each.name for each in tmp_path.iterdir()] == ["stopped.npz"]


def test_a_bootstrap_sample_is_drawn_once_with_replacement() -> None:
    recipe = replace(SMALL, training=replace(SMALL.training, bootstrap=True))
    first, second = (order_of_examples(recipe, 0, epoch, 1000) for epoch in (1, 2))
    assert sorted(first) == sorted(second)
    assert list(first) != list(second)
    assert 580 < len(set(first.tolist())) < 690, "about 63 % of the examples"
    assert sorted(first) != sorted(order_of_examples(replace(recipe, seed=1), 0, 1, 1000))


@pytest.mark.slow
def test_adversarial_training_withstands_attacks_better(places: Places) -> None:
    data = training_set("digits", places)
    plain = Recipe(
        data=Data(name="digits"),
        network=Dense(widths=(32,)),
        training=Training(optimizer=Adam(learning_rate=0.005), epochs=15),
    )
    inputs, labels = data.examples.inputs[-300:], data.examples.labels[-300:].astype(np.int32)
    survived: list[float] = []

    def attack(trained: Trained) -> None:
        outputs = predict_attacked(trained.model, trained.scale, inputs, labels, 0.2)
        survived.append(float((classes_of(outputs) == labels).mean()))

    for strength in (0.0, 0.2):
        recipe = replace(plain, training=replace(plain.training, adversarial=strength))
        result = run(recipe, data, visit=attack)
        assert result.validation is not None
        assert result.validation.accuracy > 0.9
    assert survived[1] > survived[0] + 0.1


GLOROT, HE = PlainInitializer(kind="glorot_uniform"), PlainInitializer(kind="he_normal")


@pytest.mark.slow
def test_a_traced_network_is_used_again_without_changing_anything(places: Places) -> None:
    data = training_set("xor", places)
    hidden = Hidden(dropout=0.2, batch_normalization="after")
    recipes = [
        replace(
            SMALL,
            seed=seed,
            network=Dense(widths=(5,), hidden=replace(hidden, initializer=initializer)),
            training=replace(SMALL.training, optimizer=Adam(learning_rate=rate)),
        )
        for seed, initializer, rate in ((0, GLOROT, 0.01), (1, HE, 0.01), (1, HE, 0.1))
    ]
    fresh = []
    for recipe in recipes:
        traced_module._TRACED.clear()
        fresh.append(curve(run(recipe, data)))
    again = [curve(run(recipe, data)) for recipe in (*recipes, recipes[0])]
    assert len(traced_module._TRACED) == 1
    assert again == [*fresh, fresh[0]]
    assert len({str(each) for each in fresh}) == 3


def test_large_networks_are_not_hoarded(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    data = training_set("xor", places)
    traced_module._TRACED.clear()
    monkeypatch.setattr(traced_module, "KEPT_PARAMETERS", 50)
    for width in (3, 30, 5):
        run(replace(SMALL, network=Dense(widths=(width,))), data)
    kept = [each.model.layers[0].units for each in traced_module._TRACED.values()]
    assert kept == [5], "34 parameters; with those of 30 units it would be more than 50"
    traced_module._TRACED.clear()


@pytest.mark.slow
def test_the_best_epoch_is_kept_where_it_is_asked_for(places: Places) -> None:
    training = replace(SMALL.training, keep="best", epochs=5)
    result = run(replace(SMALL, training=training), training_set("xor", places))
    accuracies = [epoch.validation.accuracy for epoch in result.folds[0].epochs if epoch.validation]
    assert result.validation is not None
    assert result.validation.accuracy == max(accuracies)


@pytest.mark.slow
def test_a_single_tanh_unit_learns_the_playgrounds_circle(places: Places) -> None:
    recipe = Recipe(
        data=Data(name="circle", scaling="none"),
        protocol=NoValidation(),
        network=Dense(widths=(3,), output="signed"),
        training=Training(
            loss=PlainLoss(kind="half_squared_error"), optimizer=Sgd(learning_rate=0.03), batch_size=10, epochs=150
        ),
    )
    result = run(recipe, training_set("circle", places))
    assert result.training is not None
    assert result.training.accuracy > 0.75
    assert result.validation is None


def right(trained: Trained, examples: Examples) -> float:
    """The share of right answers, measured apart from the loop."""
    outputs = predict(trained.model, trained.scale, examples.inputs)
    return float((classes_of(outputs) == examples.labels).mean())


@pytest.mark.slow
def test_a_network_is_validated_on_examples_that_it_has_not_seen(places: Places) -> None:
    """In each fold on that fold's validation part, and only `on_test` on the test part."""
    data, test = training_set("xor", places), held_out("xor", places)
    rng = np.random.default_rng(0)
    examples = replace(data.examples, labels=rng.permutation(data.examples.labels))  # so that parts differ
    shuffled = replace(data, examples=examples)
    cut = folds(KFold(folds=3), examples.labels)
    parts = [Examples(examples.inputs[each.validation], examples.labels[each.validation]) for each in cut]
    measured: list[float] = []
    result = run(
        replace(SMALL, protocol=KFold(folds=3)),
        shuffled,
        held_out=test,
        visit=lambda trained: measured.append(right(trained, parts[len(measured)])),
    )
    assert [len(fold.epochs) for fold in result.folds] == [3, 3, 3]
    kept = [fold.kept_epoch.validation for fold in result.folds]
    assert [each.accuracy for each in kept if each] == pytest.approx(measured, abs=1e-6)
    on_test = run(
        replace(SMALL, protocol=OnTest()),
        shuffled,
        held_out=test,
        visit=lambda t: measured.append(right(t, test.examples)),
    )
    assert on_test.validation is not None
    assert on_test.validation.accuracy == pytest.approx(measured[-1], abs=1e-6)
    assert len(set(measured)) == 4, "else this shows nothing"
    with pytest.raises(Invalid, match=r"^protocol: validates on the held-out test part, which a search never has"):
        run(replace(SMALL, protocol=OnTest()), data)


@pytest.mark.slow
def test_all_examples_may_be_cut_into_folds_for_a_document(places: Places) -> None:
    """Each fold is tested on itself, the test part is in them; a search is refused."""
    data, test = training_set("xor", places), held_out("xor", places)
    recipe = replace(SMALL, protocol=KFold(folds=5, of="all"))
    answer = replicate(Replicate(recipe), places, never_stop)
    validated = [fold.epochs[-1].validation for fold in answer.result.folds]
    assert [each.accuracy for each in answer.test] == pytest.approx(
        [each.accuracy for each in validated if each], abs=1e-6
    )
    assert len(answer.test) == 5
    assert sum(map(sum, answer.confusion)) == (len(data.examples) + len(test.examples)) // 5
    seen = [examples_for_test(recipe, data, test, number).inputs for number in range(5)]
    everything = np.concatenate([data.examples.inputs, test.examples.inputs])
    np.testing.assert_array_equal(np.sort(np.concatenate(seen), axis=0), np.sort(everything, axis=0))
    with pytest.raises(Invalid, match=r"^protocol: validates on the held-out test part"):
        run(recipe, data)


@pytest.mark.slow
def test_a_run_may_be_stopped_after_any_fold_but_the_last(places: Places, tmp_path: Path) -> None:
    recipe, data = (
        replace(SMALL, protocol=KFold(folds=3), training=replace(SMALL.training, epochs=1)),
        training_set("xor", places),
    )
    heard: list[Event] = []

    def stop_after(fold: int) -> Result:
        heard.clear()

        def watch(event: Event) -> bool:
            heard.append(event)
            return not isinstance(event, FoldResult) or event.kept_epoch.fold != fold

        return run(recipe, data, watch, checkpoint=tmp_path / "stopped.npz")

    second = stop_after(1)
    assert (second.ended, len(second.folds), second.reason) == ("pruned", 2, "stopped after fold 2")
    last = stop_after(2)
    assert (last.ended, len(last.folds), last.reason) == ("finished", 3, "")
    kinds = [type(event) for event in heard if isinstance(event, Epoch | FoldResult)]
    assert kinds == [Epoch, FoldResult] * 3, "those that were done before are told of again"
    assert last.seconds > second.seconds


def test_a_network_sees_the_data_as_its_recipe_scales_it(places: Places) -> None:
    data = training_set("digits", places)
    seen: list[Trained] = []
    recipe = replace(SMALL, data=Data(name="digits", scaling="unit"), training=replace(SMALL.training, epochs=1))
    run(recipe, data, visit=seen.append)
    assert float((seen[0].scale(data.examples.inputs)).numpy().max()) == 1.0
    assert seen[0].model.output_shape == (None, 10)


@pytest.mark.slow
def test_a_fold_that_diverges_ends_the_run(places: Places) -> None:
    training = replace(SMALL.training, optimizer=Sgd(learning_rate=1e12), loss=PlainLoss(kind="mean_squared_error"))
    network = replace(SMALL.network, output="linear")  # type: ignore[arg-type]
    recipe = replace(SMALL, training=training, network=network, protocol=KFold(folds=3))
    result = run(recipe, training_set("xor", places))
    assert (result.ended, len(result.folds), result.reason) == ("diverged", 1, "the loss is not finite after epoch 1")
    assert Result.from_dict(result.to_dict()).ended == "diverged"
