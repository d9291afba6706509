"""Durations, numbers and names of metrics as text."""


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
