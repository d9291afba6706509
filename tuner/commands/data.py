"""`data`: lists the data sets and downloads them."""

from typing import Annotated

import typer

from tuner.base.errors import TunerError, near_miss
from tuner.commands.arguments import DataDir

app = typer.Typer(help="List the data sets, or download them.", invoke_without_command=True)


@app.callback()
def data(context: typer.Context, data_dir: DataDir = None) -> None:
    """List the data sets: whether they are on this machine, their sources, shapes and classes."""
    if context.invoked_subcommand is not None:
        return
    from tuner.commands.terminal import print_table
    from tuner.data.catalogue import CATALOGUE
    from tuner.data.load import status_of
    from tuner.data.sources import Places

    rows, places = [], Places.from_environment(data_dir)
    for name, entry in CATALOGUE.items():
        state, origin = status_of(name, places)
        shape, counts = "×".join(map(str, entry.shape)), (str(entry.training_examples), str(entry.test_examples))
        rows.append((name, state, shape, *counts, origin, ", ".join(entry.classes)))
    print_table(("data set", "state", "inputs", "training", "test", "from", "classes"), rows)


@app.command()
def fetch(names: Annotated[list[str], typer.Argument(help="Names of data sets.")], data_dir: DataDir = None) -> None:
    """Download data sets to this machine."""
    from tuner.commands.terminal import print_message
    from tuner.data.catalogue import CATALOGUE
    from tuner.data.load import training_set
    from tuner.data.sources import Places

    for name in names:
        if name not in CATALOGUE:
            raise TunerError(f"there is no data set {name!r}; {near_miss(name, CATALOGUE)}")
    for name in names:
        data = training_set(name, Places.from_environment(data_dir), print_message)
        print_message(f"{name}: {data.origin}")
