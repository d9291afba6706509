"""How a reported figure is judged: the one place where it is written down what counts as reproduced. Claims: `claims`.

**A figure** is compared with the mean of our `n` runs, which differ by chance. The standard deviation `s` over runs is our
runs' own, drawn towards the one that is typical of the document's experiments (`deviations.moderated`). The test images are
the same on both sides, so the sampling error of an accuracy on `m` images, sqrt(p (1 - p) / m), is none of the
difference's; only where the document may have had other examples (points that are drawn anew) is it counted. A reported
figure is

- *reproduced*, if it lies within `t s sqrt(1/k + 1/n)`, and 1.96 sampling errors added in squares, of our mean; `k` is
  how many figures the document gives, `t` Student's 97.5 % quantile;
- *close*, if it lies within twice that, or within one percentage point (a tenth of itself for a loss);
- *not reproduced* otherwise;
- it *cannot be checked*, if it was not measured, or the document itself makes it worthless.

Parameter counts are reproduced if they are equal, and counted apart. A bound (`at_most`) is reproduced if one of our runs
keeps it: the document shows a run that does, and not how many did not. **A curve**, a figure by epoch or by member, is
reproduced (at least close) if nine in ten of its points are.

**What a verdict is worth.** `shared` is the share of the document's other networks whose runs would have passed as well in
the place of its own. A verdict that more than half of them share says little: it is *weak*, else *sharp*.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal, TypeVar, get_args

from tuner.documents.deviations import NORMAL, moderated

Verdict = Literal["reproduced", "close", "not reproduced", "cannot be checked"]
Worth = Literal["sharp", "weak", "exact", ""]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
EXACT = ("parameters", "layer_parameters")
"""Figures that no run changes."""

CLOSE_ACCURACY = 0.01
CLOSE_LOSS = 0.1
MOST = 0.9
"""The share of a curve's points that must be reproduced."""

WEAK = 0.5
"""A verdict that a larger share of other networks would have had says little."""

IMPOSSIBLE = -20.0
"""Log density of a report that our diverged runs explain."""


@dataclass(frozen=True)
class Judged:
    """A reported figure beside ours. `margin` is half the width of the interval in which it counts as reproduced;
    `likelihood` the log density of the report given our runs, by which readings are compared; `shared` the share of other
    networks that would have passed as well, None where there are none."""

    figure: str
    reported: tuple[float, ...]
    measured: tuple[float, ...]
    margin: float
    verdict: Verdict
    reason: str
    likelihood: float = 0.0
    shared: float | None = None

    @property
    def mean(self) -> float:
        """The mean of our runs."""
        return fmean(self.measured)

    @property
    def worth(self) -> Worth:
        """What the verdict is worth; empty for one that no other network could have had."""
        return "exact" if self.figure in EXACT else worth_of(self.verdict, self.shared)


@dataclass(frozen=True)
class JudgedCurve:
    """A reported curve beside ours, point by point."""

    figure: str
    points: tuple[Judged, ...]
    verdict: Verdict
    reason: str
    shared: float | None = None

    @property
    def worth(self) -> Worth:
        """What the verdict is worth."""
        return worth_of(self.verdict, self.shared)


AnyJudged = TypeVar("AnyJudged", Judged, JudgedCurve)


def worth_of(verdict: Verdict, shared: float | None) -> Worth:
    """What is worth a verdict that such a share of other networks would have had. That a figure is not reproduced is no less
    true where other networks do not give it either."""
    if verdict not in ("reproduced", "close") or shared is None:
        return ""
    return "weak" if shared > WEAK else "sharp"


def shared_in_words(judged: Judged | JudgedCurve) -> str:
    """The share of other networks that would have passed as well, as a table has it."""
    return f"{judged.shared:.0%}, {judged.worth}" if judged.shared is not None and judged.worth else ""


def passes(judged: Judged | JudgedCurve, least: Verdict) -> bool:
    """Whether a verdict is at least so good."""
    return VERDICTS.index(judged.verdict) <= VERDICTS.index(least)


