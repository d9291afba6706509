"""Epochs per second: this tuner's loop against Keras's `fit`, interleaved on one machine, on Fashion-MNIST.

    python benchmarks/epochs.py [--threads 1] [--rounds 3] [--out benchmarks/results/epochs.json]

Each round trains the same network on the same 50,000 images with both, one after the other, after a warm-up epoch each;
the table has the medians and their ratio. Validation is part of neither. Networks: dense 784-128-128-10 at batch 128, 16
and 4, a convolutional one and a locally connected one; ours also in bfloat16 where the processor has it.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tuner.data.load import Places, training_set
from tuner.data.parts import TrainingSet
from tuner.data.splits import folds
from tuner.machine import cores, fast_precision
from tuner.recipe import Convolutional, Data, Dense, Hidden, Holdout, LocallyConnected, Network, Recipe, Training


@dataclass(frozen=True)
class Case:
    """One network at one batch size; `images` fewer than all where an epoch would take minutes."""

    name: str
    network: Network
    batch: int
    images: int = 50_000


CASES = [
    Case("dense, batch 128", Dense(widths=(128, 128)), 128),
    Case("dense, batch 16", Dense(widths=(128, 128)), 16),
    Case("dense, batch 4", Dense(widths=(128, 128)), 4),
    Case("convolutional, batch 128", Convolutional(filters=(32, 64), widths=(64,)), 128, 25_000),
    Case("locally connected, batch 32", LocallyConnected(filters=(8, 8), dimensions=2, stride=2), 32, 25_000),
]


def recipe_of(case: Case) -> Recipe:
    """The case as a recipe."""
    training = Training(batch_size=case.batch, epochs=1)
    return Recipe(
        data=Data(name="fashion-mnist"), protocol=Holdout(validation=10_000), network=case.network, training=training
    )


def ours(case: Case, data: TrainingSet, recipe: Recipe) -> Callable[[], None]:
    """One epoch of this tuner's loop."""
    import numpy as np

    from tuner.networks.build import build
    from tuner.training.compiling import compile_model, targets
    from tuner.training.loop import EpochLoop, Scaler, part, xla_pays

    inputs, labels = _images(case, data, recipe)
    model = build(recipe.network, (28, 28), 10, 0)
    compile_model(model, recipe)
    scale = Scaler(np.zeros((), np.float32), np.asarray(1 / 255, np.float32))
    xla = xla_pays(replace(recipe, training=replace(recipe.training, epochs=12)), len(labels), model.count_params())
    loop = EpochLoop(model, scale, part(inputs, targets(recipe, labels, 10)), None, case.batch, xla)
    rates = np.full(loop.steps, 0.001, np.float32)

    def epoch() -> None:
        loop.epoch(np.random.default_rng(0).permutation(len(labels)).astype(np.int32), rates)

    return epoch


def plain_fit(case: Case, data: TrainingSet, recipe: Recipe) -> Callable[[], None]:
    """One epoch of Keras's `fit` on the same network, as people write it: float32 arrays, divided by 255."""
    import keras

    from tuner.networks.build import build

    inputs, labels = _images(case, data, recipe)
    scaled = inputs.astype("float32") / 255
    model = build(recipe.network, (28, 28), 10, 0)
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return lambda: model.fit(scaled, labels, batch_size=case.batch, epochs=1, verbose=0)


def measure(case: Case, data: TrainingSet, rounds: int) -> dict[str, Any]:
    """Median seconds an epoch for each way, interleaved, and how many times faster ours is."""
    recipe = recipe_of(case)
    ways = {"fit": plain_fit(case, data, recipe), "ours": ours(case, data, recipe)}
    if fast_precision() == "bfloat16":
        half = replace(recipe, network=replace(recipe.network, hidden=Hidden(precision="bfloat16")))
        ways["ours, bfloat16"] = ours(case, data, half)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for epoch in ways.values():
        epoch()
    for _ in range(rounds):
        for name, epoch in ways.items():
            started = time.perf_counter()
            epoch()
            times[name].append(time.perf_counter() - started)
    seconds = {name: statistics.median(values) for name, values in times.items()}
    return {"seconds": seconds, "ratio": {name: seconds["fit"] / each for name, each in seconds.items()}}


def _images(case: Case, data: TrainingSet, recipe: Recipe) -> tuple[Any, Any]:
    (fold,) = folds(recipe.protocol, data.examples.labels)
    chosen = fold.training[: case.images]
    return data.examples.inputs[chosen], data.examples.labels[chosen]


def main() -> None:
    """Measure every case and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--out", type=Path)
    said = arguments.parse_args()
    from tuner.training.runtime import start

    start(said.threads)
    data = training_set("fashion-mnist", Places.from_environment())
    results = {}
    for case in CASES:
        if said.only in case.name:
            results[case.name] = measure(case, data, said.rounds)
            print(case.name, {name: f"{s:.3f} s" for name, s in results[case.name]["seconds"].items()}, flush=True)
            print(" " * 8, {name: f"{r:.2f}x" for name, r in results[case.name]["ratio"].items()}, flush=True)
    if said.out:
        machine = {"processor": platform.processor() or platform.machine(), "cores": cores(), "threads": said.threads}
        versions = {name: version(name) for name in ("tensorflow", "keras", "tuner")}
        said.out.parent.mkdir(parents=True, exist_ok=True)
        said.out.write_text(json.dumps({"machine": machine, "versions": versions, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
