"""`export --as code`: the script builds the recipe's network from the same initial weights, and trains it without tuner."""

import json
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from tests.support import models
from tuner.base.errors import DataError, StorageError, StudyError
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.deploy import code
from tuner.deploy.code import export_code
from tuner.deploy.predictor import Predictor
from tuner.networks import (
    Convolutional,
    Dense,
    Function,
    Hidden,
    LeakyRelu,
    LocallyConnected,
    Network,
    Staged,
    TabularEnsemble,
)
from tuner.networks.build import build
from tuner.networks.columns import Coded, Encoding, Rows
from tuner.networks.fitting import fit_encoder
from tuner.outcome import read_outcome
from tuner.recipe import (
    AdamW,
    Augmentation,
    CategoricalCrossentropy,
    Clipping,
    Data,
    FallingRate,
    LogCosine,
    OneCycle,
    Patience,
    Phase,
    PlainLoss,
    Plateau,
    Recipe,
    RMSprop,
    Sgd,
    SteppedRate,
    Training,
)
from tuner.training.fold_data import FoldData, fold_data
from tuner.training.schedules import rates

HIDDEN = Hidden(
    batch_normalization="before", kernel_l1=0.001, kernel_l2=0.02, activity_l1=0.01, dropout=0.1, activation=LeakyRelu()
)
IMAGES = Data(name="digits")


def script_of(recipe: Recipe, fold: FoldData) -> str:
    """The script `net.py` of a recipe."""
    return code.script_of(code.prepare(recipe, fold, Path("net.py")), fold, Path("net.py"))


def run(script: str, folder: Path) -> dict[str, Any]:
    """What a script defines."""
    (folder / "net.py").write_text(script, encoding="utf-8")
    return runpy.run_path(str(folder / "net.py"))


def same_weights(ours: Any, theirs: Any) -> bool:
    """Whether two networks have equal weights, in order."""
    return all(np.array_equal(*each) for each in zip(ours.get_weights(), theirs.get_weights(), strict=True))


@pytest.mark.parametrize(
    "network",
    [
        Dense(widths=(5,), input_dropout=0.1, hidden=replace(HIDDEN, precision="bfloat16")),
        Convolutional(filters=(3,), widths=(4,), hidden=HIDDEN),
        Staged(filters=(3, 4), stem=2, block="residual", hidden=HIDDEN),
        Staged(filters=(3,), block="separable", bridge="flatten"),
        LocallyConnected(filters=(2,), hidden=replace(HIDDEN, activity_l1=0.0)),
    ],
    ids=lambda each: f"{each.kind} {each.sizes}",
)
def test_the_script_builds_the_same_network(network: Network, places: Places, tmp_path: Path) -> None:
    recipe = Recipe(data=IMAGES, network=network, seed=3)
    fold = fold_data(recipe, training_set(IMAGES, places), 0)
    built = run(script_of(recipe, fold), tmp_path)["build_network"]()
    assert same_weights(built, build(network, fold.inputs, fold.outputs, 3))
    assert len(built.losses) == len(build(network, fold.inputs, fold.outputs, 3).losses)


