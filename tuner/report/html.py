"""A page as one HTML file that contains its style, script, charts and pictures; it loads nothing from other hosts."""

import base64
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tuner.charts import Chart
from tuner.charts.colors import DARK, LIGHT, variables
from tuner.charts.content import Code, Page, Paragraph, Picture, Table, Tile, cell_text
from tuner.charts.svg import draw
from tuner.documents.claims import JUDGEMENTS
from tuner.documents.verdicts import VERDICTS

WIDE = 700
"""Wider charts have a row of their own."""

GROUPS = {Chart: "figures", Picture: "figures", Table: "table", Code: "code", Tile: "tiles", Paragraph: "text"}
"""Adjacent blocks of a group share an element of the page; charts and pictures share a grid."""


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


def _file(name: str) -> str:
    return files("tuner.report").joinpath(name).read_text(encoding="utf-8")
