"""The confirmed model, to take away."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.commands.arguments import Runs, Storage, demanded_storage


def export(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study whose winner is confirmed.")],
    out: Annotated[Path, typer.Option(help="The .keras file to write; a .json goes beside it.")],
    runs: Runs = None,
    storage: Storage = None,
) -> None:
    """Write the confirmed winner's model and its papers."""
    from tuner.export import export_winner

    model, papers = export_winner(demanded_storage(runs, storage), study, out)
    print(f"{model}\n{papers}")
