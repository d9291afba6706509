"""Writes docs/reference-commands.md from the command line: `python docs/make_reference.py`. A test compares the two."""

from pathlib import Path
from typing import Any

HEAD = """# Commands

Made from the command line by `python docs/make_reference.py`. `python -m tuner` and the console script `tuner` are the same.
Exit status: 0 for success, 1 if the answer is no (no trial finished, say), 2 for a mistake or circumstance of yours, with one
message on standard error, 130 after Ctrl-C.

`tuner --version` prints the version, `-h` or `--help` after any command its options in groups. `tuner --install-completion` lets
bash, zsh, fish and PowerShell complete commands, options and the names of studies; `tuner --show-completion` prints the script.
"""


def page() -> str:
    """The whole page."""
    import typer.main

    from tuner.commands.cli import app

    group: Any = typer.main.get_command(app)
    lines = [HEAD]
    for name, command in group.commands.items():
        lines += _command(name, command)
        for below, each in getattr(command, "commands", {}).items():
            lines += _command(f"{name} {below}", each)
    return "\n".join(lines)


def _command(name: str, command: Any) -> list[str]:
    """A section: what the command does, and a table of its arguments and options."""
    lines = [f"## {name}\n", " ".join((command.help or "").split()), ""]
    rows = [_row(each) for each in command.params if each.name != "help"]
    if rows:
        lines += ["| option | meaning |", "|---|---|", *rows, ""]
    return lines


def _row(option: Any) -> str:
    names = ", ".join(option.opts) if option.opts[0].startswith("-") else option.metavar or option.name.upper()
    metavar = f" {option.metavar}" if option.metavar and option.metavar != names else ""
    variable = f" Variable: `{option.envvar}`." if getattr(option, "envvar", None) else ""
    cells = (f"`{names}{metavar}`", " ".join((getattr(option, "help", "") or "").split()) + variable)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    Path(__file__).with_name("reference-commands.md").write_text(page(), encoding="utf-8")
