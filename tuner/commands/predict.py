"""What a saved model says of new data."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.base.errors import StorageError
from tuner.commands.arguments import Force, Model, NewData
from tuner.commands.loading import loaded

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
    predictor = loaded(model)
    from tuner.deploy.prediction_files import write_predictions

    count = write_predictions(predictor, data, out)
    if out != STANDARD_OUTPUT:
        print(f"{out}: {count:,} predictions")


def _require_new(path: Path, *, force: bool) -> None:
    """Raise `StorageError` where the file must not be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise StorageError(f"--out {path}: must end in {' or '.join(SUFFIXES)}")
    if path.exists() and not force:
        raise StorageError(f"--out {path}: exists already; add --force to overwrite it")
