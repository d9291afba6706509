"""Durations, numbers and names of metrics as text."""

from tuner.base.metrics import METRICS


def duration_text(seconds: float) -> str:
    """A length of time in its two largest units.

    >>> duration_text(5), duration_text(75), duration_text(7260)
    ('5 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def number_text(value: float) -> str:
    """Large numbers as whole numbers with separators, others with up to six digits.

    >>> number_text(33177770), number_text(0.9686), number_text(0.00010053)
    ('33,177,770', '0.9686', '0.00010053')
    """
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def metric_label(name: str) -> str:
    """A metric's name for people, also with the name of a part in front.

    >>> metric_label("roc_auc"), metric_label("validation_r2"), metric_label("balanced_accuracy")
    ('ROC AUC', 'validation R²', 'balanced accuracy')
    """
    special = {"auc": "AUC", "roc": "ROC", "f1": "F1", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}
    return " ".join(special.get(word, word) for word in name.replace("_", " ").split(" "))


def figure_text(value: float) -> str:
    """A figure with four decimals, a smaller one with four digits.

    >>> figure_text(0.93567), figure_text(53.2), figure_text(1.23456e-30), figure_text(0)
    ('0.9357', '53.2000', '1.235e-30', '0.0000')
    """
    return f"{value:.4g}" if 0 < abs(value) < 5e-4 else f"{value:.4f}"


def four_digits(value: float) -> str:
    """A number with four digits.

    >>> four_digits(0.5), four_digits(-1.23456), four_digits(53.001), four_digits(12345.6), four_digits(0.00012)
    ('0.5000', '-1.235', '53.00', '12,346', '0.00012')
    """
    size = abs(value)
    if 1e-3 <= size <= 1:
        return f"{value:.4f}"
    if 1 < size < 1e4 and not value.is_integer():
        return f"{value:#.4g}".removesuffix(".")
    return f"{value:.4g}" if size < 1e4 else f"{value:,.0f}"


def metric_text(metric: str, value: float) -> str:
    """A metric in a sentence: shares in percent, others with four digits.

    >>> metric_text("accuracy", 0.98765), metric_text("r2", 0.48124), metric_text("rmse", 53.218), metric_text("mae", 12345.6)
    ('98.77 %', '0.4812', '53.22', '12,346')
    """
    return f"{100 * value:.2f} %" if METRICS[metric].is_share else four_digits(value)


def with_article(words: str) -> str:
    """With "a" or "an" in front.

    >>> with_article("dense network"), with_article("ensemble dense network")
    ('a dense network', 'an ensemble dense network')
    """
    return f"{'an' if words[:1] in 'aeio' else 'a'} {words}"


def capitalized(text: str) -> str:
    """The text with its first letter as a capital.

    >>> capitalized("log loss"), capitalized("R²")
    ('Log loss', 'R²')
    """
    return text[:1].upper() + text[1:]
