"""Tables on the terminal, and in a pipe."""

from rich.console import Console
from rich.table import Table


def console() -> Console:
    """Standard output without guessed colours; a pipe has no width to fold to."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=400)


def table(*columns: str, numbers: bool = False) -> Table:
    """An empty table without lines; `numbers` stand right of the first column's names."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        made.add_column(column, overflow="fold", justify="right" if numbers and index else "left")
    return made
