"""`python -m tuner`, and the console script `tuner`. Errors become exit codes here and nowhere else.

0: success. 1: the command ran, and its answer is no (for example, no trial finished). 2: a mistake or circumstance of the user.
"""

import os
import sys
from io import FileIO, TextIOWrapper
from typing import TYPE_CHECKING

from tuner.base.errors import TunerError, shown
from tuner.base.interrupts import lasting_interrupts
from tuner.base.writing import is_full

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Messages(FileIO):
    """Standard error. Messages for which a disk has no space are left out: a search goes on without them."""

    def write(self, content: "ReadableBuffer") -> int:
        """Write what there is space for."""
        try:
            return super().write(content)
        except OSError as error:
            if not is_full(error):
                raise
            return memoryview(content).nbytes


def main() -> None:
    """Run the command line. What the encoding of the output lacks is replaced by question marks."""
    if isinstance(sys.stderr, TextIOWrapper) and sys.stderr is sys.__stderr__:
        messages = Messages(sys.stderr.fileno(), "w", closefd=False)
        sys.stderr = TextIOWrapper(messages, sys.stderr.encoding, "replace", write_through=True)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    try:
        with lasting_interrupts():
            import typer  # late: a training process imports its parent's script, and with it this file

            from tuner.commands.arguments import has_password
            from tuner.commands.cli import app
            from tuner.commands.terminal import print_message

            if any("://" in each and has_password(each) for each in arguments):
                print_message("every user of this machine can see the password on the command line: use TUNER_STORAGE")
            answer = app(args=arguments, prog_name="tuner", standalone_mode=False)
    except KeyboardInterrupt:  # first, since it may come while the others' modules are imported
        return interrupted()
    except TunerError as error:
        print_message(f"error: {shown(error)}")
        return 2
    except typer.Exit as leave:
        return leave.exit_code
    except typer.Abort:
        return interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if hasattr(error, "show"):  # a wrong option or argument
            error.show()
            return 2
        raise
    return answer if isinstance(answer, int) else 0


def interrupted() -> int:
    """The exit status after Ctrl-C."""
    print("interrupted", file=sys.stderr)
    return 130


if __name__ == "__main__":
    main()
