"""How a reported figure is judged: the one place that defines what counts as reproduced. Claims: `claims`.

A figure is compared with the mean of our `n` runs. The standard deviation `s` over runs is drawn towards the spread of the
document's networks (`figures.moderated`). A reported figure is

- *reproduced*, if it lies within `t s sqrt(1/k + 1/n)` of our mean; `k` is how many figures the document gives, `t` Student's
  97.5 % quantile. Where the document may have had other examples (points that are drawn anew), 1.96 sampling errors
  sqrt(p (1 - p) / m) of an accuracy on `m` examples are added in squares;
- *close*, if it lies within twice that or `figures.tolerance`; at best close, where `t` has fewer than two degrees of freedom;
- *not reproduced* otherwise;
- *cannot be checked*, if it was not measured, or the document itself makes it worthless.

Parameter counts are reproduced if they are equal, a bound (`at_most`) if one of our runs keeps it, as the document shows one, a
curve (at least close) if nine in ten of its points are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Literal, get_args

from tuner.documents.figures import NORMAL, Spread, moderated, scale, tolerance

Verdict = Literal["reproduced", "close", "not reproduced", "cannot be checked"]
Worth = Literal["sharp", "weak", "exact", ""]

Values = Sequence[float]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
EXACT = ("parameters", "layer_parameters")
"""Figures that are equal in all runs."""

FEWEST = 2
"""Fewer degrees of freedom than three runs have do not tell how far runs differ."""

SLIP = 0.01
"""The share of reports that may be anything, whatever the readings: a slip of the pen, a figure of another run."""


@dataclass(frozen=True)
class JudgedFigure:
    """A reported figure compared with ours; a curve has judged `points` and no values of its own. `margin` is half the width
    of the interval in which a figure counts as reproduced; `likelihood` the log density of the report given our runs, which
    compares readings; `shared` the share of other networks whose report would have passed as well, None where there are none."""

    figure: str
    reported: tuple[float, ...]
    measured: tuple[float, ...]
    verdict: Verdict
    reason: str
    margin: float = 0.0
    likelihood: float = 0.0
    shared: float | None = None
    points: tuple["JudgedFigure", ...] | None = None

    @property
    def worth(self) -> Worth:
        """What the verdict is worth."""
        return "exact" if self.figure in EXACT else worth_of(self.verdict, self.shared)

    @property
    def share_text(self) -> str:
        """`shared` and `worth` for a table's cell, or why there is nothing to check."""
        unchecked = self.reason if self.verdict == "cannot be checked" else ""
        return f"{self.shared:.0%}, {self.worth}" if self.shared is not None and self.worth else unchecked

    @property
    def key(self) -> tuple[str, bool]:
        """Its name, and whether it is a curve: a document may report both under one name."""
        return self.figure, self.points is not None

    def passes(self, least: Verdict) -> bool:
        """Whether the verdict is at least this good."""
        return VERDICTS.index(self.verdict) <= VERDICTS.index(least)


def worth_of(verdict: Verdict, shared: float | None) -> Worth:
    """A verdict is weak, and says little, if more than a quarter of other networks' reports would pass in its place; empty where
    there is no other network, and for what is not reproduced."""
    if shared is None or verdict not in ("reproduced", "close"):
        return ""
    return "weak" if shared > 0.25 else "sharp"


def judge(
    figure: str, reported: Values, measured: Values, examples: int, spread: Spread, unchecked: str = ""
) -> JudgedFigure:
    """The verdict on one figure. `examples` is the number that an accuracy was measured on, where the document may have had
    others (0: the same); `spread` that of the figure in the document; `unchecked` why the document makes the figure worthless."""
    theirs, ours = tuple(reported), tuple(measured)
    judged = partial(JudgedFigure, figure, theirs, ours)
    if unchecked or not ours:
        return judged("cannot be checked", unchecked or "not measured")
    if figure in EXACT:
        same = theirs == ours if figure == "layer_parameters" else {*theirs} == {*ours}
        counts = ", ".join(f"{count:.0f}" for count in dict.fromkeys(ours))
        return judged("reproduced", "equal") if same else judged("not reproduced", f"{counts} by our count")
    diverged = sum(not math.isfinite(value) for value in ours)
    if diverged:
        reason = f"{diverged} of our {len(ours)} runs diverged"
        return judged("not reproduced", reason, likelihood=math.log(SLIP))
    if figure.endswith("_at_most"):
        kept = sum(value <= fmean(theirs) for value in ours)
        reason = f"{kept} of our {len(ours)} runs keep it, the best with {min(ours):.4g}"
        likelihood = math.log((kept + 0.5) / (len(ours) + 1))
        return judged("reproduced" if kept else "not reproduced", reason, likelihood=likelihood)
    return _judge_distance(figure, theirs, ours, examples, spread)


def judge_curve(
    figure: str, reported: Values, measured: Sequence[Values], examples: int, spread: Spread, every: int = 1
) -> JudgedFigure:
    """The verdict on a curve; `measured` has one of ours for each run, with a value for each `every` points."""
    theirs = reported[every - 1 :: every]
    if not measured or not theirs or any(len(each) < len(theirs) for each in measured):
        return JudgedFigure(figure, (), (), "cannot be checked", "not measured", points=())
    at_each_point = zip(theirs, *measured, strict=False)
    points = tuple(judge(figure, [value], ours, examples, spread) for value, *ours in at_each_point)
    verdict = next(each for each in VERDICTS if fmean(point.passes(each) for point in points) >= 0.9)
    within = sum(point.verdict == "reproduced" for point in points)
    return JudgedFigure(figure, (), (), verdict, f"{within} of {len(points)} points reproduced", points=points)


def _judge_distance(figure: str, theirs: Values, ours: Values, examples: int, spread: Spread) -> JudgedFigure:
    from scipy.special import stdtrit  # scipy.stats takes two seconds to import

    middle, report = fmean(ours), fmean(theirs)
    deviation, freedom = moderated(figure, ours, spread)
    chance = deviation * math.sqrt(1 / len(theirs) + 1 / len(ours))
    share = min(max(report, 0.0), 1.0)
    sampling = math.sqrt(share * (1 - share) / examples) if examples and figure.endswith("accuracy") else 0.0
    margin = math.hypot(float(stdtrit(freedom, 0.975)) * chance, NORMAL * sampling) if freedom >= FEWEST else 0.0
    distance = abs(report - middle)
    verdict: Verdict = "not reproduced"
    if distance <= margin:
        verdict = "reproduced"
    elif distance <= max(2 * margin, tolerance(figure, report)):
        verdict = "close"
    few = "" if freedom >= FEWEST else "; too few runs for a margin"
    reason = f"{distance:.4g} {'above' if report > middle else 'below'} our mean, margin {margin:.4g}{few}"
    error = max(math.hypot(chance, sampling), 1e-9)
    density = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(math.pi * freedom) / 2
    density -= (freedom + 1) / 2 * math.log1p((distance / error) ** 2 / freedom) + math.log(error)  # Student's t
    likelihood = math.log((1 - SLIP) * math.exp(density) + SLIP / scale(figure, [report]))
    return JudgedFigure(figure, tuple(theirs), tuple(ours), verdict, reason, margin, likelihood)
