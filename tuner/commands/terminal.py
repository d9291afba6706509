"""Tables on standard output; TensorFlow and models loaded without start-up messages on standard error."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tuner.base.formatting import four_digits

if TYPE_CHECKING:
    import pandas as pd

    from tuner.deploy.predictor import Predictor


def console() -> Console:
    """Standard output; a pipe is 400 columns wide, so that tables are not folded."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=400)


def wrapped(text: str, width: int, indent: str = "  ") -> str:
    """The text broken at blanks only, so that paths stay whole, but not before a percent sign; `indent` begins further lines."""
    text = text.replace(" %", "\xa0%")
    lines = fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\xa0", " ")


def print_message(text: str) -> None:
    """Print a message to standard error; a terminal gets it broken at blanks."""
    width = Console(stderr=True).width
    lines = [wrapped(line, width) for line in text.split("\n")] if sys.stderr.isatty() else [text]
    print("\n".join(lines), file=sys.stderr)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False, markup: bool = False
) -> None:
    """Print a table without lines; with `numbers` all columns but the first are aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", justify="right" if numbers and index else "left")
    for row in rows:
        table.add_row(*row)
    console().print(table, markup=markup)


def print_frame(frame: "pd.DataFrame", format: str = "table") -> None:
    """Print rows as a `table`, as `csv` or as `json`."""
    match format:
        case "csv":
            frame.to_csv(sys.stdout, index=False)
        case "json":
            print(frame.to_json(orient="records"))
        case _:
            rows = frame.astype(object).where(frame.notna(), "–").itertuples(index=False)
            cells = ([four_digits(each) if isinstance(each, float) else str(each) for each in row] for row in rows)
            print_table([str(column).replace("_", " ") for column in frame.columns], cells)


def load_predictor(model: Path) -> "Predictor":
    """The model with its metadata; a message reports a model without any."""
    load_tensorflow()
    from tuner.deploy.predictor import Predictor

    predictor = Predictor.load(model)
    if predictor.recipe is None:
        name = model.with_suffix(".json").name
        print(f"the model has no metadata {name}: classes are named by their indices", file=sys.stderr)
    return predictor


def load_tensorflow() -> None:
    """Import TensorFlow and Keras."""
    from tuner.base.machine import cores
    from tuner.training import silenced, start

    with silenced(2):
        start(cores())
        import tuner.deploy.predictor  # noqa: F401
