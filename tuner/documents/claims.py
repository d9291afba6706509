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
from statistics import fmean
from typing import Literal, get_args

from tuner.documents.experiment import Claim
from tuner.documents.figures import is_loss, moderated

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
    numbers = [value for each in claim.experiments for value in measured[each] if math.isfinite(value)]
    worst = max(numbers, default=0.0) if is_loss(claim.figure) else 0.0
    finite = {
        each: [value if math.isfinite(value) else worst for value in measured[each]] for each in claim.experiments
    }
    judgement, reason = _judge(claim, finite, typical)
    return Decision(judgement, reason, min(map(len, finite.values())))


def _judge(claim: Claim, measured: Measured, typical: float) -> tuple[Judgement, str]:
    if claim.always:
        ours = [(each, value) for each in claim.of for value in measured[each]]
        against = [f"{name} has {value:.4f}" for name, value in ours if claim.excess(value) <= 0]
        if against:
            return "fails", f"{len(against)} of {len(ours)} runs: {', '.join(against[:3])}"
    few = ", ".join(f"{name} has {len(runs)}" for name, runs in measured.items() if len(runs) < LOOKS[0])
    if few:
        return "undecided", f"too few runs, {LOOKS[0]} are needed: {few}"
    if claim.unsteady:
        ranges = {each: max(measured[each]) - min(measured[each]) for each in claim.unsteady}
        text = ", ".join(f"{each} varies by {width:.4f}" for each, width in ranges.items())
        return "holds" if min(ranges.values()) > UNSTEADY else "fails", text
    if claim.always:
        return "holds", f"each of {sum(len(measured[each]) for each in claim.of)} runs"
    comparisons = list(_comparisons(claim, measured, typical))
    against = [each.text for each in comparisons if 1 - each.chance < SIGNIFICANT / len(comparisons)]
    if against:
        return "fails", "; ".join(against)
    open_ = [each for each in comparisons if each.chance >= SIGNIFICANT]
    if open_:
        return "undecided", "; ".join(f"{each.text}, which may be chance: at most {each.bound:.4g}" for each in open_)
    return "holds", "; ".join(each.text for each in comparisons)


def _comparisons(claim: Claim, measured: Measured, typical: float) -> Iterator[Comparison]:
    from scipy.special import stdtr, stdtrit

    def compare(text: str, difference: float, *names: str) -> Comparison:
        spreads, freedoms = zip(*(moderated(claim.figure, measured[name], typical) for name in names), strict=True)
        errors = (spread / math.sqrt(len(measured[name])) for name, spread in zip(names, spreads, strict=True))
        error, freedom = max(math.hypot(*errors), 1e-9), sum(freedoms)
        bound = abs(difference) + float(stdtrit(freedom, 0.975)) * error
        return Comparison(text, float(stdtr(freedom, -difference / error)), bound)

    means = {name: fmean(runs) for name, runs in measured.items()}
    for high, low in claim.pairs:
        difference = means[high] - means[low]
        yield compare(f"{high} {difference:+.4f} against {low}", difference, high, low)
    for name in claim.of:
        yield compare(f"{name} has {means[name]:.4f}", claim.excess(means[name]), name)
