"""The data sets."""

import sys
from typing import Annotated

import typer

from tuner.commands.arguments import (
    DataDir,
)
from tuner.errors import TunerError


def data(context: typer.Context, data_dir: DataDir = None) -> None:
    """List each data set: where it is or would come from, shapes, classes."""
    if context.invoked_subcommand is None:
        from tuner.commands.tables import print_data
        from tuner.data.load import Places

        print_data(Places.from_environment(data_dir))


def fetch(names: Annotated[list[str], typer.Argument(help="Names of data sets.")], data_dir: DataDir = None) -> None:
    """Bring data sets to this machine."""
    from tuner.data.catalogue import CATALOGUE
    from tuner.data.load import Places
    from tuner.data.load import fetch as bring
    from tuner.errors import near_miss

    for name in names:
        if name not in CATALOGUE:
            raise TunerError(f"there is no data set {name!r}; {near_miss(name, CATALOGUE)}")
    for name in names:
        bring(name, Places.from_environment(data_dir), lambda line: print(line, file=sys.stderr))
