"""Figures of merit as the sentences and axes of a page say them."""

from tuner.base.formatting import four_digits as number
from tuner.base.formatting import metric_label, with_article
from tuner.base.formatting import metric_text as told
from tuner.base.metrics import METRICS
from tuner.charts import Axis

__all__ = ["capital", "figure_axis", "is_share", "number", "told", "with_article"]


def is_share(figure: str) -> bool:
    """Whether a figure, also one with the name of a part in front, is told in percent."""
    name = figure.removeprefix("training_").removeprefix("validation_").removeprefix("test_")
    return name in METRICS and METRICS[name].is_share


def figure_axis(figure: str) -> Axis:
    """The axis of a figure, also of one with the name of a part in front."""
    return Axis(metric_label(figure), percent=is_share(figure))


def capital(text: str) -> str:
    """With its first letter large.

    >>> capital("log loss"), capital("R²")
    ('Log loss', 'R²')
    """
    return text[:1].upper() + text[1:]
