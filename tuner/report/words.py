"""Figures of merit as the sentences and axes of a page say them."""

from tuner.base.formatting import metric_label
from tuner.base.metrics import METRICS
from tuner.charts import Axis


def told(measure: str, value: float) -> str:
    """A figure as a sentence says it: shares in percent, others in four digits.

    >>> told("accuracy", 0.98765), told("r2", 0.48124), told("rmse", 53.218), told("mae", 12345.6)
    ('98.77 %', '0.4812', '53.22', '12,346')
    """
    return f"{100 * value:.2f} %" if METRICS[measure].is_share else number(value)


def number(value: float) -> str:
    """A number in four digits.

    >>> number(0.5), number(-1.23456), number(53.001), number(12345.6), number(0.00012)
    ('0.5000', '-1.235', '53.00', '12,346', '0.00012')
    """
    size = abs(value)
    if 1e-3 <= size <= 1:
        return f"{value:.4f}"
    if 1 < size < 1e4 and not value.is_integer():
        return f"{value:#.4g}".removesuffix(".")
    return f"{value:.4g}" if size < 1e4 else f"{value:,.0f}"


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


def with_article(words: str) -> str:
    """With "a" or "an" in front.

    >>> with_article("dense network"), with_article("ensemble dense network")
    ('a dense network', 'an ensemble dense network')
    """
    return f"{'an' if words[:1] in 'aeio' else 'a'} {words}"
