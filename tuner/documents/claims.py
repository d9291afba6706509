"""How a claim is judged: as a set of comparisons of our runs, each by a t test with moderated spreads.

A claim *holds* if every comparison goes the claimed way and none could be chance; it *fails* if one goes the other way and
that could not be chance either; else it is *undecided*, and by how much figures differ at the most is said, with 95 %
confidence. One that is said of each run (`always`) fails by one run that does otherwise.

**When runs are enough.** Claims are looked at when their networks have 3, 6 and 10 runs (`LOOKS`, fixed beforehand: what is
undecided is run up to the next look, and ten runs are the end). Whoever looks three times errs three times as often, so
each look has a third of the 5 % (the simplest of all spendings: Bonferroni's), whichever look it is. With fewer than three
runs of a network nothing is decided: how far its runs lie apart is not known, and what other networks' do says nothing
about one that does not learn.

A network is looked at once, with three runs, where a run of it takes longer than `LONG_SECONDS`: that depends on what it
costs and not on what it shows, so no error is the likelier for it.

A run that diverged has learned nothing: its accuracy counts as 0, its loss as the largest of all that are compared.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Literal, get_args

from tuner.documents.deviations import moderated
from tuner.documents.experiment import Claim

Judgement = Literal["holds", "fails", "undecided"]

JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)
LOOKS = (3, 6, 10)
LONG_SECONDS = 120.0
"""Of one core, for one run."""

SIGNIFICANT = 0.05 / len(LOOKS)
"""The chance of an error that one look may have."""

UNSTEADY = 0.02
"""Runs of one recipe whose accuracies are further apart than this are called unsteady."""

Measured = Mapping[str, Sequence[float]]
"""A claim's figure of each run, by experiment."""


@dataclass(frozen=True)
class Decision:
    """What our runs say of a claim, what decided it, and the fewest `runs` of a network that it was decided by."""

    judgement: Judgement
    because: str
    runs: int = 0

    @property
    def looks(self) -> int:
        """How many of the looks that was."""
        return sum(look <= self.runs for look in LOOKS)


@dataclass(frozen=True)
class Comparison:
    """A difference that the claim says is positive, and in words of what. `chance` is how likely so large a one is if there is
    none; the true one is at most `bound` on either side, with 95 % confidence."""

    words: str
    difference: float
    chance: float
    bound: float

    @property
    def chance_against(self) -> float:
        """The same for a difference of the other sign."""
        return 1 - self.chance


def judge_claim(claim: Claim, measured: Measured, typical: float) -> Decision:
    """Whether a claim holds in our runs, and what decided it. `typical` is the figure's typical spread."""
    missing = [each for each in claim.experiments if not measured.get(each)]
    if missing:
        return Decision("undecided", f"not measured: {', '.join(missing)}")
    runs = min(len(measured[each]) for each in claim.experiments)
    known = finite(claim, measured)
    judgement, because = _exception(claim, known) or _decided(claim, known, runs, typical)
    return Decision(judgement, because, runs)


def finite(claim: Claim, measured: Measured) -> Measured:
    """The same with the worst that it could have been for what is no number."""
    numbers = [value for each in claim.experiments for value in measured[each] if math.isfinite(value)]
    worst = max(numbers, default=0.0) if lower_is_better(claim.figure) else 0.0
    return {each: [value if math.isfinite(value) else worst for value in measured[each]] for each in claim.experiments}


def lower_is_better(figure: str) -> bool:
    """Whether a figure is one of those that are the better the lower."""
    return figure.endswith("loss")


def _exception(claim: Claim, measured: Measured) -> tuple[Judgement, str] | None:
    """The run that does otherwise than each is said to."""
    if not claim.always:
        return None
    ours = [(each, value) for each in claim.of for value in measured[each]]
    against = [f"{name} has {value:.4f}" for name, value in ours if _beyond(claim, value) <= 0]
    return ("fails", f"{len(against)} of {len(ours)} runs: {', '.join(against[:3])}") if against else None


def _decided(claim: Claim, measured: Measured, runs: int, typical: float) -> tuple[Judgement, str]:
    if runs < LOOKS[0]:
        few = ", ".join(
            f"{each} has {len(measured[each])}" for each in claim.experiments if len(measured[each]) < LOOKS[0]
        )
        return "undecided", f"too few runs, {LOOKS[0]} are needed: {few}"
    if claim.unsteady:
        return _judge_unsteady(claim, measured)
    if claim.always:
        return "holds", f"each of {sum(len(measured[each]) for each in claim.of)} runs"
    comparisons = list(_comparisons(claim, measured, typical))
    against = [each for each in comparisons if each.chance_against < SIGNIFICANT / len(comparisons)]
    if against:
        return "fails", "; ".join(each.words for each in against)
    open_ = [each for each in comparisons if each.chance >= SIGNIFICANT]
    if open_:
        return "undecided", "; ".join(f"{each.words}, which may be chance: at most {each.bound:.4g}" for each in open_)
    return "holds", "; ".join(each.words for each in comparisons)


def _comparisons(claim: Claim, measured: Measured, typical: float) -> Iterator[Comparison]:
    for high, low in _pairs(claim):
        yield _compare(claim.figure, (high, measured[high]), (low, measured[low]), typical)
    for name in claim.of:
        yield _compare_with_bound(claim, name, measured[name], typical)


def _pairs(claim: Claim) -> list[tuple[str, str]]:
    """(claimed higher, claimed lower) for each comparison; a lower loss is better."""
    pairs = [(high, low) for low, high in pairwise(claim.rises)] + list(pairwise(claim.falls))
    best, worst = (claim.worst, claim.best) if lower_is_better(claim.figure) else (claim.best, claim.worst)
    pairs += [(best, each) for each in claim.among if best and each != best]
    pairs += [(each, worst) for each in claim.among if worst and each != worst]
    return pairs


def _compare(
    figure: str, high: tuple[str, Sequence[float]], low: tuple[str, Sequence[float]], typical: float
) -> Comparison:
    (name, one), (other_name, other) = high, low
    (spread, freedom), (other_spread, other_freedom) = (moderated(figure, each, typical) for each in (one, other))
    difference = fmean(one) - fmean(other)
    error = math.sqrt(spread**2 / len(one) + other_spread**2 / len(other))
    return _tested(f"{name} {difference:+.4f} against {other_name}", difference, error, freedom + other_freedom)


def _compare_with_bound(claim: Claim, name: str, ours: Sequence[float], typical: float) -> Comparison:
    spread, freedom = moderated(claim.figure, ours, typical)
    words = f"{name} has {fmean(ours):.4f}"
    return _tested(words, _beyond(claim, fmean(ours)), spread / math.sqrt(len(ours)), freedom)


def _tested(words: str, difference: float, error: float, freedom: int) -> Comparison:
    from scipy.stats import t

    error = max(error, 1e-9)
    bound = abs(difference) + float(t.ppf(0.975, freedom)) * error
    return Comparison(words, difference, float(t.sf(difference / error, freedom)), bound)


def _beyond(claim: Claim, value: float) -> float:
    """How far a figure is on the claimed side of the bound."""
    return value - claim.above if claim.above is not None else (claim.below or 0.0) - value


def _judge_unsteady(claim: Claim, measured: Measured) -> tuple[Judgement, str]:
    ranges = {each: max(measured[each]) - min(measured[each]) for each in claim.unsteady}
    words = ", ".join(f"{each} varies by {width:.4f}" for each, width in ranges.items())
    return ("holds" if min(ranges.values()) > UNSTEADY else "fails"), words
