"""The epoch loop with the model of a function beside the same network from a study file: processor milliseconds of a step, and their ratio.

    python benchmarks/own_network.py --out benchmarks/results/own_network.json

Both are compiled by the recipe and trained on the same examples in alternate rounds in one process of one thread.
`callback` is the function's network with a Keras callback that wants batch events; `fit` is Keras's own loop on the function's model.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

BUILD = """
import keras

def build(trial, inputs, outputs):
    layers = [keras.Input(inputs), keras.layers.Flatten()]
    layers += [keras.layers.Dense(128, activation="relu"), keras.layers.Dense(128, activation="relu")]
    return keras.Sequential([*layers, keras.layers.Dense(outputs, activation="softmax")])


class Batches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def callbacks():
    return [Batches()]
"""


def loops(examples: int, batch: int, folder: Path) -> dict[str, tuple[int, Callable[[int], float]]]:
    """By name: the steps of an epoch, and what trains an epoch with this number and returns its seconds of the processor."""
    import numpy as np

    from tuner.data.examples import Examples
    from tuner.networks import Dense, Function, Network
    from tuner.networks.asker import facts
    from tuner.networks.function import Call
    from tuner.networks.sources import source_at
    from tuner.recipe import Data, NoValidation, Recipe, Training
    from tuner.training.callbacks import Callbacks
    from tuner.training.fold_data import FoldData
    from tuner.training.saving import UNSCALED
    from tuner.training.traced import traced
    from tuner.training.train import order_of_examples

    (folder / "nets.py").write_text(BUILD)
    generator = np.random.default_rng(0)
    x = generator.random((examples, 28, 28)).astype(np.float32)
    y = generator.integers(10, size=examples)
    fold = FoldData(Examples(inputs=x, labels=y), None, (28, 28), 10, UNSCALED)
    source, sha256 = source_at("nets.py:build", folder)
    own = Function(source=source, sha256=sha256, found=facts(Call(source, sha256, (28, 28), 10), lambda *_: None))
    named = dict(zip(("callbacks", "callbacks_sha256"), source_at("nets.py:callbacks", folder), strict=True))
    made: dict[str, tuple[int, Callable[[int], float]]] = {}
    networks: dict[str, Network] = {"study file": Dense(widths=(128, 128)), "function": own}
    for name, network in networks.items():
        training = Training(batch_size=batch, epochs=1)
        recipe = Recipe(data=Data(name="mnist"), protocol=NoValidation(), network=network, training=training)
        loop = traced(recipe, fold).loop

        def epoch(number: int, loop: Any = loop, recipe: Recipe = recipe) -> float:
            order = order_of_examples(recipe, 0, number, examples)
            began = time.process_time()
            loop.epoch(order, np.full(loop.steps, 1e-3, np.float32))
            return time.process_time() - began

        made[name] = loop.steps, epoch
    loop = traced(recipe, fold).loop
    callbacks = Callbacks(replace(recipe.training, **named), loop, "benchmark")  # type: ignore[arg-type]
    callbacks.begin(recipe.training, "", ())

    def with_callback(number: int) -> float:
        order = order_of_examples(recipe, 0, number, examples)
        began = time.process_time()
        for _ in callbacks.steps(order, np.full(loop.steps, 1e-3, np.float32), 0, loop.steps):
            pass
        return time.process_time() - began

    names: dict[str, Any] = {}
    exec(BUILD, names)
    model = names["build"](None, (28, 28), 10)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    def by_keras(_: int) -> float:
        began = time.process_time()
        model.fit(x, y, batch, verbose=0)
        return time.process_time() - began

    return {**made, "callback": (made["function"][0], with_callback), "fit": (made["function"][0], by_keras)}


def main() -> None:
    """Print and write the milliseconds of a step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    from tuner.training import start

    start(1)
    results: dict[str, Any] = {}
    for batch in (32, 128):
        with tempfile.TemporaryDirectory() as folder:
            made = loops(arguments.examples, batch, Path(folder))
            seconds: dict[str, list[float]] = {name: [] for name in made}
            for number in range(1, arguments.rounds + 2):
                for name, (_, epoch) in made.items():
                    seconds[name].append(epoch(number))
        steps = made["function"][0]
        each = {
            name: [1000 * one / steps for one in values[1:]] for name, values in seconds.items()
        }  # the first traces
        medians = {name: statistics.median(values) for name, values in each.items()}
        by_round = [own / other for own, other in zip(each["function"], each["study file"], strict=True)]
        results[f"batch {batch}"] = {"milliseconds": medians, "ratio": statistics.median(by_round), "rounds": each}
        text = ", ".join(f"{name} {value:.3f} ms" for name, value in medians.items())
        print(f"batch {batch}: {text}; function / study file {statistics.median(by_round):.3f}")
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
