"""A recipe with holes is a search space: parsing the holes, filling them, and exploring the space without Optuna."""

from tuner.space.addresses import override, value_at
from tuner.space.explore import centre, corners, discover, fillings, grid, nearest_assignment
from tuner.space.fill import Assignment, answers_of, assigned, fill, filling
from tuner.space.holes import Ask, Choice, Hole, Range
from tuner.space.nodes import Asks, Node, OneOf, dimensions, functions_in, size
from tuner.space.parse import check_plain, parse
