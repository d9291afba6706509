"""How a replication is judged: the one place where it is written down what counts as reproduced.

**A figure** is compared with the mean of our `n` runs. Two things make a reported figure differ from that mean although
nothing is wrong: runs differ by chance, and an accuracy on `m` images has a sampling error, sqrt(p (1 - p) / m) (none
for training accuracies: the images are the same). The standard deviation `s` over runs is our runs' own, drawn towards
the one that is typical of the document's experiments (`spread.moderated`). A reported figure is

- *reproduced*, if it lies within `t s sqrt(1/k + 1/n)` and 1.96 sampling errors, added in squares, of our mean; `k` is
  how many figures the document gives, `t` Student's 97.5 % quantile;
- *close*, if it lies within twice that, or within one percentage point (a tenth of itself for a loss);
- *not reproduced* otherwise;
- it *cannot be checked*, if it was not measured, or the document itself makes it worthless.

Parameter counts are reproduced if they are equal. A bound (`at_most`) is reproduced if one of our runs keeps it: the
document shows a run that does, and not how many did not. **A curve**, a figure by epoch or by member, is reproduced (at
least close) if nine in ten of its points are.

**A claim** is a set of comparisons between experiments, each by a t test on our runs with moderated spreads. It *holds*
if every comparison goes the claimed way and none could be chance (one-sided 5 % each); it *fails* if one goes the other
way significantly (5 % over all comparisons together); else it is *undecided*.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Literal, get_args

from tuner.documents.deviations import NORMAL, moderated
from tuner.documents.experiment import Claim

Verdict = Literal["reproduced", "close", "not reproduced", "cannot be checked"]
Judgement = Literal["holds", "fails", "undecided"]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)
CLOSE_ACCURACY = 0.01
CLOSE_LOSS = 0.1
MOST = 0.9
"""The share of a curve's points that must be reproduced."""

SIGNIFICANT = 0.05
UNSTEADY = 0.02
"""Runs of one recipe whose accuracies are further apart than this are called unsteady."""

IMPOSSIBLE = -20.0
"""Log density of a report that our diverged runs explain."""


@dataclass(frozen=True)
class Judged:
    """A reported figure beside ours. `margin` is half the width of the interval in which it counts as reproduced;
    `likelihood` the log density of the report given our runs, by which readings are compared."""

    figure: str
    reported: tuple[float, ...]
    measured: tuple[float, ...]
    margin: float
    verdict: Verdict
    reason: str
    likelihood: float = 0.0

    @property
    def mean(self) -> float:
        """The mean of our runs."""
        return fmean(self.measured)


@dataclass(frozen=True)
class JudgedCurve:
    """A reported curve beside ours, point by point."""

    figure: str
    points: tuple[Judged, ...]
    verdict: Verdict
    reason: str


def judge(figure: str, reported: Sequence[float], measured: Sequence[float], examples: int, typical: float) -> Judged:
    """The verdict on one figure. `examples` is how many images an accuracy was measured on (0: no sampling error);
    `typical` the figure's typical spread."""
    told, ours = tuple(reported), tuple(measured)
    if not ours:
        return Judged(figure, told, ours, 0.0, "cannot be checked", "not measured")
    if not all(map(math.isfinite, ours)):
        diverged = sum(not math.isfinite(value) for value in ours)
        reason = f"{diverged} of our {len(ours)} runs diverged"
        return Judged(figure, told, ours, 0.0, "not reproduced", reason, IMPOSSIBLE)
    middle, report = fmean(ours), fmean(told)
    if figure == "parameters":
        same = report == middle
        reason = "equal" if same else f"{middle:.0f} by our count"
        return Judged(figure, told, ours, 0.0, "reproduced" if same else "not reproduced", reason)
    if figure.endswith("_at_most"):
        return _judge_bound(figure, told, ours)
    return _judge_distance(figure, told, ours, examples, typical)


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
    figure: str, reported: Sequence[float], measured: Sequence[Sequence[float]], examples: int, typical: float
) -> JudgedCurve:
    """The verdict on a curve; `measured` has one of ours for each run."""
    if not measured or any(len(each) < len(reported) for each in measured):
        return JudgedCurve(figure, (), "cannot be checked", "not measured")
    points = tuple(
        judge(figure, [value], [run[index] for run in measured], examples, typical)
        for index, value in enumerate(reported)
    )
    shares = {
        verdict: sum(VERDICTS.index(point.verdict) <= VERDICTS.index(verdict) for point in points) / len(points)
        for verdict in VERDICTS
    }
    verdict = next(each for each in VERDICTS if shares[each] >= MOST)
    within = sum(point.verdict == "reproduced" for point in points)
    return JudgedCurve(figure, points, verdict, f"{within} of {len(points)} points reproduced")


