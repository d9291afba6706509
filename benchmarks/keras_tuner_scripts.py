"""Scripts for KerasTuner, run with KerasTuner and with this tuner: how long each takes to KerasTuner's best validation accuracy.

    python benchmarks/keras_tuner_scripts.py [--only dense] [--seeds 3] [--seconds 300] [--redo] [--out FILE]

Three scripts on Fashion-MNIST as its guides write them, which only differ in the library that they import: dense networks by
`RandomSearch`, convolutional ones by `Hyperband`, a head (and at times the last block) on a frozen MobileNetV2 by
`BayesianOptimization`. A Keras callback in each script notes the validation accuracy of every epoch with the seconds since
the command was given. KerasTuner has `--seconds`; then this tuner has as long, and ends when it has reached KerasTuner's best.
Searches that are in the file are not run again; with `--redo` only KerasTuner's are not.
"""

import argparse
import contextlib
import gzip
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import about_this_machine, write_results

OUT = Path(__file__).parent / "results" / "keras_tuner_scripts.json"
BASE = Path(tempfile.gettempdir()) / "keras-tuner-scripts-base.keras"
LIBRARIES = ("KerasTuner", "this tuner")
Events = list[tuple[float, int, float]]
"""Seconds, epoch of its trial from 0, validation accuracy."""


# The scripts ------------------------------------------------------------------------------------------------------


def pictures(examples: int, validation: int, first: int = 0) -> tuple[Any, ...]:
    """Training and validation part of Fashion-MNIST, in bytes of 28 × 28 × 1."""
    folder = Path(os.environ["TUNER_DATA"]) / "fashion-mnist"
    with (
        gzip.open(folder / "train-images-idx3-ubyte.gz") as images,
        gzip.open(folder / "train-labels-idx1-ubyte.gz") as labels,
    ):
        x = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)[first:]
        y = np.frombuffer(labels.read(), np.uint8, offset=8)[first:]
    last = examples + validation
    return x[:examples], y[:examples], x[examples:last], y[examples:last]


def dense(kt: Any, common: dict[str, Any], callback: Any) -> None:
    """Dense networks, random values."""
    import keras

    x, y, x_val, y_val = pictures(20_000, 5_000)

    def build_model(hp: Any) -> Any:
        model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
        activation = hp.Choice("activation", ["relu", "tanh"])
        for i in range(hp.Int("num_layers", 1, 3)):
            model.add(keras.layers.Dense(hp.Int(f"units_{i}", 32, 512, step=32), activation=activation))
        if hp.Boolean("dropout"):
            model.add(keras.layers.Dropout(0.25))
        model.add(keras.layers.Dense(10, activation="softmax"))
        rate = hp.Float("lr", 1e-4, 1e-2, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    tuner = kt.RandomSearch(build_model, objective="val_accuracy", max_trials=1000, **common)
    tuner.search(x / np.float32(255), y, batch_size=64, epochs=10, verbose=0, callbacks=[callback],
                 validation_data=(x_val / np.float32(255), y_val))  # fmt: skip


def convolutional(kt: Any, common: dict[str, Any], callback: Any) -> None:
    """Blocks of convolutions, Hyperband."""
    import keras

    x, y, x_val, y_val = pictures(20_000, 5_000)

    def build_model(hp: Any) -> Any:
        model = keras.Sequential([keras.Input((28, 28, 1))])
        for i in range(hp.Int("conv_blocks", 1, 3)):
            model.add(
                keras.layers.Conv2D(hp.Int(f"filters_{i}", 16, 64, step=16), 3, padding="same", activation="relu")
            )
            model.add(keras.layers.MaxPooling2D())
        model.add(keras.layers.Flatten())
        model.add(keras.layers.Dense(hp.Int("units", 32, 256, step=32), activation="relu"))
        model.add(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1)))
        model.add(keras.layers.Dense(10, activation="softmax"))
        rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    tuner = kt.Hyperband(build_model, "val_accuracy", max_epochs=10, hyperband_iterations=10, **common)
    tuner.search(x / np.float32(255), y, batch_size=64, verbose=0, callbacks=[callback],
                 validation_data=(x_val / np.float32(255), y_val))  # fmt: skip


def fine_tuning(kt: Any, common: dict[str, Any], callback: Any) -> None:
    """A head on a network that knows five of the classes, at 96 × 96 pixels, Bayesian optimization."""
    import keras

    x, y, x_val, y_val = pictures(4_000, 1_000)

    def build_model(hp: Any) -> Any:
        base = keras.models.load_model(BASE)
        base.trainable = hp.Boolean("last_block")
        for layer in base.layers[:-12]:
            layer.trainable = False
        inputs = keras.Input((96, 96, 3))
        outputs = base(keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs), training=False)
        outputs = keras.layers.GlobalAveragePooling2D()(outputs)
        outputs = keras.layers.Dense(hp.Int("units", 32, 256, step=32), activation="relu")(outputs)
        outputs = keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1))(outputs)
        model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(outputs))
        rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    tuner = kt.BayesianOptimization(build_model, "val_accuracy", max_trials=1000, **common)
    tuner.search(enlarged(x), y, batch_size=32, epochs=10, verbose=0, callbacks=[callback],
                 validation_data=(enlarged(x_val), y_val))  # fmt: skip


SCRIPTS: dict[str, Callable[[Any, dict[str, Any], Any], None]] = {
    "dense": dense,
    "convolutional": convolutional,
    "fine-tuning": fine_tuning,
}


