"""Epochs per second: this tuner's training processes against Optuna's way with plain `fit`, on Fashion-MNIST.

    python benchmarks/epochs.py [--rounds 5] [--only dense] [--out benchmarks/results/epochs.json]

`fit` has one process with all cores, as in peers; this tuner has a process of one thread for each core, and each trains
an epoch of the same network on the same images at the same time. All ways take turns, round by round, after a warm-up
epoch each; the table has the medians. Validation is part of none. Ours is also measured with a single process, for what
a second one adds, and in bfloat16 where the processor has it. The last column is the share of the machine's own rate of
matrix products (2048 by 2048, in the same number format, on all cores) that training reaches.
"""

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from common import about_this_machine, write_results

from tuner.base.machine import cores, fast_precision
from tuner.data.examples import TrainingSet
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.data.splits import folds
from tuner.networks import Convolutional, Dense, Hidden, LocallyConnected, Network, layer_table
from tuner.recipe import Data, Holdout, Recipe, Training


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
    from tuner.training.compiling import compile_model, xla_pays
    from tuner.training.loop import EpochLoop
    from tuner.training.parts import Scaler, part
    from tuner.training.targets import targets

    inputs, labels = _images(case, data, recipe)
    model = build(recipe.network, (28, 28), 10, 0)
    compile_model(model, recipe)
    scale = Scaler(np.zeros((), np.float32), np.asarray(1 / 255, np.float32))
    xla = xla_pays(replace(recipe, training=replace(recipe.training, epochs=12)), len(labels), model.count_params())
    loop = EpochLoop(model, recipe.training, scale, part(inputs, targets(recipe, labels, 10)), None, xla=xla)
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


def matrix_product(precision: str) -> Callable[[], None]:
    """A product of two matrices of 2048 by 2048 (17.2 GFLOP), 20 times."""
    import tensorflow as tf

    left, right = (tf.cast(tf.random.normal((2048, 2048)), precision) for _ in range(2))

    def multiply() -> None:
        for _ in range(20):
            product = tf.matmul(left, right)
        float(product[0, 0])

    return multiply


@dataclass(frozen=True)
class Way:
    """One way of training: `processes` of `threads` threads, each doing what `make` says."""

    kind: str
    precision: str
    processes: int
    threads: int


def ways() -> dict[str, Way]:
    """What is compared."""
    found = {
        "fit": Way("fit", "float32", 1, cores()),
        "ours, 1 process": Way("ours", "float32", 1, 1),
        "ours": Way("ours", "float32", cores(), 1),
    }
    if fast_precision() == "bfloat16":
        found["ours, bfloat16"] = Way("ours", "bfloat16", cores(), 1)
    return found


def live(connection: Connection, way: Way, case: Case | None) -> None:
    """A process that does its work whenever it is told to."""
    from tuner.training import start

    start(way.threads)
    if case is None:
        act = matrix_product(way.precision)
    else:
        data, recipe = training_set("fashion-mnist", Places.from_environment()), recipe_of(case)
        hidden = Hidden(precision=way.precision)  # type: ignore[arg-type]
        if way.kind == "ours":
            act = ours(case, data, replace(recipe, network=replace(recipe.network, hidden=hidden)))  # type: ignore[arg-type]
        else:
            act = plain_fit(case, data, recipe)
    act()
    connection.send("ready")
    while connection.recv() == "go":
        started = time.perf_counter()
        act()
        connection.send(time.perf_counter() - started)


class Team:
    """The processes of one way."""

    def __init__(self, way: Way, case: Case | None) -> None:
        context = multiprocessing.get_context("spawn")
        pipes = [context.Pipe() for _ in range(way.processes)]
        self.processes = [context.Process(target=live, args=(theirs, way, case)) for _, theirs in pipes]
        self.connections = [ours for ours, _ in pipes]
        for process in self.processes:
            process.start()
        for connection in self.connections:
            connection.recv()

    def go(self) -> float:
        """How often a second the work is done by all together."""
        started = time.perf_counter()
        for connection in self.connections:
            connection.send("go")
        for connection in self.connections:
            connection.recv()
        return len(self.connections) / (time.perf_counter() - started)

    def end(self) -> None:
        """Let the processes go."""
        for connection in self.connections:
            connection.send("end")
        for process in self.processes:
            process.join()


def rates(teams: dict[str, Team], rounds: int) -> dict[str, float]:
    """Median rate of each team, taking turns."""
    found: dict[str, list[float]] = {name: [] for name in teams}
    for _ in range(rounds):
        for name, team in teams.items():
            found[name].append(team.go())
    for team in teams.values():
        team.end()
    return {name: statistics.median(values) for name, values in found.items()}


def measure(case: Case, rounds: int, product: dict[str, float]) -> dict[str, Any]:
    """Epochs per second of each way, how many times faster than `fit`, and the share of the matrix-product rate."""
    found = rates({name: Team(way, case) for name, way in ways().items()}, rounds)
    layers = layer_table(recipe_of(case).network, (28, 28), 10)
    operations = 6 * case.images * sum(layer.multiply_adds for layer in layers) / 1e9
    return {
        "epochs per second": found,
        "ratio": {name: rate / found["fit"] for name, rate in found.items()},
        "second process": found["ours"] / found["ours, 1 process"],
        "share of matrix product": {
            name: rate * operations / product[ways()[name].precision] for name, rate in found.items()
        },
    }


def _images(case: Case, data: TrainingSet, recipe: Recipe) -> tuple[Any, Any]:
    (fold,) = folds(recipe.protocol, data.examples.labels)
    chosen = fold.training[: case.images]
    return data.examples.inputs[chosen], data.examples.labels[chosen]


def main() -> None:
    """Measure every case and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--out", type=Path)
    said = arguments.parse_args()
    precisions = {way.precision for way in ways().values()}
    teams = {precision: Team(Way("product", precision, 1, cores()), None) for precision in precisions}
    product = {name: rate * 20 * 2 * 2048**3 / 1e9 for name, rate in rates(teams, said.rounds).items()}
    print({name: f"{each:.0f} GFLOP/s" for name, each in product.items()}, flush=True)
    results = {}
    for case in CASES:
        if said.only in case.name:
            results[case.name] = measure(case, said.rounds, product)
            print(case.name, {name: f"{each:.2f}x" for name, each in results[case.name]["ratio"].items()}, flush=True)
    if said.out:
        write_results(said.out, {**about_this_machine(), "GFLOP/s of matrix products": product, "results": results})


if __name__ == "__main__":
    main()
