"""What searching is worth: the same minutes on the same machine, spent in four ways.

    python benchmarks/value.py [--only digits noise] [--seeds 3] [--out benchmarks/results/value.json]

`start` gives all the time to refits of the recipe that the study begins with; `search` is the study as it is shipped or as `init`
writes it; `cold` is the same without its starts; `random` is `cold` with random proposals in the same machinery. Of the sets that are
made here, `rotated`, `noise` and `clusters` had a part in choices of this program; the others had none. Each run has the machine to
itself. What the file of results has is not run again, so this can be stopped and goes on.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from common import about_this_machine, write_results
from sklearn import datasets

from tuner.base.metrics import shortfall

WAYS: dict[str, tuple[str, ...]] = {
    "start": ("--trials", "1"),
    "search": (),
    "cold": ("--cold",),
    "random": ("--cold", "--set", "search.sampler=random", "--set", "search.near=0"),
}


TEST_EXAMPLES = 5000
"""Test examples of the sets that are made: with the 360 that `init` would take, chance is larger than what is to be compared."""

Write = Callable[[Path], tuple[str, ...]]
"""Writes the files of a set into a folder; the options of `init` for them."""


@dataclass(frozen=True)
class Set:
    """A data set: the minutes of each run, and what writes its files; None for a shipped study."""

    name: str
    minutes: float
    write: Write | None = None


def pictures(change: Callable[[Any, np.random.Generator], Any]) -> Write:
    """Scikit-learn's digits, each picture (8, 8) changed at random; those of the test part ten times."""

    def write(folder: Path) -> tuple[str, ...]:
        digits, random = datasets.load_digits(), np.random.default_rng(0)
        order = random.permutation(len(digits.target))

        def part(rows: Any) -> tuple[Any, Any]:
            images = np.stack([change(image, random) for image in digits.images[rows]])
            return np.rint(15 * images), digits.target[rows]

        return arrays(folder, *part(order[360:]), *part(np.repeat(order[:360], 10)))

    return write


def rotated(image: Any, random: np.random.Generator) -> Any:
    """Turned by up to 60 degrees."""
    from scipy.ndimage import rotate

    return rotate(image, random.uniform(-60, 60), reshape=False, order=1)


def noisy(image: Any, random: np.random.Generator) -> Any:
    """Uniform noise of up to three quarters of the range added."""
    return image + 12 * random.random(image.shape)


def occluded(image: Any, random: np.random.Generator) -> Any:
    """A square of 4 by 4 pixels covered."""
    row, column, covered = *random.integers(5, size=2), image.copy()
    covered[row : row + 4, column : column + 4] = 0
    return covered


def spots(folder: Path) -> tuple[str, ...]:
    """One to five bright spots, 16 by 16, under noise: how many are there? 1,440 pictures."""
    random = np.random.default_rng(5)
    count = 1440
    classes = 1 + random.integers(5, size=count + TEST_EXAMPLES)
    places = np.arange(16)
    images = 40 * random.random((len(classes), 16, 16))
    for image, number in zip(images, classes, strict=True):
        for row, column in random.uniform(1, 15, size=(number, 2)):
            image += 180 * np.outer(np.exp(-((places - row) ** 2) / 2), np.exp(-((places - column) ** 2) / 2))
    return arrays(folder, images[:count], classes[:count], images[count:], classes[count:])


