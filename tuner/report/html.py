"""A page as one HTML file that contains its style, script, charts and pictures; it loads nothing from other hosts."""

import base64
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tuner.base.formatting import four_digits
from tuner.charts import Chart
from tuner.charts.colors import DARK, LIGHT, variables
from tuner.charts.content import Block, Cell, Code, Link, Page, Picture, Table
from tuner.charts.svg import draw
from tuner.documents.claims import JUDGEMENTS
from tuner.documents.verdicts import VERDICTS

WIDE = 700
"""Wider charts have a row of their own."""


def page_as_html(page: Page, footer: str) -> str:
    """The file. All texts are escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_file("page.html.j2"))
    return template.render(
        page=page,
        footer=footer,
        light=Markup(variables(LIGHT)),
        dark=Markup(variables(DARK)),
        css=Markup(_file("page.css")),
        script=Markup(_file("page.js")),
        grouped=_grouped,
        wide=lambda block: block.width > WIDE,
        picture=lambda block: isinstance(block, Picture),
        drawn=lambda block: Markup(draw(block)),
        data_address=lambda block: "data:image/png;base64," + base64.b64encode(block.png).decode(),
        classes=_classes,
        number_columns=number_columns,
        is_link=lambda cell: isinstance(cell, Link),
        text=cell_text,
    )


def cell_text(cell: Cell) -> str:
    """The text of a cell: numbers in four digits, a dash for nothing."""
    match cell:
        case None | "":
            return "–"
        case Link(text=text):
            return text
        case bool() | str():
            return str(cell)
        case int():
            return f"{cell:,}"
        case float():
            return four_digits(cell)


def number_columns(table: Table) -> list[bool]:
    """Whether each column holds numbers, which are aligned to the right."""
    return [any(isinstance(row[place], int | float) for row in table.rows) for place in range(len(table.columns))]


def _classes(cell: Cell, is_number: bool) -> Markup:
    if is_number:
        return Markup(' class="number"')
    if cell in VERDICT_WORDS:
        return Markup(f' class="{str(cell).replace(" ", "-")}"')
    return Markup("")


VERDICT_WORDS = {*VERDICTS, *JUDGEMENTS}


def _grouped(blocks: Sequence[Block]) -> Iterator[tuple[str, list[Block]]]:
    """Adjacent blocks of the same kind together: charts and pictures share a grid."""
    for kind, group in groupby(blocks, key=_kind):
        yield kind, list(group)


def _kind(block: Block) -> str:
    match block:
        case Chart() | Picture():
            return "figures"
        case Table():
            return "table"
        case Code():
            return "code"
    return "text"


def _file(name: str) -> str:
    return files("tuner.report").joinpath(name).read_text(encoding="utf-8")
