"""The command line: which commands there are."""

from importlib import import_module

import typer

from tuner import __version__
from tuner.commands import data

app = typer.Typer(
    name="tuner",
    help="Tunes Keras networks with Optuna: a study file is a recipe with holes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = {
    "init": "init",
    "studies": "studies",
    "check": "studies",
    "optimize": "optimize",
    "baseline": "baseline",
    "report": "studies",
    "replay": "replay",
    "dashboard": "dashboard",
    "predict": "models",
    "evaluate": "models",
    "serve": "models",
    "export": "models",
    "distill": "models",
}
"""The commands in the order of `--help`: each is the function of that name in this file of `tuner.commands`."""

for name, file in COMMANDS.items():
    app.command()(getattr(import_module(f"tuner.commands.{file}"), name))
app.add_typer(data.app, name="data")


@app.command()
def version() -> None:
    """Print the version."""
    print(f"tuner {__version__}")
