"""What mattered, from few trials on: how much better the trials with some values of a parameter were than the others."""

import math
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
    trials = [trial for trial in evidence.record.finished if math.isfinite(trial.values[0])]
    sign, known = evidence.record.direction.sign, []
    for name in dict.fromkeys(name for trial in trials for name in trial.params):
        some = [trial for trial in trials if name in trial.params]
        values = pd.Series([trial.values[0] for trial in some])
        column = pd.Series([trial.params[name] for trial in some], dtype=object)
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in column):
            numbers = column.astype(float)
            middle = min(numbers.median(), numbers[numbers < numbers.max()].max())
            sides = {f"at most {middle:.4g}": numbers <= middle, f"above {middle:.4g}": numbers > middle}
        else:
            option = (sign * values.groupby(column.astype(str)).mean()).idxmax()
            sides = {str(option): column.astype(str) == option, "others": column.astype(str) != option}
        parts = sorted(((text, values[rows]) for text, rows in sides.items()), key=lambda part: -sign * part[1].mean())
        (_, one), (_, two) = parts
        if min(len(one), len(two)) >= LEAST and one.mean() != two.mean():
            better, worse = (f"{text}: {part.mean():.4g} ({len(part)} trials)" for text, part in parts)
            error = float((one.var() / len(one) + two.var() / len(two)) ** 0.5)
            known.append(MeanDifference(name, better, worse, float(one.mean() - two.mean()), error))
    return tuple(sorted(known, key=lambda each: (-abs(each.value) / max(each.error, 1e-12), each.parameter)))


def difference_table(differences: Sequence[MeanDifference]) -> Iterator[Table]:
    """The clearest differences."""
    rows = tuple((each.parameter, each.better, each.worse, each.value, each.error) for each in differences[:SHOWN])
    note = f"Weak evidence: the parameters were not varied one at a time, and the best cut of {len(differences)} parameters was sought. A difference of less than two or three standard errors may be chance."
    columns = ("parameter", "better: mean value", "worse: mean value", "difference", "standard error")
    yield Table("differences", "What mattered: means of the finished trials", columns, rows, note)
