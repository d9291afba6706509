"""Durations and figures in a few words, for progress lines and tables."""


def duration(seconds: float) -> str:
    """A length of time as people say it.

    >>> duration(5), duration(75), duration(7260)
    ('5 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def figure_in_words(value: float) -> str:
    """A figure as a document has it: counts whole, the others short.

    >>> figure_in_words(33177770), figure_in_words(0.9686), figure_in_words(0.00010053)
    ('33,177,770', '0.9686', '0.00010053')
    """
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"
