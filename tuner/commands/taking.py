"""Ways out: the dashboard, the model, the version."""

from pathlib import Path
from typing import Annotated

import typer

from tuner import __version__
from tuner.commands.arguments import (
    Runs,
    Storage,
    demanded_storage,
)


def dashboard(
    runs: Runs = None,
    storage: Storage = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8080,
) -> None:
    """Open optuna-dashboard on the storage, for this machine only."""
    from tuner.dashboard import serve
    from tuner.study.places import runs_folder

    serve(demanded_storage(runs, storage), runs_folder(runs), port)


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


def version() -> None:
    """Print the version."""
    print(f"tuner {__version__}")
