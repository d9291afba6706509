"""The command line: read arguments, call one function, print. Errors become exit codes here and nowhere else.

0: good. 1: it worked, and the answer is no (no trial finished, say). 2: the user's mistake or circumstance.
"""

import os
import sys

import typer

from tuner.commands import data, searching, taking, telling
from tuner.errors import TunerError

app = typer.Typer(
    name="tuner",
    help="Tunes Keras networks with Optuna: a study file is a recipe with holes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="List the data sets, or fetch them.", invoke_without_command=True)
app.add_typer(data_app, name="data")
COMMANDS = (
    searching.studies,
    searching.check,
    searching.optimize,
    telling.baseline,
    telling.report,
    searching.replay,
    taking.dashboard,
    taking.export,
    taking.version,
)
for command in COMMANDS:
    app.command()(command)
data_app.callback()(data.data)
data_app.command()(data.fetch)


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
