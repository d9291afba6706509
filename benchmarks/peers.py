"""Time to accuracy: this tuner beside Optuna with plain `fit` and KerasTuner, on Fashion-MNIST.

    python benchmarks/peers.py [--seconds 300] [--rounds 1] [--until ACCURACY] [--out benchmarks/results/peers.json]

All search the same space (benchmarks/dense.toml: 1 to 4 dense layers of 32 to 512 units, dropout, Adam's learning rate) on
the same 50,000 images with the same 10,000 for validation, at batch 128 and at most 20 epochs a trial, each alone on the
machine, one after the other, and again in each round. Every epoch's validation accuracy is noted with the seconds since
the command was given. The networks that were best at each mark are measured on the test set afterwards. With `--until` a contender
ends when it has reached that validation accuracy, and nothing is tested: `--only "this tuner" --rounds 5 --until 0.8982`.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import about_this_machine, write_results

HERE = Path(__file__).parent
EPOCHS = 20
BATCH = 128
SHARES = (0.2, 0.4, 1.0)
"""The marks, as shares of the time: after one, two and five of five minutes."""


class Notebook:
    """What a contender has reached, and when, in seconds since its command was given."""

    def __init__(self, started: float, seconds: float, until: float = math.inf) -> None:
        self.started = started
        self.seconds = seconds
        self.until = until
        self.events: list[tuple[float, float]] = []
        self.best_at: dict[float, Any] = {}
        self.best = -1.0

    def note(self, accuracy: float, network: Callable[[], Any]) -> bool:
        """Note an epoch; whether there is more to reach, and time for it. `network` is kept if it is the best so far."""
        now = time.time() - self.started
        if now > self.seconds:
            return False
        self.events.append((round(now, 3), accuracy))
        if accuracy > self.best:
            self.best = accuracy
            kept = network()
            for share in SHARES:
                if now <= share * self.seconds:
                    self.best_at[share] = kept
        return accuracy < self.until

    def report(self, test: Callable[[Any], float]) -> dict[str, Any]:
        """Everything, with the test accuracy of the best network at each mark."""
        marks = {
            f"{share * self.seconds:.0f} s": {
                "validation": max((v for t, v in self.events if t <= share * self.seconds), default=None),
                "test": test(self.best_at[share]) if share in self.best_at and self.best < self.until else None,
            }
            for share in SHARES
        }
        return {"first epoch": self.events[0][0], "epochs": len(self.events), "marks": marks, "events": self.events}


class TimeIsUp(BaseException):  # KerasTuner goes on after an ordinary exception
    """Raised in a peer's training to end its search."""


# The peers --------------------------------------------------------------------------------------------------------


def arrays() -> tuple[Any, ...]:
    """Training, validation and test part as people write it: float32 images divided by 255."""
    import numpy as np

    from tuner.data.load import held_out, training_set
    from tuner.data.sources import Places

    places = Places.from_environment()
    whole, test = training_set("fashion-mnist", places).examples, held_out("fashion-mnist", places).examples
    images, labels = whole.inputs.astype(np.float32) / 255, np.asarray(whole.labels, np.int32)
    ours = test.inputs.astype(np.float32) / 255, np.asarray(test.labels, np.int32)
    return images[:-10_000], labels[:-10_000], images[-10_000:], labels[-10_000:], *ours


def network(widths: list[int], dropout: float, rate: float) -> Any:
    """A compiled Keras model, as people write it."""
    import keras

    layers = [keras.Input((28, 28)), keras.layers.Flatten()]
    for width in widths:
        layers += [keras.layers.Dense(width, activation="relu"), keras.layers.Dropout(dropout)]
    model = keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def noting(book: Notebook, also: Callable[[int, float], None] = lambda epoch, accuracy: None) -> Any:
    """A callback that notes every epoch. A KerasTuner copies it, so that the notebook is shared."""
    import keras

    class Noting(keras.callbacks.Callback):  # type: ignore[misc]
        def __deepcopy__(self, _: Any) -> "Noting":
            return Noting()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            model = self.model
            if not book.note(logs["val_accuracy"], lambda: (model.get_config(), model.get_weights())):
                raise TimeIsUp
            also(epoch, logs["val_accuracy"])

    return Noting()


def test_peer(images: Any, labels: Any) -> Callable[[Any], float]:
    """Test accuracy of a network that a notebook kept."""
    import keras

    def test(kept: Any) -> float:
        model = keras.Sequential.from_config(kept[0])
        model.set_weights(kept[1])
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return float(model.evaluate(images, labels, batch_size=1000, verbose=0)[1])

    return test


