"""What mattered, from few trials on: how much better the trials with some values of a parameter were than the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from tuner.charts.content import Table
from tuner.report.evidence import Evidence

LEAST, SHOWN = 2, 12
"""The fewest finished trials on each side of a comparison; the most parameters in the table."""


@dataclass(frozen=True)
class MeanDifference:
    """The mean value of trials with some values of a parameter less that of the others, and its standard error. Both sides are in
    words, the better one first, with the mean and the number of trials."""

    parameter: str
    better: str
    worse: str
    value: float
    error: float


def mean_differences(evidence: Evidence) -> tuple[MeanDifference, ...]:
    """Finished trials compared by each parameter: numbers by their median, of a choice its best option with the others. The
    clearest difference comes first."""
    trials, sign = evidence.record.finished, evidence.record.direction.sign
    values, known = pd.Series([trial.values[0] for trial in trials], dtype=float), []
    for name, column in pd.DataFrame([dict(trial.params) for trial in trials]).items():
        some = column.dropna()
        if some.empty or some.map(lambda value: isinstance(value, bool) or not isinstance(value, int | float)).any():
            option = (sign * values.groupby(column.astype(str)).mean()).idxmax() if len(some) else ""
            sides = {
                str(option): column.astype(str) == option,
                "others": column.notna() & (column.astype(str) != option),
            }
        else:
            middle = some[some < some.max()].median() if some.median() == some.max() else some.median()
            sides = {f"at most {middle:.4g}": column <= middle, f"above {middle:.4g}": column > middle}
        parts = sorted(((text, values[rows]) for text, rows in sides.items()), key=lambda part: -sign * part[1].mean())
        if min(len(part) for _, part in parts) >= LEAST:
            (_, one), (_, two) = parts
            better, worse = (f"{text}: {part.mean():.4g} ({len(part)} trials)" for text, part in parts)
            error = float((one.var() / len(one) + two.var() / len(two)) ** 0.5)
            known.append(MeanDifference(str(name), better, worse, float(one.mean() - two.mean()), error))
    return tuple(sorted(known, key=lambda each: (-abs(each.value) / max(each.error, 1e-12), each.parameter)))


def difference_table(differences: Sequence[MeanDifference]) -> Iterator[Table]:
    """The clearest differences."""
    rows = tuple((each.parameter, each.better, each.worse, each.value, each.error) for each in differences[:SHOWN])
    note = f"Weak evidence: the parameters were not varied one at a time, and the best cut of {len(differences)} parameters was sought. A difference of less than two or three standard errors may be chance."
    columns = ("parameter", "better: mean value", "worse: mean value", "difference", "standard error")
    yield Table("differences", "What mattered: means of the finished trials", columns, rows, note)
