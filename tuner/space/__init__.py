"""The holes that make a recipe a search space: parsing them, filling them, and going through them all."""

from tuner.space.answers import Assignment as Assignment
from tuner.space.answers import Script as Script
from tuner.space.dimensions import Dimension as Dimension
from tuner.space.dimensions import allowed as allowed
from tuner.space.dimensions import dimensions as dimensions
from tuner.space.explore import centre as centre
from tuner.space.explore import corners as corners
from tuner.space.explore import fillings as fillings
from tuner.space.explore import grid as grid
from tuner.space.explore import like as like
from tuner.space.explore import size as size
from tuner.space.fill import Ask as Ask
from tuner.space.fill import fill as fill
from tuner.space.holes import Choice as Choice
from tuner.space.holes import Node as Node
from tuner.space.holes import OneOf as OneOf
from tuner.space.holes import Range as Range
from tuner.space.holes import Repeat as Repeat
from tuner.space.override import override as override
from tuner.space.parse import parse as parse
from tuner.space.plain import check_plain as check_plain
