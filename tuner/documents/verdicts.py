"""How a replication is judged: the one place where it is written down what counts as reproduced.

**A figure** is compared with the mean of our runs. Two things make a single reported figure differ from that mean
although nothing is wrong: runs differ by chance (the standard deviation `s` over our `n` runs), and, for accuracies, a
test set of `m` images has a sampling error, sqrt(p (1 - p) / m). A reported figure is

- *reproduced*, if it lies within `t * s * sqrt(1/k + 1/n)` and 1.96 sampling errors, added in squares, of our mean; `k`
  is how many figures the document gives, `t` Student's 97.5 % quantile;
- *close*, if it lies within twice that, or within one percentage point (a tenth of itself for a loss);
- *not reproduced* otherwise. With a single run of ours `s` is the pooled one of the document's repeated experiments,
  and if there are none `TYPICAL_SPREAD`.

Parameter counts are reproduced if they are equal. A bound (`at_most`) is reproduced if our mean keeps it.

**A claim** is a set of comparisons between experiments, each by Welch's t test on our runs (with the pooled spread where
an experiment has one run). It *holds* if every comparison goes the claimed way and none of them could be chance (one-sided
5 %); it *fails* if one of them goes significantly the other way; else it is *undecided*.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tuner.documents.document import Claim

Verdict = Literal["reproduced", "close", "not reproduced", "cannot be checked"]
Judgement = Literal["holds", "fails", "undecided"]

TYPICAL_SPREAD = 0.004
"""Standard deviation of a small network's accuracy over seeds; of a loss, relative to itself, five times that."""

CLOSE_ACCURACY = 0.01
CLOSE_LOSS = 0.1


@dataclass(frozen=True)
class Judged:
    """A reported figure beside ours. `margin` is half the width of the interval in which it counts as reproduced."""

    figure: str
    reported: tuple[float, ...]
    measured: tuple[float, ...]
    margin: float
    verdict: Verdict
    reason: str

    @property
    def mean(self) -> float:
        """The mean of our runs."""
        return math.fsum(self.measured) / len(self.measured)


def judge(
    figure: str, reported: Sequence[float], measured: Sequence[float], examples: int, pooled: float | None
) -> Judged:
    """The verdict on one figure. `examples` is how many images an accuracy was measured on; `pooled` the standard deviation
    of the figure over the document's repeated experiments, None where none was repeated."""
    told, ours = tuple(reported), tuple(measured)
    if not ours:
        return Judged(figure, told, ours, 0.0, "cannot be checked", "not measured")
    if not all(map(math.isfinite, ours)):
        return _judge_divergence(figure, told, ours)
    mean, report = math.fsum(ours) / len(ours), math.fsum(told) / len(told)
    if figure == "parameters":
        same = report == mean
        reason = "equal" if same else f"{mean:.0f} by our count"
        return Judged(figure, told, ours, 0.0, "reproduced" if same else "not reproduced", reason)
    if figure.endswith("_at_most"):
        kept = mean <= report
        return Judged(figure, told, ours, 0.0, "reproduced" if kept else "not reproduced", f"ours is {mean:.4g}")
    margin = _margin(figure, report, told, ours, examples, pooled)
    distance = abs(report - mean)
    near = CLOSE_ACCURACY if figure.endswith("accuracy") else CLOSE_LOSS * abs(report)
    reason = f"{distance:.4g} {'above' if report > mean else 'below'} our mean, margin {margin:.4g}"
    if distance <= margin:
        return Judged(figure, told, ours, margin, "reproduced", reason)
    if distance <= max(2 * margin, near):
        return Judged(figure, told, ours, margin, "close", reason)
    return Judged(figure, told, ours, margin, "not reproduced", reason)


def _judge_divergence(figure: str, reported: tuple[float, ...], measured: tuple[float, ...]) -> Judged:
    diverged = sum(not math.isfinite(value) for value in measured)
    reason = f"{diverged} of our {len(measured)} runs diverged"
    return Judged(figure, reported, measured, 0.0, "not reproduced", reason)