@pytest.mark.parametrize("numbers", ["quantile", "pbld"])
def test_a_tables_network_has_its_encoder(numbers: Any, tmp_path: Path) -> None:
    columns = (
        Coded("number", lacks=True),
        Coded("category", 4),
        Coded("category", 30),
        Coded("date"),
        Coded("text", 9, 2),
    )
    rows, chance = Rows(columns, Encoding(numbers=numbers)), np.random.default_rng(0)
    inputs = chance.integers(0, 4, (50, 6)).astype(np.float32)
    network, constants = TabularEnsemble(widths=(4,), members=2), tuple(fit_encoder(rows, inputs))
    recipe = Recipe(data=IMAGES, network=network)
    fold = FoldData(None, None, rows, 3, None, constants=constants)  # type: ignore[arg-type]  # only its networks are built
    arrays = {f"constant_{number}": each for number, each in enumerate(constants)}
    np.savez(tmp_path / "net.npz", **arrays)  # type: ignore[arg-type]
    built = run(script_of(recipe, fold), tmp_path)["build_model"]()
    ours = build(network, rows, 3, 0, constants)
    assert same_weights(built, ours)
    np.testing.assert_allclose(built(inputs), ours(inputs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "schedule",
    [FallingRate(kind="cosine", warmup=0.2), OneCycle(), LogCosine(), SteppedRate(every=2)],
    ids=lambda each: each.kind,
)
def test_the_learning_rate_of_each_step_is_the_recipes(schedule: Any, places: Places, tmp_path: Path) -> None:
    training = Training(optimizer=Sgd(learning_rate=0.5), schedule=schedule, epochs=4)
    recipe = Recipe(data=IMAGES, network=Dense(widths=()), training=training)
    fold = fold_data(recipe, training_set(IMAGES, places), 0)
    made = run(script_of(recipe, fold), tmp_path)["learning_rate"](7)
    wanted = np.concatenate([rates(training, epoch, 7, ()) for epoch in range(1, 5)])
    np.testing.assert_allclose([float(made(step)) for step in range(28)], wanted, rtol=1e-5, atol=1e-8)


@pytest.mark.slow
def test_pictures_are_trained_by_the_script_as_by_the_recipe(places: Places, tmp_path: Path) -> None:
    network = Dense(widths=(4,), hidden=Hidden(batch_normalization="before", normalization_momentum=0.8))
    model = models.pictures(tmp_path, places, epochs=8, network=network)
    files = export_code(model, tmp_path / "net.py", places)
    assert files == [tmp_path / "net.py", tmp_path / "net.npz"]
    made, predictor = runpy.run_path(str(files[0])), Predictor.load(model)
    data, untrained = made["load_data"](), made["build_model"]()
    untrained.set_weights(predictor.model.get_weights())
    stored = training_set(predictor.recipe.data, places).examples.inputs  # type: ignore[union-attr]
    np.testing.assert_allclose(
        untrained.predict((stored - np.load(files[1])["offset"]) * np.load(files[1])["factor"], verbose=0),
        predictor.network_outputs(stored),
        atol=1e-5,
    )
    trained, history = made["train"]()
    assert trained.count_params() == untrained.count_params()
    assert history.history["val_accuracy"][-1] == 1.0
    assert "x_test" not in data


def test_the_script_says_what_it_does_in_another_way(places: Places, tmp_path: Path) -> None:
    training = Training(
        optimizer=AdamW(rates="ntk"),
        loss=CategoricalCrossentropy(label_smoothing=0.1),
        schedule=Plateau(),
        early_stopping=Patience(epochs=2, monitor="validation_accuracy"),
        keep="best",
        keep_by="validation_log_loss",
        averaging=0.9,
        bootstrap=True,
        clipping=Clipping(limit=2.0),
        gradient_accumulation_steps=3,
        augmentation=Augmentation(shift=2, flip=True, rotate=36.0, erase=0.2),
    )
    recipe = Recipe(data=IMAGES, network=Dense(widths=(4,)), training=training)
    text = script_of(recipe, fold_data(recipe, training_set(IMAGES, places), 0))
    assert [line.removeprefix("Differs: ") for line in text.splitlines() if line.startswith("Differs")] == [
        "training.averaging: the average of the weights has no faster start.",
        "training.bootstrap: the examples are not drawn with replacement.",
        "validation_log_loss: val_loss is watched in its place.",
        "training.augmentation.erase: left out.",
        "training.optimizer.rates: left out.",
    ]
    made = run(text, tmp_path)
    optimizer = made["compiled"](made["build_model"](), 5).optimizer
    assert (optimizer.global_clipnorm, optimizer.gradient_accumulation_steps) == (2.0, 3)
    assert (optimizer.use_ema, optimizer.ema_momentum, optimizer.weight_decay) == (True, 0.9, 0.004)
    plateau, stopping = made["callbacks"]()
    assert (plateau.monitor, plateau.factor, plateau.patience) == ("val_loss", 0.3, 3)
    assert (stopping.monitor, stopping.patience, stopping.restore_best_weights) == ("val_accuracy", 2, True)
    images = {"x_train": np.ones((4, 8, 8), np.float32), "y_train": np.ones(4)}
    assert [each.shape for each in next(iter(made["batches"](images)))] == [(4, 8, 8), (4,)]


@pytest.mark.parametrize(
    ("optimizer", "loss"),
    [
        (RMSprop(rho=0.8), PlainLoss(kind="half_squared_error")),
        (Sgd(momentum=0.5), PlainLoss(kind="mean_squared_error")),
    ],
    ids=["half", "squared"],
)
def test_a_loss_is_keras_or_stands_in_the_script(
    optimizer: Any, loss: PlainLoss, places: Places, tmp_path: Path
) -> None:
    training = Training(optimizer=optimizer, loss=loss)
    recipe = Recipe(data=Data(name="xor"), network=Dense(widths=(2,), output="signed"), training=training)
    fold = fold_data(recipe, training_set(recipe.data, places), 0)
    made = run(script_of(recipe, fold), tmp_path)
    model = made["compiled"](made["build_model"](), 5)
    half = 0.5 if loss.kind == "half_squared_error" else 1.0
    assert float(model.loss(np.array([[1.0]]), np.array([[0.0]]))) == half


def test_bad_input_is_refused(places: Places, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"--out net.txt: must end in .py for --as code"):
        export_code(tmp_path / "best.keras", Path("net.txt"), places)
    with pytest.raises(DataError, match="has no metadata beside it, and so no recipe to write as code"):
        export_code(tmp_path / "best.keras", tmp_path / "net.py", places)
    assert list(tmp_path.iterdir()) == []
    in_python, phases = Function(source="python:build"), Training(phases=(Phase(trainable="head"),))
    for recipe, problem in (
        (
            Recipe(data=IMAGES, network=in_python),
            r"--as code: build only existed in the Python process that began the study; save it in a file",
        ),
        (
            Recipe(data=IMAGES, network=Function(source="nets.py:build"), training=phases),
            r"--as code: the training has phases, and a script has a single fit; export the model itself",
        ),
    ):
        (tmp_path / "best.json").write_text(json.dumps(models.metadata_of(recipe)))
        with pytest.raises(StudyError, match=problem):
            export_code(tmp_path / "best.keras", tmp_path / "net.py", places)
    with pytest.raises(StorageError, match=r"--out nets.py: is the file of the function itself; choose another name"):
        export_code(tmp_path / "best.keras", Path("nets.py"), places)


def test_a_script_has_the_models_of_its_study() -> None:
    study = optuna.create_study(study_name="first")
    study.add_trial(optuna.trial.create_trial(value=0.5))
    rule = "the study 'first' is that of a script, without a final model here; get_best_models"
    with pytest.raises(StudyError, match=rule):
        _ = read_outcome(study).final
