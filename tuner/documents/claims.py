"""How a claim is judged: as a set of comparisons of our runs, each by a plain test of SciPy, under each common reading.

Its rows are compared where all of them were run under the same choice of readings, three times at least. Its verdict is that
under most of these, by their probability. It *depends on a guess* if it holds under some of them and fails under others. Readings
with less than 5 % of the probability together (`RARE`) neither change a verdict nor are named.

Means, and a mean and a bound, are compared by Welch's t test, a standard deviation (`unsteady`) by the chi squared test of a
variance. A claim *holds* if all comparisons are significant in the claimed direction. It *fails* if one is significant in the
other direction. Otherwise two one-sided tests bound the difference: the claim is *equal* if the bound is below
`figures.tolerance`, else *undecided*. A size (`by`) is tested too. One about each run (`always`) fails by one, and holds from five on.

Claims are looked at when their networks have 3, 6 and 10 runs (`LOOKS`, fixed before any run). Three looks in two directions
err six times as often as one test, so each chance is multiplied by six (Bonferroni). A diverged run has learned nothing: its
accuracy counts as 0, its loss as the largest of all that are compared.
"""

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal, get_args

from tuner.documents.document import Choice
from tuner.documents.evidence import Evidence
from tuner.documents.experiment import Claim
from tuner.documents.figures import deviation, is_loss, tolerance
from tuner.documents.runs import values_of

Judgement = Literal["holds", "fails", "equal", "undecided", "depends on a guess"]

JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)
LOOKS = (3, 6, 10)
RARE = 0.05
LONG_SECONDS = 120.0
"""Of one core. A network whose run takes longer has the first look only; cost does not depend on its figures."""

SIGNIFICANT = 0.05
"""The chance of an error over all looks and both directions."""

UNSTEADY = 0.01
"""Runs with a larger standard deviation of their accuracies are called unsteady."""

Measured = Mapping[str, Sequence[float]]  # a claim's figure of each run, by experiment


@dataclass(frozen=True)
class Decision:
    """What our runs say of a claim, why, and the fewest `runs` of a network in it. `chance` is that of an error, over all looks
    and both directions; what is not decided is equal `within` so much, with 95 % confidence; `scope` has the readings."""

    judgement: Judgement
    reason: str
    runs: int = 0
    chance: float | None = None
    within: float | None = None
    scope: str = ""


@dataclass(frozen=True)
class Comparison:
    """A difference that the claim says is positive, described by `text`: the probability of one at least as large if there is
    none. Two one-sided tests find it smaller in size than `within`."""

    text: str
    above: float
    within: float


@dataclass(frozen=True)
class UnderReading:
    """A claim under one choice of readings that all its rows were run under, with the names and the probability of its options."""

    choice: Choice
    names: Sequence[str]
    probability: float
    decision: Decision


@dataclass(frozen=True)
class JudgedClaim:
    """A claim `under` each common reading, and over all of these (`chosen`)."""

    claim: Claim
    chosen: Decision
    under: tuple[UnderReading, ...]

    @property
    def covered(self) -> float:
        """The probability of the readings that were run often enough."""
        return _probability(each for each in self.under if each.decision.runs >= LOOKS[0])


def judge_over_readings(claim: Claim, evidence: Evidence) -> JudgedClaim:
    """A claim under all readings that change its rows or its figure and that its rows have in common."""
    document, under = evidence.document, list[UnderReading]()
    concerned = {index for each in claim.experiments for index in document.concerning[each]}
    options = {index: document.reading[index].options for index in sorted(concerned)}
    indices = [i for i, some in options.items() if any(each.set or claim.figure in each.measured for each in some)]
    for choice in document.choices(indices):
        figure = document.compared_figures(choice).get(claim.figure, claim.figure)
        decision = judge_claim(claim, {id_: values_of(figure, evidence.runs(id_, choice)) for id_ in claim.experiments})
        names = [document.reading[i].name(choice[i]) for i in indices]
        if decision.runs:
            under.append(UnderReading(choice, names, evidence.probability(choice, indices), decision))
    script = [reading.name(option) for reading, option in zip(document.reading, evidence.best_script(), strict=True)]
    return JudgedClaim(claim, _overall(claim, under, script), tuple(under))


def _overall(claim: Claim, under: Sequence[UnderReading], script: Sequence[str]) -> Decision:
    """The verdict over all readings that were run often enough, decided as under the most probable one that agrees."""
    enough = [each for each in under if each.decision.runs >= LOOKS[0]] or under
    if not enough:
        return Decision("undecided", "no reading that all of its rows were run under")
    same = {judgement: [each for each in enough if each.decision.judgement == judgement] for judgement in JUDGEMENTS}
    weights = {judgement: _probability(those) for judgement, those in same.items()}
    largest = max((each.decision.judgement for each in enough), key=lambda each: weights[each])
    shown = max(same[largest], key=lambda each: each.probability)
    run = math.fsum(weights.values())
    frequent = [each for each in JUDGEMENTS if weights[each] > RARE * run]
    guessed = {"holds", "fails"} <= {*frequent} or (largest == "fails" and claim.guess)
    scope = [f"{each} with {_settings(same[each], enough)}" for each in frequent if len(frequent) > 1]
    if 1 - run >= RARE:
        own = ", ".join(name for name in shown.names if name not in script) or "the same settings as the figures"
        scope.append(f"decided with {own}; we have too few runs with the others ({1 - run:.0%} of the probability)")
    if claim.guess:
        scope.append(f"we guessed {claim.guess}")
    return replace(shown.decision, judgement="depends on a guess" if guessed else largest, scope="; ".join(scope))


