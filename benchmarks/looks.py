"""What a look at Fashion-MNIST costs besides its steps, in CPU seconds of one thread.

    python benchmarks/looks.py [--rounds 5] [--out benchmarks/results/looks.json]

A look is a tenth of an epoch and the validation of 5,000 images. TensorFlow is imported and has traced another network before. The
table has the least of the rounds, since other work on the machine only adds to it: for the parts of a look with a new graph, and
for the start of one whose recipe differs from the one before in numbers, batch size and seed only.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from common import about_this_machine, write_results

from tuner.data.examples import TrainingSet
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks import Dense, Hidden, Network, Staged
from tuner.recipe import Adam, Augmentation, CategoricalCrossentropy, Data, FallingRate, Holdout, Recipe, Sgd, Training

Made = TypeVar("Made")
HIDDEN = Hidden(batch_normalization="before", normalization_momentum=0.95, dropout=0.4)
LOOK = Training(
    loss=CategoricalCrossentropy(label_smoothing=0.1),
    optimizer=Adam(learning_rate=0.003),
    schedule=FallingRate(kind="cosine"),
    batch_size=128,
    epochs=1,
    lean_epochs=1,
    lean_share=0.1,
)
FIRST = replace(
    LOOK,
    optimizer=Sgd(learning_rate=0.2, momentum=0.9, nesterov=True, weight_decay=5e-4),
    augmentation=Augmentation(flip=True, shift=1),
)


def staged(filters: tuple[int, ...], width: int) -> Network:
    """Stages of two convolutions, as in studies/fashion.toml."""
    return Staged(filters=filters, stage_dropout=0.1, bridge="flatten", widths=(width,), hidden=HIDDEN)


CASES = {
    "dense 256-256": (Dense(widths=(256, 256), hidden=HIDDEN), LOOK),
    "staged 16-32/128": (staged((16, 32), 128), LOOK),
    "first start of fashion": (staged((32, 64), 256), FIRST),
}


def recipe_of(network: Network, training: Training) -> Recipe:
    """The case as a recipe."""
    protocol = Holdout(validation=5_000)
    return Recipe(data=Data(name="fashion-mnist"), protocol=protocol, network=network, training=training)


def other_numbers(recipe: Recipe) -> Recipe:
    """A recipe with the same graph."""
    hidden = replace(recipe.network.hidden, dropout=0.2)
    loss = CategoricalCrossentropy(label_smoothing=0.05)
    training = replace(recipe.training, loss=loss, batch_size=64, lean_share=0.4)
    return replace(recipe, network=replace(recipe.network, hidden=hidden), training=training, seed=1)  # type: ignore[arg-type]


def parts(recipe: Recipe, data: TrainingSet) -> dict[str, float]:
    """The seconds of each part of a look with a new graph."""
    import numpy as np

    from tuner.networks.build import build
    from tuner.training.compiling import compile_model
    from tuner.training.fold_data import fold_data
    from tuner.training.loop import EpochLoop
    from tuner.training.train import order_of_examples

    seconds: dict[str, float] = defaultdict(float)

    def timed(name: str, call: Callable[[], Made]) -> Made:
        started = time.process_time()
        made = call()
        seconds[name] += time.process_time() - started
        return made

    fold = fold_data(recipe, data, 0)
    arrays = fold.for_loop(recipe)
    model = timed("build", lambda: build(recipe.network, fold.inputs, fold.outputs, recipe.seed))
    timed("compile", lambda: compile_model(model, recipe))
    loop = timed("loop", lambda: EpochLoop(model, recipe.training, *arrays))
    timed("trace", loop.trace)
    order, rates = order_of_examples(recipe, 0, 1, len(loop.training)), np.full(loop.steps, 0.001, np.float32)
    timed("steps", lambda: list(loop.train(order, rates, 0, loop.steps_of(0.1))))
    timed("first validation", loop.validate)
    timed("validation", loop.validate)
    seconds["overhead"] = sum(seconds[each] for each in ("build", "compile", "loop", "trace", "first validation"))
    seconds["overhead"] -= seconds["validation"]
    return seconds


def restart(recipe: Recipe, data: TrainingSet) -> float:
    """The seconds until the first step of a recipe whose graph is there, with other numbers."""
    from tuner.training.fold_data import fold_data
    from tuner.training.traced import traced

    fold, other = fold_data(recipe, data, 0), other_numbers(recipe)
    before = traced(recipe, fold)
    started = time.process_time()
    after = traced(other, fold)
    seconds = time.process_time() - started
    assert after is before, "another graph"
    return seconds


def main() -> None:
    """Measure every case and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--out", type=Path)
    chosen = arguments.parse_args()
    from tuner.training import start

    start(1)
    data, results = training_set("fashion-mnist", Places.from_environment()), {}
    parts(recipe_of(Dense(widths=(8,)), LOOK), data)
    for name, (network, training) in CASES.items():
        recipe = recipe_of(network, training)
        rounds = [parts(recipe, data) for _ in range(chosen.rounds)]
        least = {part: min(each[part] for each in rounds) for part in rounds[0]}
        least["restart"] = min(restart(recipe, data) for _ in range(chosen.rounds))
        results[name] = {part: round(seconds, 3) for part, seconds in least.items()}
        print(name, results[name], flush=True)
    if chosen.out:
        write_results(chosen.out, {**about_this_machine(), "CPU seconds": results})


if __name__ == "__main__":
    main()
