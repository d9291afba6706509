"""The colours of charts, for light and dark pages.

They are those of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/), which colour-blind people can distinguish. A
series also has its own dashes or shape of dots.
"""

BLUE, ORANGE, GREEN, VERMILION = "blue", "orange", "green", "vermilion"
PURPLE, SKY, YELLOW, GREY = "purple", "sky", "yellow", "grey"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, YELLOW, GREY)

DATASET_COLORS = {
    "fashion-mnist": VERMILION, "mnist": BLUE, "usps": GREEN, "digits": PURPLE, "spiral": ORANGE, "circle": SKY,
    "xor": YELLOW,
}  # fmt: skip
"""A data set has the same colour in all charts."""

LIGHT = {
    "ink": "#1c1f23", "soft": "#5c6570", "line": "#d8dde3", "paper": "#ffffff", "blue": "#0072b2",
    "vermilion": "#d55e00", "green": "#009e73", "purple": "#b0578d", "orange": "#c98600", "sky": "#3a9bd6",
    "yellow": "#a89a00", "grey": "#7a828c",
}  # fmt: skip
DARK = {
    "ink": "#e8eaed", "soft": "#a2abb6", "line": "#3a424c", "paper": "#14181d", "blue": "#56a8e0",
    "vermilion": "#f08a4b", "green": "#35c99b", "purple": "#dd90bf", "orange": "#f0b23d", "sky": "#8cc9ee",
    "yellow": "#e8dc52", "grey": "#9aa3ad",
}  # fmt: skip


def variables(palette: dict[str, str]) -> str:
    """A palette as CSS variables."""
    return "".join(f"--{name}:{value};" for name, value in palette.items())


STYLE = f":root{{{variables(LIGHT)}}}@media(prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
"""The style of an SVG file of its own."""