def judge(figure: str, reported: Sequence[float], measured: Sequence[float], examples: int, typical: float) -> Judged:
    """The verdict on one figure. `examples` is how many an accuracy was measured on, where the document may have had others
    (0: the same); `typical` the figure's typical spread."""
    told, ours = tuple(reported), tuple(measured)
    if not ours:
        return Judged(figure, told, ours, 0.0, "cannot be checked", "not measured")
    if figure in EXACT:
        return _judge_count(figure, told, ours)
    if not all(map(math.isfinite, ours)):
        diverged = sum(not math.isfinite(value) for value in ours)
        reason = f"{diverged} of our {len(ours)} runs diverged"
        return Judged(figure, told, ours, 0.0, "not reproduced", reason, IMPOSSIBLE)
    if figure.endswith("_at_most"):
        return _judge_bound(figure, told, ours)
    return _judge_distance(figure, told, ours, examples, typical)


def _judge_count(figure: str, told: tuple[float, ...], ours: tuple[float, ...]) -> Judged:
    same = told == ours if figure == "layer_parameters" else {*told} == {*ours}
    reason = "equal" if same else f"{', '.join(f'{count:.0f}' for count in dict.fromkeys(ours))} by our count"
    return Judged(figure, told, ours, 0.0, "reproduced" if same else "not reproduced", reason)


def _judge_bound(figure: str, told: tuple[float, ...], ours: tuple[float, ...]) -> Judged:
    kept = sum(value <= fmean(told) for value in ours)
    reason = f"{kept} of our {len(ours)} runs keep it, the best with {min(ours):.4g}"
    likelihood = math.log((kept + 0.5) / (len(ours) + 1))
    return Judged(figure, told, ours, 0.0, "reproduced" if kept else "not reproduced", reason, likelihood)


def _judge_distance(
    figure: str, told: tuple[float, ...], ours: tuple[float, ...], examples: int, typical: float
) -> Judged:
    from scipy.stats import t

    middle, report = fmean(ours), fmean(told)
    spread, freedom = moderated(figure, ours, typical)
    chance = spread * math.sqrt(1 / len(told) + 1 / len(ours))
    share = min(max(report, 0.0), 1.0)
    sampling = math.sqrt(share * (1 - share) / examples) if examples and figure.endswith("accuracy") else 0.0
    margin = math.hypot(float(t.ppf(0.975, freedom)) * chance, NORMAL * sampling)
    distance = abs(report - middle)
    near = CLOSE_ACCURACY if figure.endswith("accuracy") else CLOSE_LOSS * abs(report)
    verdict: Verdict = "not reproduced"
    if distance <= margin:
        verdict = "reproduced"
    elif distance <= max(2 * margin, near):
        verdict = "close"
    reason = f"{distance:.4g} {'above' if report > middle else 'below'} our mean, margin {margin:.4g}"
    scale = max(math.hypot(chance, sampling), 1e-9)
    return Judged(
        figure, told, ours, margin, verdict, reason, float(t.logpdf((report - middle) / scale, 4)) - math.log(scale)
    )


def unchecked(figure: str, reported: Sequence[float], measured: Sequence[float], reason: str) -> Judged:
    """A figure that the document itself makes worthless."""
    return Judged(figure, tuple(reported), tuple(measured), 0.0, "cannot be checked", reason)


def judge_curve(
    figure: str,
    reported: Sequence[float],
    measured: Sequence[Sequence[float]],
    examples: int,
    typical: float,
    every: int = 1,
) -> JudgedCurve:
    """The verdict on a curve; `measured` has one of ours for each run, with a value for each `every` points."""
    told = reported[every - 1 :: every]
    if not measured or not told or any(len(each) < len(told) for each in measured):
        return JudgedCurve(figure, (), "cannot be checked", "not measured")
    points = tuple(
        judge(figure, [value], [run[index] for run in measured], examples, typical) for index, value in enumerate(told)
    )
    shares = {verdict: sum(passes(point, verdict) for point in points) / len(points) for verdict in VERDICTS}
    verdict = next(each for each in VERDICTS if shares[each] >= MOST)
    within = sum(point.verdict == "reproduced" for point in points)
    return JudgedCurve(figure, points, verdict, f"{within} of {len(points)} points reproduced")


def among(judged: AnyJudged, others: Sequence[AnyJudged]) -> AnyJudged:
    """The same with what it is worth beside what the runs of other networks would have had in its place."""
    checked = [each for each in others if each.verdict != "cannot be checked"]
    shared = sum(passes(each, judged.verdict) for each in checked) / len(checked) if checked else None
    return replace(judged, shared=shared)
