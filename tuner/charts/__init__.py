"""Charts as frozen values, drawn as SVG: for reports, the dashboard and learning curves alike.

A chart has two axes and any number of marks. A kind of mark is a file (`bars` is a short one): its value, with what
`mark.Mark` asks of it. It needs a line here to be imported by, and one in `KINDS`, where the tests find it.
"""

from tuner.charts.band import Band as Band
from tuner.charts.bars import Bars as Bars
from tuner.charts.cells import Cells as Cells
from tuner.charts.chart import Chart as Chart
from tuner.charts.chart import figures as figures
from tuner.charts.colors import BLUE as BLUE
from tuner.charts.colors import CYCLE as CYCLE
from tuner.charts.colors import GREEN as GREEN
from tuner.charts.colors import GREY as GREY
from tuner.charts.colors import ORANGE as ORANGE
from tuner.charts.colors import PURPLE as PURPLE
from tuner.charts.colors import SKY as SKY
from tuner.charts.colors import VERMILION as VERMILION
from tuner.charts.colors import YELLOW as YELLOW
from tuner.charts.dots import Dots as Dots
from tuner.charts.hexes import Hexes as Hexes
from tuner.charts.line import Line as Line
from tuner.charts.mark import Mark as Mark
from tuner.charts.rule import Rule as Rule
from tuner.charts.scale import Axis as Axis
from tuner.charts.shapes import Point as Point
from tuner.charts.shapes import Shape as Shape

KINDS: tuple[type[Mark], ...] = (Line, Band, Dots, Bars, Hexes, Rule, Cells)
