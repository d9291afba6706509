"""What a saved model says of new data."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.commands.arguments import Force, Model, NewData
from tuner.commands.loading import loaded

SUFFIXES = (".csv", ".parquet")


def predict(
    model: Model,
    data: NewData,
    out: Annotated[str, typer.Option(help="The .csv or .parquet file to write; - for CSV to standard output.")],
    force: Force = False,
) -> None:
    """Predict each example of a file: the prediction, and the probability of each class."""
    from tuner.deploy.out import STANDARD_OUTPUT, require_writable

    if out != STANDARD_OUTPUT:
        require_writable(Path(out), SUFFIXES, force=force)
    predictor = loaded(model)
    from tuner.deploy.written import write_predictions

    done = write_predictions(predictor, data, out)
    if out != STANDARD_OUTPUT:
        print(f"{out}: {done:,} predictions")
