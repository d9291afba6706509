"""Commands that apply a saved model to new data."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tuner.base.errors import StorageError
from tuner.commands.arguments import Force, Model, NewData
from tuner.commands.terminal import load_predictor

SUFFIXES = (".csv", ".parquet")
STANDARD_OUTPUT = "-"


def predict(
    model: Model,
    data: NewData,
    out: Annotated[str, typer.Option(help="The .csv or .parquet file to write; - for CSV to standard output.")],
    force: Force = False,
) -> None:
    """Predict each example of a file: the prediction, and the probability of each class."""
    if out != STANDARD_OUTPUT:
        _require_new(Path(out), force=force)
    predictor = load_predictor(model)
    from tuner.deploy.prediction_files import write_predictions

    count = write_predictions(predictor, data, out)
    if out != STANDARD_OUTPUT:
        print(f"{out}: {count:,} predictions")


def evaluate(
    model: Model,
    data: NewData,
    target: Annotated[
        list[str], typer.Option(help="The column or array with the answers; may be repeated. [as in the metadata]")
    ] = [],  # noqa: B006 (typer copies it)
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print all metrics of the task with their 95 % intervals, and which classes are confused most."""
    predictor = load_predictor(model)
    from tuner.deploy.evaluation import evaluate as compute

    result = compute(predictor, data, target)
    print(json.dumps(result.to_dict()) if json_ else "\n".join(result.lines()))


def _require_new(path: Path, *, force: bool) -> None:
    """Raise `StorageError` where the file must not be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise StorageError(f"--out {path}: must end in {' or '.join(SUFFIXES)}")
    if path.exists() and not force:
        raise StorageError(f"--out {path}: exists already; add --force to overwrite it")