def optuna_and_fit(book: Notebook, seed: int) -> dict[str, Any]:
    """Optuna's defaults, its median pruner and plain `fit`."""
    import keras
    import optuna

    images, labels, held, held_labels, test_images, test_labels = arrays()
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: optuna.Trial) -> float:
        keras.utils.clear_session()
        widths = [trial.suggest_int(f"width{i}", 32, 512, step=32) for i in range(trial.suggest_int("layers", 1, 4))]
        dropout = trial.suggest_float("dropout", 0.0, 0.5, step=0.1)
        model = network(widths, dropout, trial.suggest_float("rate", 1e-4, 1e-2, log=True))

        def also(epoch: int, accuracy: float) -> None:
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        history = model.fit(
            images,
            labels,
            BATCH,
            EPOCHS,
            verbose=0,
            validation_data=(held, held_labels),
            callbacks=[noting(book, also)],
        )
        return float(max(history.history["val_accuracy"]))

    sampler, pruner = optuna.samplers.TPESampler(seed=seed), optuna.pruners.MedianPruner()
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    with contextlib.suppress(TimeIsUp):
        study.optimize(objective, n_trials=10_000)
    return book.report(test_peer(test_images, test_labels))


def keras_tuner(kind: str) -> Callable[[Notebook, int], dict[str, Any]]:
    """KerasTuner's Hyperband or Bayesian search with its defaults."""

    def contend(book: Notebook, seed: int) -> dict[str, Any]:
        import keras_tuner as kt

        images, labels, held, held_labels, test_images, test_labels = arrays()

        def hypermodel(hp: Any) -> Any:
            widths = [hp.Int(f"width{i}", 32, 512, step=32) for i in range(hp.Int("layers", 1, 4))]
            return network(
                widths, hp.Float("dropout", 0.0, 0.5, step=0.1), hp.Float("rate", 1e-4, 1e-2, sampling="log")
            )

        folder = tempfile.mkdtemp()
        common = {"objective": "val_accuracy", "seed": seed, "directory": folder, "overwrite": True}
        if kind == "hyperband":
            tuner = kt.Hyperband(hypermodel, max_epochs=EPOCHS, **common)
        else:
            tuner = kt.BayesianOptimization(hypermodel, max_trials=1000, **common)
        try:
            tuner.search(
                images,
                labels,
                batch_size=BATCH,
                epochs=EPOCHS,
                verbose=0,
                validation_data=(held, held_labels),
                callbacks=[noting(book)],
            )
        except TimeIsUp:
            pass
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return book.report(test_peer(test_images, test_labels))

    return contend


# This tuner -------------------------------------------------------------------------------------------------------


def this_tuner(book: Notebook, seed: int) -> dict[str, Any]:
    """`optimize` itself on all cores. Its best networks are trained again, which gives the same weights, to be tested."""
    from tuner.base.machine import cores
    from tuner.data.sources import Places
    from tuner.python.progress import Lines
    from tuner.result import Pulse
    from tuner.search.optimize import SearchOptions, optimize
    from tuner.storage import default_url
    from tuner.study import load

    recipes: dict[int, Any] = {}

    class Noting(Lines):
        def __init__(self) -> None:
            super().__init__(None)

        def began(self, number: int, recipe: Any, continues: int | None) -> None:
            recipes[number] = recipe

        def advanced(self, number: int, event: Any) -> None:
            if isinstance(event, Pulse):
                return
            training = replace(recipes[number].training, epochs=event.number)
            if not book.note(event.validation.accuracy, lambda: replace(recipes[number], training=training)):
                raise TimeIsUp

    with tempfile.TemporaryDirectory() as folder:
        places, runs = Places.from_environment(), Path(folder)
        options = SearchOptions(
            file=load(HERE / "dense.toml", "dense", [("search.seed", seed)]),
            runs=runs,
            storage=default_url(runs),
            places=places,
            trials=1000,
            more=None,
            seconds=book.seconds - (time.time() - book.started),
            reset=False,
            workers=cores(),
            threads=1,
            deterministic=False,
        )
        with contextlib.suppress(TimeIsUp):
            optimize(options, Noting())
    return book.report(lambda recipe: _test_ours(recipe, places))


