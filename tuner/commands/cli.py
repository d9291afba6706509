"""The command line: which commands there are."""

from importlib import import_module

import typer

from tuner.commands import data

app = typer.Typer(
    name="tuner",
    help="Tunes Keras networks with Optuna: a study file is a recipe with holes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (
    "init",
    "studies",
    "check",
    "optimize",
    "baseline",
    "report",
    "replay",
    "dashboard",
    "predict",
    "evaluate",
    "serve",
    "export",
    "distill",
    "version",
)
"""Each is a function in the file of its name in `tuner.commands`, in the order of `--help`."""

for name in COMMANDS:
    app.command()(getattr(import_module(f"tuner.commands.{name}"), name))
app.add_typer(data.app, name="data")
