"""Charts as frozen values, drawn as SVG for reports, the dashboard and notebooks.

A chart has two axes and any number of marks. A new kind of mark is a frozen dataclass with the methods of
`tuner.charts.chart.Mark`; it is imported here and listed in `KINDS`, where the contract test finds it.
"""

from tuner.charts.chart import Chart as Chart
from tuner.charts.chart import Mark as Mark
from tuner.charts.colors import BLUE as BLUE
from tuner.charts.colors import CYCLE as CYCLE
from tuner.charts.colors import GREY as GREY
from tuner.charts.colors import ORANGE as ORANGE
from tuner.charts.colors import PURPLE as PURPLE
from tuner.charts.colors import VERMILION as VERMILION
from tuner.charts.confusion import Cells as Cells
from tuner.charts.marks import Bars as Bars
from tuner.charts.marks import Dots as Dots
from tuner.charts.marks import Hexes as Hexes
from tuner.charts.marks import Line as Line
from tuner.charts.marks import Paths as Paths
from tuner.charts.marks import Rule as Rule
from tuner.charts.scale import Axis as Axis
from tuner.charts.scale import metric_axis as metric_axis
from tuner.charts.shapes import Point as Point
from tuner.charts.shapes import Shape as Shape

KINDS: tuple[type[Mark], ...] = (Line, Paths, Dots, Bars, Hexes, Rule, Cells)