def _settings(those: Sequence[UnderReading], among: Sequence[UnderReading]) -> str:
    """The options that only these readings have, or how many there are; and their probability."""
    some, every = (zip(*(each.names for each in under), strict=True) for under in (those, among))
    apart = [" or ".join(dict.fromkeys(own)) for own, all_ in zip(some, every, strict=True) if {*own} < {*all_}]
    share = _probability(those) / _probability(among)
    return f"{', '.join(apart) or f'{len(those)} of {len(among)} settings'} ({share:.0%})"


def _probability(under: Iterable[UnderReading]) -> float:
    return math.fsum(each.probability for each in under)


def judge_claim(claim: Claim, measured: Measured) -> Decision:
    """Whether a claim holds in our runs under one reading, and what decided it."""
    finite = _finite(claim, measured)
    least = min(map(len, finite.values()))
    bounded = [(each, value) for each in claim.of for value in finite[each]]
    against = [f"{name} has {value:.4f}" for name, value in bounded if claim.excess(value) <= 0]
    if claim.always and against:
        return Decision("fails", f"{len(against)} of {len(bounded)} runs: {', '.join(against[:3])}", least)
    few = ", ".join(f"{name} has {len(runs)}" for name, runs in finite.items() if len(runs) < LOOKS[0])
    if few:
        return Decision("undecided", f"too few runs, {LOOKS[0]} are needed: {few}", least)
    if claim.always:
        from scipy.stats import binomtest

        most = binomtest(0, len(bounded), alternative="less").proportion_ci(1 - SIGNIFICANT).high
        reason = f"each of {len(bounded)} runs; with 95 % confidence at most {most:.0%} of all runs do not"
        return Decision("holds" if most < 0.5 else "undecided", reason, least, within=most)
    return _decided(claim, finite, least)


def _finite(claim: Claim, measured: Measured) -> Measured:
    """The claim's figures of each run; the worst of all in place of those of a diverged one."""
    runs = {each: measured.get(each, ()) for each in claim.experiments}
    numbers = [value for values in runs.values() for value in values if math.isfinite(value)]
    worst = max(numbers, default=0.0) if is_loss(claim.figure) else 0.0
    return {id_: [value if math.isfinite(value) else worst for value in values] for id_, values in runs.items()}


def _decided(claim: Claim, measured: Measured, runs: int) -> Decision:
    """The decision by all comparisons: one in the other direction refutes the claim, so those share the chance of it."""
    comparisons, tests = list(_comparisons(claim, measured)), 2 * len(LOOKS)
    against = {each.text: tests * len(comparisons) * (1 - each.above) for each in comparisons}
    refuting = [text for text, chance in against.items() if chance <= SIGNIFICANT]
    if refuting:
        return Decision("fails", "; ".join(refuting), runs, min(against.values()))
    largest = min(1.0, max(tests * each.above for each in comparisons))
    open_ = [each for each in comparisons if tests * each.above > SIGNIFICANT]
    if not open_:
        return Decision("holds", "; ".join(each.text for each in comparisons), runs, largest)
    within = max(each.within for each in open_)
    size = fmean(abs(fmean(values)) for values in measured.values())
    reason = "; ".join(f"{each.text}, apart by at most {each.within:.2g}" for each in open_)
    equal = within <= tolerance(claim.figure, size) and not claim.by and not claim.unsteady
    return Decision("equal" if equal else "undecided", reason, runs, largest, within)


def _comparisons(claim: Claim, measured: Measured) -> Iterator[Comparison]:
    size = f" (claimed: {claim.by:g} at least)" if claim.by else ""
    means = {name: fmean(runs) for name, runs in measured.items()}
    for high, low in claim.pairs:
        text = f"{high} {means[high] - means[low]:+.4f} against {low}{size}"
        yield _compared(text, measured[high], measured[low], claim.by)
    for name in claim.of:
        excess = [claim.excess(value) for value in measured[name]]
        # Against a sample that does not vary, Welch's test is Student's test of one sample.
        yield _compared(f"{name} has {means[name]:.4f}", excess, (0.0, 0.0), 0.0)
    for name in claim.unsteady:
        yield _varies(name, measured[name])


def _compared(text: str, high: Sequence[float], low: Sequence[float], by: float) -> Comparison:
    """Welch's test of two samples, the first one shifted by the claimed size. Samples that do not vary at all differ for sure."""
    from scipy.stats import ttest_ind

    if len({*high}) == len({*low}) == 1:
        difference = high[0] - low[0]
        above = 0.5 if math.isclose(difference, by, abs_tol=1e-12) else float(difference < by)
        return Comparison(text, above, abs(difference))
    shifted = [value - by for value in high]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Precision loss")  # of a sample that does not vary, which is exact
        found = ttest_ind(shifted, low, equal_var=False)
    above = float(found.pvalue / 2 if found.statistic > 0 else 1 - found.pvalue / 2)
    # Two one-sided tests at a level are the interval with twice that level outside (Schuirmann 1987).
    interval = found.confidence_interval(1 - 2 * SIGNIFICANT / len(LOOKS))
    return Comparison(text, above, max(abs(float(end) + by) for end in interval))


def _varies(name: str, runs: Sequence[float]) -> Comparison:
    from scipy.stats import chi2

    own, freedom = deviation(runs), len(runs) - 1
    ratio = freedom * (own / UNSTEADY) ** 2
    most = own * math.sqrt(freedom / chi2.ppf(SIGNIFICANT / len(LOOKS), freedom))
    text = f"{name} has a standard deviation of {own:.4f}"
    return Comparison(text, float(chi2.sf(ratio, freedom)), float(most))
