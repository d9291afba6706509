"""How a claim is judged: as a set of comparisons of our runs, each by a t test with moderated spreads.

A claim *holds* if every comparison goes the claimed way and none could be chance; it *fails* if one goes the other way and
that could not be chance either; else it is *undecided*, and the largest possible difference is given, with 95 % confidence.
A claim about each run (`always`) fails by one run that contradicts it.

**When runs are enough.** Claims are looked at when their networks have 3, 6 and 10 runs (`LOOKS`, fixed beforehand: what is
undecided is run up to the next look, and ten runs are the end). Three looks err three times as often as one, so each look
has a third of the 5 % (the simplest spending function: Bonferroni's), whichever look it is. With fewer than three runs of a
network nothing is decided: how far its runs differ is unknown, and other networks' spread says nothing about one that does
not learn.

A network is looked at once, with three runs, where a run of it takes longer than `LONG_SECONDS`: that depends on its cost
and not on its figures, so it makes no error likelier.

A diverged run has learned nothing: its accuracy counts as 0, its loss as the largest of all that are compared.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Literal, get_args

from tuner.documents.experiment import Claim
from tuner.documents.spread import moderated

Judgement = Literal["holds", "fails", "undecided"]

JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)
LOOKS = (3, 6, 10)
LONG_SECONDS = 120.0
"""Of one core, for one run."""

SIGNIFICANT = 0.05 / len(LOOKS)
"""The chance of an error that one look may have."""

UNSTEADY = 0.02
"""Runs of one recipe whose accuracies differ by more than this are called unsteady."""

Measured = Mapping[str, Sequence[float]]
"""A claim's figure of each run, by experiment."""


@dataclass(frozen=True)
class Decision:
    """What our runs say of a claim, the comparison that decided it, and the fewest `runs` of a network in it."""

    judgement: Judgement
    reason: str
    runs: int = 0

    @property
    def looks(self) -> int:
        """How many looks there have been."""
        return sum(look <= self.runs for look in LOOKS)


@dataclass(frozen=True)
class Comparison:
    """A difference that the claim says is positive, described by `text`. `chance` is the probability of one at least as large
    if there is none; the true one is at most `bound` in size, with 95 % confidence."""

    text: str
    chance: float
    bound: float


def judge_claim(claim: Claim, measured: Measured, typical: float) -> Decision:
    """Whether a claim holds in our runs, and what decided it. `typical` is the figure's typical spread."""
    missing = [each for each in claim.experiments if not measured.get(each)]
    if missing:
        return Decision("undecided", f"not measured: {', '.join(missing)}")
    runs = {each: len(measured[each]) for each in claim.experiments}
    judgement, reason = _judge(claim, _finite(claim, measured), runs, typical)
    return Decision(judgement, reason, min(runs.values()))


def lower_is_better(figure: str) -> bool:
    """Whether a figure is a loss."""
    return figure.endswith("loss")


def _finite(claim: Claim, measured: Measured) -> Measured:
    """The same with the worst possible value for what is not a number."""
    numbers = [value for each in claim.experiments for value in measured[each] if math.isfinite(value)]
    worst = max(numbers, default=0.0) if lower_is_better(claim.figure) else 0.0
    return {each: [value if math.isfinite(value) else worst for value in measured[each]] for each in claim.experiments}


def _judge(claim: Claim, measured: Measured, runs: Mapping[str, int], typical: float) -> tuple[Judgement, str]:
    if claim.always:
        ours = [(each, value) for each in claim.of for value in measured[each]]
        against = [f"{name} has {value:.4f}" for name, value in ours if _beyond(claim, value) <= 0]
        if against:
            return "fails", f"{len(against)} of {len(ours)} runs: {', '.join(against[:3])}"
    few = ", ".join(f"{name} has {count}" for name, count in runs.items() if count < LOOKS[0])
    if few:
        return "undecided", f"too few runs, {LOOKS[0]} are needed: {few}"
    if claim.unsteady:
        ranges = {each: max(measured[each]) - min(measured[each]) for each in claim.unsteady}
        text = ", ".join(f"{each} varies by {width:.4f}" for each, width in ranges.items())
        return "holds" if min(ranges.values()) > UNSTEADY else "fails", text
    if claim.always:
        return "holds", f"each of {sum(len(measured[each]) for each in claim.of)} runs"
    return _judge_comparisons(list(_comparisons(claim, measured, typical)))


def _judge_comparisons(comparisons: Sequence[Comparison]) -> tuple[Judgement, str]:
    against = [each.text for each in comparisons if 1 - each.chance < SIGNIFICANT / len(comparisons)]
    if against:
        return "fails", "; ".join(against)
    open_ = [each for each in comparisons if each.chance >= SIGNIFICANT]
    if open_:
        return "undecided", "; ".join(f"{each.text}, which may be chance: at most {each.bound:.4g}" for each in open_)
    return "holds", "; ".join(each.text for each in comparisons)


def _comparisons(claim: Claim, measured: Measured, typical: float) -> Iterator[Comparison]:
    def error_of(name: str) -> tuple[float, int]:
        spread, freedom = moderated(claim.figure, measured[name], typical)
        return spread / math.sqrt(len(measured[name])), freedom

    for high, low in _pairs(claim):
        (error, freedom), (other_error, other_freedom) = error_of(high), error_of(low)
        difference = fmean(measured[high]) - fmean(measured[low])
        text = f"{high} {difference:+.4f} against {low}"
        yield _compare(text, difference, math.hypot(error, other_error), freedom + other_freedom)
    for name in claim.of:
        mean = fmean(measured[name])
        yield _compare(f"{name} has {mean:.4f}", _beyond(claim, mean), *error_of(name))


def _pairs(claim: Claim) -> list[tuple[str, str]]:
    """(claimed higher, claimed lower) for each comparison; a lower loss is better."""
    pairs = [(high, low) for low, high in pairwise(claim.rises)] + list(pairwise(claim.falls))
    best, worst = (claim.worst, claim.best) if lower_is_better(claim.figure) else (claim.best, claim.worst)
    pairs += [(best, each) for each in claim.among if best and each != best]
    pairs += [(each, worst) for each in claim.among if worst and each != worst]
    return pairs


def _compare(text: str, difference: float, error: float, freedom: int) -> Comparison:
    from scipy.stats import t

    error = max(error, 1e-9)
    bound = abs(difference) + float(t.ppf(0.975, freedom)) * error
    return Comparison(text, float(t.sf(difference / error, freedom)), bound)


def _beyond(claim: Claim, value: float) -> float:
    """How far a figure is on the claimed side of the bound."""
    return value - claim.above if claim.above is not None else (claim.below or 0.0) - value