def _margin(
    figure: str, report: float, told: tuple[float, ...], ours: tuple[float, ...], examples: int, pooled: float | None
) -> float:
    from scipy.stats import t

    if len(ours) >= 2:
        spread, freedom = _deviation(ours), len(ours) - 1
    else:
        typical = TYPICAL_SPREAD if figure.endswith("accuracy") else 5 * TYPICAL_SPREAD * abs(report)
        spread, freedom = (pooled if pooled is not None else typical), 10
    chance = float(t.ppf(0.975, freedom)) * spread * math.sqrt(1 / len(told) + 1 / len(ours))
    share = min(max(report, 0.0), 1.0)
    sampling = 1.96 * math.sqrt(share * (1 - share) / examples) if figure.endswith("accuracy") and examples else 0.0
    return math.hypot(chance, sampling)


def pooled_spread(groups: Sequence[Sequence[float]]) -> float | None:
    """The standard deviation within groups that have several values; None where no group has."""
    repeated = [group for group in groups if len(group) >= 2 and all(map(math.isfinite, group))]
    freedom = sum(len(group) - 1 for group in repeated)
    if not freedom:
        return None
    return math.sqrt(math.fsum((len(group) - 1) * _deviation(group) ** 2 for group in repeated) / freedom)


def judge_claim(claim: Claim, measured: Mapping[str, Sequence[float]], pooled: float | None) -> tuple[Judgement, str]:
    """Whether a claim holds in our runs, and what decided it. `measured` has the claim's figure by experiment."""
    missing = [each for each in claim.experiments if not measured.get(each)]
    if missing:
        return "undecided", f"not measured: {', '.join(missing)}"
    if claim.unsteady:
        return _judge_unsteady(claim, measured)
    comparisons = [_compare(high, low, measured, pooled) for high, low in _pairs(claim)]
    against = [each for each in comparisons if each.confident and each.difference < 0]
    if against:
        return "fails", "; ".join(each.words for each in against)
    open_ = [each for each in comparisons if not each.confident]
    if open_:
        return "undecided", "; ".join(each.words for each in open_)
    return "holds", "; ".join(each.words for each in comparisons)


@dataclass(frozen=True)
class Comparison:
    """The difference of two experiments' means, the claimed higher one first."""

    high: str
    low: str
    difference: float
    confident: bool

    @property
    def words(self) -> str:
        sure = "" if self.confident else ", which may be chance"
        return f"{self.high} {self.difference:+.4f} against {self.low}{sure}"


def _pairs(claim: Claim) -> list[tuple[str, str]]:
    """(claimed higher, claimed lower) for each comparison; a lower loss is better."""
    lower_is_better = claim.figure.endswith("loss")
    pairs = [(high, low) for low, high in pairwise(claim.rises)] + list(pairwise(claim.falls))
    best, worst = (claim.worst, claim.best) if lower_is_better else (claim.best, claim.worst)
    pairs += [(best, each) for each in claim.among if best and each != best]
    pairs += [(each, worst) for each in claim.among if worst and each != worst]
    return pairs


def _compare(high: str, low: str, measured: Mapping[str, Sequence[float]], pooled: float | None) -> Comparison:
    from scipy.stats import t

    one, two = ([value if math.isfinite(value) else 0.0 for value in measured[name]] for name in (high, low))
    difference = math.fsum(one) / len(one) - math.fsum(two) / len(two)
    variances = []
    for group in (one, two):
        spread = _deviation(group) if len(group) >= 3 else pooled if pooled is not None else TYPICAL_SPREAD
        variances.append(max(spread, 1e-6) ** 2 / len(group))
    error = math.sqrt(sum(variances))
    freedom = max(2, len(one) + len(two) - 2)
    return Comparison(high, low, difference, abs(difference) > float(t.ppf(0.95, freedom)) * error)


def _judge_unsteady(claim: Claim, measured: Mapping[str, Sequence[float]]) -> tuple[Judgement, str]:
    """Unsteady: the runs of each experiment are further apart than two points of accuracy."""
    ranges = {each: max(measured[each]) - min(measured[each]) for each in claim.unsteady}
    words = ", ".join(f"{each} varies by {width:.4f}" for each, width in ranges.items())
    if any(len(measured[each]) < 3 for each in claim.unsteady):
        return "undecided", f"too few runs: {words}"
    return ("holds" if min(ranges.values()) > 0.02 else "fails"), words


def _deviation(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