def _test_ours(recipe: Any, places: Any) -> float:
    """Train a recipe again in this process and measure it on the test part."""
    from tuner.training import start

    start(1)
    from tuner.data.load import held_out, training_set
    from tuner.run import run
    from tuner.training.evaluation import evaluate
    from tuner.training.parts import part
    from tuner.training.targets import targets

    test = held_out(recipe.data.name, places)
    found: list[float] = []

    def measure(trained: Any) -> None:
        on_test = part(test.examples.inputs, targets(recipe, test.examples.labels, len(test.classes)))
        found.append(evaluate(trained.model, trained.scale, on_test).accuracy)

    run(recipe, training_set(recipe.data.name, places), visit=measure)
    return found[-1]


CONTENDERS: dict[str, Callable[[Notebook, int], dict[str, Any]]] = {
    "this tuner": this_tuner,
    "Optuna, median, fit": optuna_and_fit,
    "KerasTuner Hyperband": keras_tuner("hyperband"),
    "KerasTuner Bayesian": keras_tuner("bayesian"),
}


# Running them -----------------------------------------------------------------------------------------------------


def run_alone(name: str, seconds: float, seed: int, until: float) -> dict[str, Any]:
    """One contender in a fresh process, with the peak memory (bytes) of all its processes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, __file__, "--contender", name, "--seconds", str(seconds)]
        command += ["--seed", str(seed), "--until", str(until)]
        environment = {**os.environ, "BENCHMARK_STARTED": str(time.time()), "TF_CPP_MIN_LOG_LEVEL": "3"}
        log = Path(folder) / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*command, "--out", str(out)], env=environment, stdout=output, stderr=subprocess.STDOUT
            )
            peak = 0
            while process.poll() is None:
                peak = max(peak, sum(_memory(process.pid)))
                time.sleep(0.5)
        if process.returncode:
            raise SystemExit(f"{name} failed:\n{log.read_text()[-3000:]}")
        return {**json.loads(out.read_text()), "peak memory": peak}


def _memory(pid: int) -> Iterator[int]:
    import psutil

    try:
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            yield each.memory_full_info().pss if hasattr(each.memory_full_info(), "pss") else each.memory_info().rss
    except psutil.Error:
        return


def main() -> None:
    """Run the contenders in turn, round by round, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=300)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--until", type=float, default=math.inf)
    arguments.add_argument("--contender", help=argparse.SUPPRESS)
    arguments.add_argument("--out", type=Path)
    said = arguments.parse_args()
    if said.contender:
        book = Notebook(float(os.environ["BENCHMARK_STARTED"]), said.seconds, said.until)
        said.out.write_text(json.dumps(CONTENDERS[said.contender](book, said.seed)))
        return
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS if said.only in name}
    for number in range(said.rounds):
        for name in results:
            results[name].append(run_alone(name, said.seconds, said.seed + number, said.until))
            print(name, {key: value for key, value in results[name][-1].items() if key != "events"}, flush=True)
            if said.out:
                write_results(
                    said.out, {**about_this_machine(), "seconds": said.seconds, "results": summed(results, said.until)}
                )


def summed(results: dict[str, list[dict[str, Any]]], until: float) -> dict[str, Any]:
    """Medians over the rounds, and the time that each contender took to the best peer's last validation accuracy, or to `until`."""
    peers = [each for name, rounds in results.items() if name != "this tuner" for each in rounds]
    reached = max((max(accuracy for _, accuracy in each["events"]) for each in peers), default=None)
    target = until if math.isfinite(until) else reached
    table = {}
    for name, rounds in results.items():
        if not rounds:
            continue
        marks = rounds[0]["marks"]
        table[name] = {
            "epochs": _median(each["epochs"] for each in rounds),
            "first epoch (s)": _median(each["first epoch"] for each in rounds),
            "peak memory (GiB)": round(_median(each["peak memory"] for each in rounds) / 2**30, 2),
            "seconds to the target": [_reached(each["events"], target) for each in rounds],
            "marks": {
                mark: {what: _median(each["marks"][mark][what] for each in rounds) for what in ("validation", "test")}
                for mark in marks
            },
        }
    return {"target": target, "contenders": table}


def _reached(events: list[tuple[float, float]], target: float | None) -> float | None:
    return next((when for when, accuracy in events if target is not None and accuracy >= target), None)


def _median(values: Any) -> Any:
    known = [value for value in values if value is not None]
    return round(statistics.median(known), 4) if known else None


if __name__ == "__main__":
    main()
