"""A picture and a table together, and each alone: the kind of a piece of clothing from its photo, its weight and its price.

    python benchmarks/picture_and_table.py --data-dir DATA --out benchmarks/results/picture_and_table.json

The pictures and their classes are those of Fashion-MNIST. Weight and price are made: log-normal around a figure for each class, with
standard deviations of 0.25 and 0.4 of the logarithm, so that classes overlap. Each seed draws other pictures and other numbers: 2,000 of
the training part, of which 400 are for validation, and 4,000 of the test part. The same study searches each of the three: a small network
of a function, which takes the parts that there are.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from common import about_this_machine, write_results

GRAMS = (160, 500, 420, 300, 1100, 350, 220, 700, 600, 950)
PRICES = (15, 45, 40, 50, 110, 35, 30, 70, 45, 95)
"""The middle of each class, in the order of Fashion-MNIST: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, boot."""
VARIANTS = {"picture": ("picture",), "table": ("grams", "price"), "both": ("picture", "grams", "price")}


def build(trial: Any, inputs: Any, outputs: int) -> Any:
    """A network of two convolutions, of a hidden layer on the table, or of both."""
    import keras

    shapes = inputs if isinstance(inputs, dict) else {"table": inputs}
    starts = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    ends = []
    if "picture" in starts:
        maps = keras.layers.Rescaling(1 / 255)(keras.layers.Reshape((28, 28, 1))(starts["picture"]))
        for filters in (trial.suggest_categorical("filters", [8, 16]), 32):
            maps = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(maps)
        ends.append(keras.layers.Flatten()(maps))
    if "table" in starts:
        ends.append(keras.layers.Dense(trial.suggest_categorical("table_units", [16, 64]), "relu")(starts["table"]))
    features = ends[0] if len(ends) == 1 else keras.layers.concatenate(ends)
    features = keras.layers.Dense(64, "relu")(features)
    features = keras.layers.Dropout(trial.suggest_float("dropout", 0.0, 0.5))(features)
    return keras.Model(list(starts.values()), keras.layers.Dense(outputs, "softmax")(features))


def study(seed: int, trials: int) -> dict[str, Any]:
    """The study of each variant."""
    rate = {"low": 5e-4, "high": 5e-3, "log": True}
    training = {"optimizer": {"kind": "adam", "learning_rate": rate}, "batch_size": 64, "epochs": 15}
    return {
        "objective": "validation_accuracy",
        "budget": {"trials": trials, "minutes": 60},
        "search": {"seed": seed},
        "confirmation": {"seeds": 1, "anchors": False},
        "recipe": {"seed": seed, "training": training, "protocol": {"kind": "holdout", "validation": 400}},
    }


def accuracies(seed: int, trials: int, data_dir: Path | None) -> dict[str, dict[str, float]]:
    """The accuracy of each variant on validation and test."""
    import numpy as np

    import tuner
    from tuner.data.load import held_out, training_set
    from tuner.data.sources import Places
    from tuner.recipe import Data

    fashion, places = Data(name="fashion-mnist"), Places.from_environment(data_dir)
    generator, parts = np.random.default_rng(seed), []
    for examples, count in ((training_set(fashion, places).examples, 2000), (held_out(fashion, places).examples, 4000)):
        chosen = examples.take(generator.choice(len(examples), count, replace=False))
        middles = np.array([GRAMS, PRICES])[:, chosen.labels]
        grams, price = middles * np.exp(generator.normal(size=middles.shape) * [[0.25], [0.4]])
        parts.append(({"picture": chosen.inputs, "grams": grams, "price": price}, chosen.labels))
    (x, y), (x_test, y_test) = parts
    found = {}
    for name, columns in VARIANTS.items():
        train, test = ({each: inputs[each] for each in columns} for inputs in (x, x_test))
        with tempfile.TemporaryDirectory() as folder:
            tuned = tuner.optimize(
                study(seed, trials), train, y, network=build, test=(test, y_test), runs=folder, verbose=0
            )
            confirmed = tuned.confirmed
            assert confirmed is not None
            found[name] = {"validation": confirmed.best_validation, "test": confirmed.test_figures["accuracy"]}
        print(
            f"seed {seed}, {name}: validation {found[name]['validation']:.1%}, test {found[name]['test']:.1%}",
            flush=True,
        )
    return found


def main() -> None:
    """Print and write the accuracies of each seed, and their means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    by_seed = [accuracies(seed, arguments.trials, arguments.data_dir) for seed in range(arguments.seeds)]
    results: dict[str, Any] = {}
    for name in VARIANTS:
        for part in ("validation", "test"):
            each = [found[name][part] for found in by_seed]
            results.setdefault(name, {})[part] = {
                "mean": statistics.fmean(each), "deviation": statistics.stdev(each), "accuracies": each
            }  # fmt: skip
        test = results[name]["test"]
        print(f"{name}: test accuracy {test['mean']:.1%} ± {test['deviation']:.1%}")
    if arguments.out:
        about = {**about_this_machine(), "trials": arguments.trials, "seeds": arguments.seeds}
        write_results(arguments.out, {**about, "accuracy": results})


if __name__ == "__main__":
    main()