def enlarged(images: Any) -> Any:
    """28 × 28 × 1 as 96 × 96 × 3."""
    tripled = images.repeat(3, axis=1).repeat(3, axis=2).repeat(3, axis=3)
    return np.pad(tripled, ((0, 0), (6, 6), (6, 6), (0, 0)))


def make_base() -> None:
    """Train the base network of `fine_tuning` on other pictures of the first five classes, unless it is there."""
    if BASE.exists():
        return
    import keras

    keras.utils.set_random_seed(0)
    x, y, *_ = pictures(20_000, 0, first=30_000)
    base = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, include_top=False, weights=None)
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # of 0.999 too much of the first values is left after 900 steps
    outputs = keras.layers.Dense(5, activation="softmax")(keras.layers.GlobalAveragePooling2D()(base.output))
    model = keras.Model(base.input, outputs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(enlarged(x[y < 5]) / np.float32(127.5) - 1, y[y < 5], 32, epochs=3, verbose=2)
    base.save(BASE)


# Running them -----------------------------------------------------------------------------------------------------


def noting(path: str, started: float) -> Any:
    """A Keras callback that appends a line for each epoch to a file."""
    import keras

    class Noting(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            line = json.dumps([round(time.time() - started, 2), epoch, round(float(logs["val_accuracy"]), 5)])
            with open(path, "a", encoding="ascii") as file:
                file.write(line + "\n")

    return Noting()


def run_script(name: str, library: str, seed: int, path: str, started: float) -> None:
    """Run a script in this process."""
    import keras

    if library == "KerasTuner":
        import keras_tuner as kt
    else:
        from tuner import keras_tuner as kt

    keras.utils.set_random_seed(seed)
    common = {"seed": seed, "directory": str(Path(path).parent), "project_name": "search"}
    SCRIPTS[name](kt, common, noting(path, started))


def searched(name: str, library: str, seed: int, seconds: float, until: float) -> Events:
    """What a script reached in a process of its own, in these seconds or until its accuracy is `until`."""
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder) / "epochs", Path(folder) / "log"
        path.touch()
        arguments = [name, "--library", library, "--seed", str(seed), "--path", str(path)]
        command = [sys.executable, __file__, "--script", *arguments]
        events: Events = []
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                env={**os.environ, "STARTED": str(time.time())},
            )
            ends = time.time() + seconds
            while process.poll() is None and time.time() < ends and max((e[2] for e in events), default=0) < until:
                time.sleep(0.2)
                events = [tuple(json.loads(line)) for line in path.read_text().splitlines()]
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if not events:
            raise SystemExit(f"{name} with {library} noted nothing:\n{log.read_text()[-3000:]}")
        return [event for event in events if event[0] <= seconds]


def compared(pair: dict[str, Events], seconds: float) -> dict[str, Any]:
    """KerasTuner's best accuracy, when it and this tuner had it (None: never), and the shares that this tuner needed of KerasTuner's
    time to it and of all its time."""
    best = max(value for *_, value in pair["KerasTuner"])
    theirs, ours = (next((when for when, _, value in pair[library] if value >= best), None) for library in LIBRARIES)
    return {
        "best": best,
        "seconds": [theirs, ours],
        "share of its time to the best": ours and theirs and round(ours / theirs, 3),
        "share of all its time": ours and round(ours / seconds, 3),
        "trials": [sum(epoch == 0 for _, epoch, _ in pair[library]) for library in LIBRARIES],
        "epochs": [len(pair[library]) for library in LIBRARIES],
    }


def main() -> None:
    """Run what is missing in the file, and print each comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SCRIPTS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--libraries", default=",".join(LIBRARIES))
    parser.add_argument("--redo", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    for hidden in ("--script", "--library", "--path"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.script:
        run_script(options.script, options.library, options.seed, options.path, float(os.environ["STARTED"]))
        return
    make_base()
    runs: dict[str, dict[str, Events]] = json.loads(options.out.read_text())["runs"] if options.out.exists() else {}
    for seed in range(1, options.seeds + 1):
        for name in [options.only] if options.only else SCRIPTS:
            pair = runs.setdefault(f"{name} {seed}", {})
            for library in options.libraries.split(","):
                is_ours = library == LIBRARIES[1]
                if library in pair and not (is_ours and options.redo):
                    continue
                until = max(value for *_, value in pair["KerasTuner"]) if is_ours else 1.0
                pair[library] = searched(name, library, seed, options.seconds, until)
                write(options.out, summary(runs, options.seconds))
            if len(pair) == len(LIBRARIES):
                print(f"{name} {seed}:", compared(pair, options.seconds), flush=True)


def write(path: Path, results: dict[str, Any]) -> None:
    """Write results as JSON with a line for each epoch."""
    write_results(path, results)
    short = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", path.read_text())
    path.write_text(short)


def summary(runs: dict[str, dict[str, Events]], seconds: float) -> dict[str, Any]:
    """Everything, with the comparisons, and their medians by script; a search that did not reach the accuracy counts as 2."""
    complete = {key: compared(pair, seconds) for key, pair in runs.items() if len(pair) == len(LIBRARIES)}
    shares = ("share of its time to the best", "share of all its time")
    medians = {
        name: {share: statistics.median(complete[key][share] or 2.0 for key in found) for share in shares}
        for name in SCRIPTS
        if (found := [key for key in complete if key.startswith(name)])
    }
    return {**about_this_machine(), "seconds": seconds, "medians": medians, "comparisons": complete, "runs": runs}


if __name__ == "__main__":
    main()
