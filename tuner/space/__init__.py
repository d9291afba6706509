"""A recipe with holes is a search space: parsing the holes, filling them, and exploring the space without Optuna."""

from tuner.space.describe import allowed_text, dimensions
from tuner.space.explore import centre, corners, fillings, grid, nearest_assignment, size
from tuner.space.fill import Ask, fill
from tuner.space.holes import Choice, Node, OneOf, Range, Repeat
from tuner.space.override import override
from tuner.space.parse import check_plain, parse
from tuner.space.trials import Assignment, ComputedTrial, scripted_trial, value_at