def bars(folder: Path) -> tuple[str, ...]:
    """Six textures, 16 by 16: bars of two widths in three directions, at random phases, under heavy noise; 1,440 pictures."""
    random = np.random.default_rng(1)
    count = 1440
    classes = random.integers(6, size=count + TEST_EXAMPLES)
    x, y = np.meshgrid(np.arange(16), np.arange(16))
    images = np.stack(
        [
            127
            + 60 * np.sin((2.5 if kind % 2 else 1.2) * (x, y, (x + y) / 1.4)[kind // 2] + random.uniform(0, 6))
            + 80 * random.normal(size=(16, 16))
            for kind in classes
        ]
    )
    return arrays(folder, images[:count], classes[:count], images[count:], classes[count:])


def arrays(folder: Path, x: Any, y: Any, test_x: Any, test_y: Any) -> tuple[str, ...]:
    """Write both parts as pictures of bytes."""
    for name, images, targets in (("data", x, y), ("test", test_x, test_y)):
        np.savez(folder / f"{name}.npz", x=np.clip(images, 0, 255).astype(np.uint8), y=targets)
    return "--data", str(folder / "data.npz"), "--test", str(folder / "test.npz")


def table(make: Callable[[], pd.DataFrame], test_rows: int = 0) -> Write:
    """A frame whose last column is the target, and whose last rows are the test part (0: `init` takes a fifth)."""

    def write(folder: Path) -> tuple[str, ...]:
        frame = make()
        count = len(frame) - test_rows
        frame[:count].to_csv(folder / "data.csv", index=False)
        frame[count:].to_csv(folder / "test.csv", index=False)
        test = ("--test", str(folder / "test.csv")) if test_rows else ()
        return "--data", str(folder / "data.csv"), "--target", str(frame.columns[-1]), *test

    return write


def friedman() -> pd.DataFrame:
    """Friedman's first regression with ten inputs, five of them without influence (Friedman 1991)."""
    inputs, target = datasets.make_friedman1(n_samples=1600 + TEST_EXAMPLES, noise=1.0, random_state=3)
    return pd.DataFrame(inputs).add_prefix("x").assign(target=target)


def friedman3() -> pd.DataFrame:
    """Friedman's third regression with four inputs (Friedman 1991)."""
    inputs, target = datasets.make_friedman3(n_samples=1600 + TEST_EXAMPLES, noise=0.1, random_state=6)
    return pd.DataFrame(inputs).add_prefix("x").assign(target=target)


def shells() -> pd.DataFrame:
    """Four nested shells of a normal distribution in eight columns, two columns of noise beside."""
    inputs, target = datasets.make_gaussian_quantiles(
        n_samples=2400 + TEST_EXAMPLES, n_features=8, n_classes=4, random_state=7
    )
    noise = np.random.default_rng(8).normal(size=(len(inputs), 2))
    frame = pd.DataFrame(np.hstack([inputs, noise])).add_prefix("x")
    return frame.assign(target=[f"shell {each}" for each in target])


def clusters() -> pd.DataFrame:
    """Four classes of three clusters each in twenty columns, some of them noise, with a tenth of the labels changed."""
    inputs, target = datasets.make_classification(
        2400 + TEST_EXAMPLES, 20, n_informative=8, n_classes=4, n_clusters_per_class=3, flip_y=0.1, random_state=4
    )
    return pd.DataFrame(inputs).add_prefix("x").assign(target=[f"class {each}" for each in target])


SETS = (
    Set("fashion", 10),
    Set("mnist", 10),
    Set("usps", 10),
    Set("digits", 1),
    Set("rotated", 2, pictures(rotated)),
    Set("noise", 2, pictures(noisy)),
    Set("bars", 2, bars),
    Set("friedman", 2, table(friedman, TEST_EXAMPLES)),
    Set("clusters", 2, table(clusters, TEST_EXAMPLES)),
    Set("occluded", 2, pictures(occluded)),
    Set("spots", 2, spots),
    Set("friedman3", 2, table(friedman3, TEST_EXAMPLES)),
    Set("shells", 2, table(shells, TEST_EXAMPLES)),
    Set("wine", 2, table(lambda: datasets.load_wine(as_frame=True).frame)),
    Set("breast_cancer", 2, table(lambda: datasets.load_breast_cancer(as_frame=True).frame)),
)


def run(data: Set, way: str, seed: int) -> dict[str, Any]:
    """One call of `optimize` in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        tuner, study = [sys.executable, "-m", "tuner"], data.name
        if data.write:
            options = data.write(Path(folder))
            command = [*tuner, "init", study, "--minutes", str(data.minutes), *options]
            subprocess.run(command, cwd=folder, capture_output=True, check=True)
        seeds = ("--seed", str(seed), "--set", f"seed={seed}", "--minutes", str(data.minutes))
        started = time.time()
        command = [*tuner, "optimize", "--study", study, "--json", *seeds, *WAYS[way]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{study}, {way}: {done.stderr}")
        found = json.loads(done.stdout.splitlines()[-1])
    metric = found["measure"]
    kept = {"test": found[f"test_{metric}"], "trials": found["trials"], "ended": found["ended"]}
    return {"name": data.name, "way": way, "seed": seed, "metric": metric, "wall": time.time() - started, **kept}


def error(run: Mapping[str, Any]) -> float:
    """What the test figure lacks of the best possible one."""
    return shortfall(run["metric"], run["test"])


def lines(runs: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each set: the mean test error of each way, and its standard error."""
    yield "| set | minutes | " + " | ".join(WAYS) + " | search against start |"
    yield "|---|---:|" + "---|" * (len(WAYS) + 1)
    for data in SETS:
        errors = {
            way: [error(each) for each in runs if (each["name"], each["way"]) == (data.name, way)] for way in WAYS
        }
        if errors["start"] and errors["search"]:
            cells = [spread(each) for each in errors.values()]
            change = statistics.fmean(errors["search"]) / statistics.fmean(errors["start"]) - 1
            yield f"| {data.name} | {data.minutes:g} | {' | '.join(cells)} | {change:+.0%} |"


def spread(errors: list[float]) -> str:
    """The mean and its standard error."""
    if not errors:
        return "–"
    own = f" ± {statistics.stdev(errors) / len(errors) ** 0.5:.4f}" if len(errors) > 1 else ""
    return f"{statistics.fmean(errors):.4f}{own}"


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[each.name for each in SETS])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "value.json")
    arguments = parser.parse_args()
    runs = json.loads(arguments.out.read_text())["runs"] if arguments.out.is_file() else []
    done = {(each["name"], each["way"], each["seed"]) for each in runs}
    for data in (each for each in SETS if each.name in arguments.only):
        for seed in range(arguments.seeds):
            for way in (each for each in arguments.ways if (data.name, each, seed) not in done):
                runs.append(run(data, way, seed))
                write_results(arguments.out, {**about_this_machine(), "runs": runs})
                print(f"{data.name}, {way}, seed {seed}: error {error(runs[-1]):.4f}", flush=True)
    print("\n".join(lines(runs)))


if __name__ == "__main__":
    main()
