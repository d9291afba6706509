"""Fine-tuning in phases beside other trainings on the same few examples: handwritten digits 5 to 9, from a network that knows 0 to 4.

    python benchmarks/fine_tuning.py --seeds 20 --out benchmarks/results/fine_tuning.json

Each seed draws its own examples; all other examples of these digits are the test. One recipe for all variants, nothing searched.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

BUILD = """
import keras

def build(trial, inputs, outputs):
    return keras.Sequential([
        keras.Input(inputs),
        keras.layers.Reshape((8, 8, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(outputs, activation="softmax", name="head"),
    ])
"""
PER_CLASS, EPOCHS, BATCH, RATE = (5, 20), 60, 16, 1e-3


def variants() -> dict[str, tuple[bool, tuple[Any, ...]]]:
    """By name: whether the weights are trained ones, and the phases."""
    from tuner.recipe import Phase

    return {
        "from scratch": (False, ()),
        "the head alone": (True, (Phase(trainable="head"),)),
        "all layers at once": (True, ()),
        "head, then all at a tenth of the rate": (True, (Phase(share=0.3, trainable="head"), Phase(learning_rate_factor=0.1))),
        "head, then all at the same rate": (True, (Phase(share=0.3, trainable="head"), Phase())),
    }  # fmt: skip


@cache
def network_of(name: str, folder: Path) -> Any:
    """The network of a file or a function, with the facts of its model."""
    from tuner.networks import Function
    from tuner.networks.asker import facts
    from tuner.networks.function import Call
    from tuner.networks.sources import source_at

    source, sha256 = source_at(name, folder)
    info = facts(Call(source, sha256, (8, 8), 5), lambda *_: None)
    assert not info.problem, info.problem
    return Function(source=source, sha256=sha256, found=info)


def accuracies(folder: Path, per_class: int, seed: int) -> Iterator[tuple[str, float]]:
    """The test accuracy of each variant with this seed."""
    import keras
    import numpy as np
    from sklearn.datasets import load_digits

    from tuner.data.examples import Examples
    from tuner.recipe import Adam, Data, NoValidation, Recipe, Training
    from tuner.result import never_stop
    from tuner.training.checkpoint import Checkpoint, Progress
    from tuner.training.evaluation import classes_of, predict
    from tuner.training.fold_data import FoldData
    from tuner.training.saving import UNSCALED
    from tuner.training.train import train

    x, y = load_digits(return_X_y=True)
    x = (x.reshape(-1, 8, 8) / 16).astype(np.float32)
    known, generator = y < 5, np.random.default_rng(seed)
    if not (folder / "base.keras").is_file():
        names: dict[str, Any] = {}
        exec(BUILD, names)
        keras.utils.set_random_seed(0)
        base = names["build"](None, (8, 8), 5)
        base.compile("adam", "sparse_categorical_crossentropy")
        base.fit(x[known], y[known], epochs=20, verbose=0)
        base.save(folder / "base.keras")
        (folder / "scratch.py").write_text(BUILD)
    few = np.concatenate([generator.permutation(np.flatnonzero(y == digit))[:per_class] for digit in range(5, 10)])
    rest = np.setdiff1d(np.flatnonzero(~known), few)
    fold = FoldData(Examples(inputs=x[few], labels=y[few] - 5), None, (8, 8), 5, UNSCALED)
    for name, (is_trained, phases) in variants().items():
        network = network_of("base.keras" if is_trained else "scratch.py:build", folder)
        training = Training(epochs=EPOCHS, batch_size=BATCH, optimizer=Adam(learning_rate=RATE), phases=phases)
        recipe = Recipe(
            data=Data(name="digits"), protocol=NoValidation(), network=network, training=training, seed=seed
        )
        trained = train(recipe, fold, never_stop, Progress(), Checkpoint(None, recipe))
        right = classes_of(predict(trained.model, trained.scale, x[rest])) == y[rest] - 5
        yield name, float(right.mean())


def main() -> None:
    """Print and write the mean test accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    from tuner.training import start

    start(1)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for per_class in PER_CLASS:
            found: dict[str, list[float]] = {}
            for seed in range(arguments.seeds):
                for name, accuracy in accuracies(Path(folder), per_class, seed):
                    found.setdefault(name, []).append(accuracy)
            results[f"{per_class} examples of each digit"] = {
                name: {"mean": statistics.fmean(each), "deviation": statistics.stdev(each), "accuracies": each}
                for name, each in found.items()
            }
            for name, each in found.items():
                print(f"{per_class} of each: {name}: {statistics.fmean(each):.1%} ± {statistics.stdev(each):.1%}")
    if arguments.out:
        arguments.out.write_text(json.dumps({"seeds": arguments.seeds, "test_accuracy": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
