"""Pages as files: HTML with its style, script, charts and pictures, which loads nothing from other hosts, and Markdown for
code-hosting sites with charts and pictures as linked files."""

import base64
import re
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tuner.charts import Chart
from tuner.charts.colors import DARK, LIGHT, variables
from tuner.charts.content import Block, Cell, Code, Link, Page, Paragraph, Picture, Table, Tile, cell_text
from tuner.charts.svg import draw
from tuner.documents.claims import JUDGEMENTS
from tuner.documents.verdicts import VERDICTS

WIDE = 700
"""Wider charts have a row of their own."""

GROUPS = {Chart: "figures", Picture: "figures", Table: "table", Code: "code", Tile: "tiles", Paragraph: "text"}
"""Adjacent blocks of a group share an element of the page; charts and pictures share a grid."""

FIGURES = "figures"


def write_page(page: Page, footer: str, html: Path, text: Path) -> None:
    """Write a page as an HTML file and as a Markdown file, with the figures that the latter links to."""
    html.write_text(page_as_html(page, footer), encoding="utf-8")
    text.write_text(page_as_markdown(page, footer), encoding="utf-8")
    for block in page.blocks():
        if isinstance(block, Chart | Picture):
            path = text.parent / FIGURES / figure_name(block)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(draw(block, standalone=True).encode() if isinstance(block, Chart) else block.png)


def page_as_html(page: Page, footer: str) -> str:
    """The file. All texts are escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_file("page.html.j2")).render(
        page=page,
        footer=footer,
        light=Markup(variables(LIGHT)),
        dark=Markup(variables(DARK)),
        css=Markup(_file("page.css")),
        script=Markup(_file("page.js")),
        grouped=lambda blocks: [
            (kind, list(group)) for kind, group in groupby(blocks, lambda block: GROUPS[type(block)])
        ],
        wide=WIDE,
        drawn=lambda chart: Markup(draw(chart)),
        base64=lambda png: base64.b64encode(png).decode(),
        verdicts={*VERDICTS, *JUDGEMENTS},
        text=cell_text,
    )


def page_as_markdown(page: Page, footer: str) -> str:
    """The text of the page."""
    lines = [f"# {escaped(page.title)}", "", escaped(page.lead)]
    lines += [text for link in page.links for text in ("", f"[{escaped(link.text)}]({link.address}.md)")]
    for section in page.sections:
        lines += ["", f"## {escaped(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    return "\n".join([*lines, "", "---", "", escaped(footer), ""])


def figure_name(block: Chart | Picture) -> str:
    """The file name of a chart or picture."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", block.id).strip("-")
    return f"{name}.{'svg' if isinstance(block, Chart) else 'png'}"


def escaped(text: str) -> str:
    """The text with the special characters of Markdown and HTML escaped."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text).replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def _file(name: str) -> str:
    return files("tuner.report").joinpath(name).read_text(encoding="utf-8")


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text=text, tone=tone):
            yield f"*{escaped(text)}*" if tone in ("missing", "aside") else escaped(text)
        case Tile(name=name, value=value, note=note):
            yield f"- {escaped(name)}: **{escaped(value)}** ({escaped(note)})"
        case Code(text=text):
            yield from ("```console", text, "```")
        case Table():
            yield from _table(block)
        case Chart() | Picture():
            yield f"![{escaped(block.title)}]({FIGURES}/{figure_name(block)})"
            if block.note:
                yield from ("", f"*{escaped(block.note)}*")


def _cell(cell: Cell) -> str:
    text = escaped(cell_text(cell))
    return f"[{text}]({cell.address})" if isinstance(cell, Link) else text


def _table(table: Table) -> Iterator[str]:
    yield from (f"**{escaped(table.title)}**", "")
    yield "| " + " | ".join(map(escaped, table.columns)) + " |"
    yield "|" + "|".join("---:" if number else "---" for number in table.number_columns) + "|"
    for row in table.rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"
    if table.note:
        yield from ("", f"*{escaped(table.note)}*")
