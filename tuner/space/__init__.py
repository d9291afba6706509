"""The holes that make a recipe a search space: parsing them, filling them, and going through them all."""

from tuner.space.explore import Assignment as Assignment
from tuner.space.explore import Dimension as Dimension
from tuner.space.explore import Script as Script
from tuner.space.explore import centre as centre
from tuner.space.explore import corners as corners
from tuner.space.explore import dimensions as dimensions
from tuner.space.explore import grid as grid
from tuner.space.explore import size as size
from tuner.space.fill import Ask as Ask
from tuner.space.fill import fill as fill
from tuner.space.holes import Choice as Choice
from tuner.space.holes import Node as Node
from tuner.space.holes import OneOf as OneOf
from tuner.space.holes import Range as Range
from tuner.space.holes import Repeat as Repeat
from tuner.space.holes import parse as parse
from tuner.space.override import override as override
