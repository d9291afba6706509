"""The command line: read arguments, call one function, print. Errors become exit codes here and nowhere else.

0: good. 1: it worked, and the answer is no (no trial finished, say). 2: the user's mistake or circumstance.
"""

import os
import sys
from importlib import import_module

import typer

from tuner.commands import data
from tuner.errors import TunerError

app = typer.Typer(
    name="tuner",
    help="Tunes Keras networks with Optuna: a study file is a recipe with holes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS = (
    "studies",
    "check",
    "optimize",
    "baseline",
    "report",
    "replay",
    "dashboard",
    "export",
    "version",
)
"""Each is a function in the file of its name in `tuner.commands`, in the order of `--help`."""

for name in COMMANDS:
    app.command()(getattr(import_module(f"tuner.commands.{name}"), name))
app.add_typer(data.app, name="data")


def run(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    try:
        answer = app(args=arguments, standalone_mode=False)
    except TunerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if hasattr(error, "show"):  # a wrong option or argument
            error.show()
            return 2
        raise
    return answer if isinstance(answer, int) else 0