def judge_claim(claim: Claim, measured: Mapping[str, Sequence[float]], typical: float) -> tuple[Judgement, str]:
    """Whether a claim holds in our runs, and what decided it. `measured` has the claim's figure by experiment."""
    missing = [each for each in claim.experiments if not measured.get(each)]
    if missing:
        return "undecided", f"not measured: {', '.join(missing)}"
    if claim.unsteady:
        return _judge_unsteady(claim, measured)
    pairs = _pairs(claim)
    comparisons = [_compare(claim.figure, high, low, measured, typical) for high, low in pairs]
    against = [each for each in comparisons if each.chance_against < SIGNIFICANT / len(pairs)]
    if against:
        return "fails", "; ".join(each.words for each in against)
    open_ = [each for each in comparisons if each.chance >= SIGNIFICANT]
    if open_:
        return "undecided", "; ".join(f"{each.words}, which may be chance" for each in open_)
    return "holds", "; ".join(each.words for each in comparisons)


@dataclass(frozen=True)
class Comparison:
    """The difference of two experiments' means, the claimed higher one first. `chance` is how likely so large a
    difference is if there is none."""

    high: str
    low: str
    difference: float
    chance: float

    @property
    def chance_against(self) -> float:
        """The same for a difference of the other sign."""
        return 1 - self.chance

    @property
    def words(self) -> str:
        return f"{self.high} {self.difference:+.4f} against {self.low}"


def _pairs(claim: Claim) -> list[tuple[str, str]]:
    """(claimed higher, claimed lower) for each comparison; a lower loss is better."""
    lower_is_better = claim.figure.endswith("loss")
    pairs = [(high, low) for low, high in pairwise(claim.rises)] + list(pairwise(claim.falls))
    best, worst = (claim.worst, claim.best) if lower_is_better else (claim.best, claim.worst)
    pairs += [(best, each) for each in claim.among if best and each != best]
    pairs += [(each, worst) for each in claim.among if worst and each != worst]
    return pairs


def _compare(figure: str, high: str, low: str, measured: Mapping[str, Sequence[float]], typical: float) -> Comparison:
    from scipy.stats import t

    one, two = ([value if math.isfinite(value) else 0.0 for value in measured[name]] for name in (high, low))
    difference = fmean(one) - fmean(two)
    (spread, freedom), (other_spread, other_freedom) = (moderated(figure, each, typical) for each in (one, two))
    error = math.sqrt(spread**2 / len(one) + other_spread**2 / len(two))
    chance = float(t.sf(difference / max(error, 1e-9), freedom + other_freedom))
    return Comparison(high, low, difference, chance)


def _judge_unsteady(claim: Claim, measured: Mapping[str, Sequence[float]]) -> tuple[Judgement, str]:
    ranges = {each: max(measured[each]) - min(measured[each]) for each in claim.unsteady}
    words = ", ".join(f"{each} varies by {width:.4f}" for each, width in ranges.items())
    if any(len(measured[each]) < 3 for each in claim.unsteady):
        return "undecided", f"too few runs: {words}"
    return ("holds" if min(ranges.values()) > UNSTEADY else "fails"), words
