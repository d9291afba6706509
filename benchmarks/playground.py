"""The smallest networks that solve the TensorFlow Playground's problems: a test loss of 0.05 or less on 9 of 10 seeds.

    python benchmarks/playground.py [--only spiral] [--out benchmarks/results/playground.json]

Dense networks of one to three layers, fewest parameters first, all trained alike (the Playground's loss, batch of 10 and tanh;
Adam with a cosine schedule). A network passes with a loss of 0.05 or less on a fifth of the training part for 9 of 10 seeds; only
then is it trained on all of the training part with 10 other seeds and measured on the test part, and counts if 9 of those keep
the bound. Networks that have failed twice are not trained further. What the file has is not run again.
"""

import argparse
import itertools
import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

from common import about_this_machine, write_results

from tuner.base.machine import cores
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.networks import Dense
from tuner.networks.hidden import Hidden, PlainActivation
from tuner.recipe import Adam, Data, FallingRate, Holdout, OnTest, PlainLoss, Protocol, Recipe, Training

PROBLEMS = ("circle", "xor", "spiral")
BOUND = 0.05
SEEDS, ENOUGH = 10, 9
MOST_PARAMETERS = 90
WIDTHS = range(
    1, 9
)  # but a first layer of one neuron: what follows it is one along each line, and no problem's classes are
EPOCHS = 1600
RATE = 0.03
TO_CHOOSE, TO_TEST = range(SEEDS), range(1000, 1000 + SEEDS)


def networks() -> list[tuple[int, tuple[int, ...]]]:
    """All networks, with their parameters, fewest first."""
    shapes = itertools.chain.from_iterable(itertools.product(WIDTHS, repeat=layers) for layers in (1, 2, 3))
    counted = ((parameters(widths), widths) for widths in shapes if widths[0] > 1)
    return sorted(each for each in counted if each[0] <= MOST_PARAMETERS)


def parameters(widths: tuple[int, ...]) -> int:
    """How many parameters a network on two numbers with one output has."""
    sizes = (2, *widths, 1)
    return sum((before + 1) * after for before, after in itertools.pairwise(sizes))


def recipe(problem: str, widths: tuple[int, ...], protocol: Protocol, seed: int) -> Recipe:
    """How all of them are trained."""
    return Recipe(
        data=Data(name=problem, scaling="none"),
        protocol=protocol,
        network=Dense(widths=widths, hidden=Hidden(activation=PlainActivation(kind="tanh")), output="signed"),
        training=Training(
            loss=PlainLoss(kind="half_squared_error"),
            optimizer=Adam(learning_rate=RATE),
            schedule=FallingRate(kind="cosine"),
            batch_size=10,
            epochs=EPOCHS,
        ),
        seed=seed,
    )


def loss(job: tuple[str, tuple[int, ...], bool, int]) -> float:
    """The loss of one network: on the test part where it `is_test`, else on the validation part."""
    import tensorflow as tf

    from tuner.run import run

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    problem, widths, is_test, seed = job
    places = Places.from_environment()
    protocol: Protocol = OnTest() if is_test else Holdout(validation=0.2)
    trained = recipe(problem, widths, protocol, seed)
    found = run(trained, training_set(problem, places), held_out=held_out(problem, places) if is_test else None)
    return found.validation.loss if found.validation else float("inf")


def losses(pool: Any, problem: str, widths: tuple[int, ...], is_test: bool) -> list[float]:
    """Of one network for each seed; the test's all, the others' until two are above the bound."""
    found: list[float] = []
    seeds = TO_TEST if is_test else TO_CHOOSE
    for first in range(0, len(seeds), cores()):
        found += pool.map(
            loss, [(problem, widths, is_test, seed) for seed in seeds[first : first + cores()]], chunksize=1
        )
        if not is_test and sum(each > BOUND for each in found) > SEEDS - ENOUGH:
            break
    return [round(each, 4) for each in found]


def passes(found: list[float]) -> bool:
    """Whether enough seeds keep the bound."""
    return sum(each <= BOUND for each in found) >= ENOUGH


def main() -> None:
    """Go through the networks of each problem until one passes on the test part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PROBLEMS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "playground.json")
    arguments = parser.parse_args()
    tried: dict[str, list[Any]] = {}
    if arguments.out.is_file():
        tried = json.loads(arguments.out.read_text())["tried"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with multiprocessing.get_context("spawn").Pool(cores()) as pool:
        for problem in PROBLEMS if arguments.only is None else (arguments.only,):
            own = tried.setdefault(problem, [])
            for count, widths in networks():
                if any(each.get("test") and passes(each["test"]) for each in own):
                    break
                if any(each["widths"] == list(widths) for each in own):
                    continue
                own.append({"widths": list(widths), "parameters": count})
                own[-1]["validation"] = losses(pool, problem, widths, is_test=False)
                if passes(own[-1]["validation"]):
                    own[-1]["test"] = losses(pool, problem, widths, is_test=True)
                print(problem, own[-1], flush=True)
                how = {"epochs": EPOCHS, "learning_rate": RATE, "bound": BOUND}
                write_results(arguments.out, {**about_this_machine(), **how, "tried": tried})


if __name__ == "__main__":
    main()
