"""A claim over all common readings: its rows are compared where all of them were run under the same choice of readings, each
choice weighted by its probability.

A claim has the verdict that it has under the most of its common readings, by their probability, as far as these were run
often enough. It *depends on a guess* if it holds under some of them and fails under others, each of 5 % at least. It is *not
comparable* if there is no reading that all of its rows were run under.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tuner.documents.claims import LOOKS, Decision, Judgement, judge_claim
from tuner.documents.document import Choice
from tuner.documents.evidence import Evidence
from tuner.documents.experiment import Claim
from tuner.documents.runs import values_of

RARE = 0.05
"""Readings that are together less probable do not change a verdict."""


@dataclass(frozen=True)
class UnderReading:
    """A claim under one choice of readings that all its rows were run under, and the names of its options and its probability."""

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
        return _mass(each for each in self.under if each.decision.runs >= LOOKS[0])


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
    return JudgedClaim(claim, _overall(claim, under), tuple(under))


def _overall(claim: Claim, under: Sequence[UnderReading]) -> Decision:
    """The verdict over all readings that were run often enough, decided as under the most probable one that agrees."""
    enough = [each for each in under if each.decision.runs >= LOOKS[0]] or under
    if not enough:
        return Decision("not comparable", "no reading that all of its rows were run under")
    by_judgement = {
        judgement: [each for each in enough if each.decision.judgement == judgement]
        for judgement in dict.fromkeys(each.decision.judgement for each in enough)
    }
    largest = max(by_judgement, key=lambda each: _mass(by_judgement[each]))
    shown = max(by_judgement[largest], key=lambda each: each.probability)
    opposite = min(_mass(by_judgement.get(each, ())) for each in ("holds", "fails"))
    guessed = largest == "fails" and claim.guess
    judgement: Judgement = "depends on a guess" if opposite > RARE * _mass(enough) or guessed else largest
    scope = "; ".join(_scope(claim, judgement, enough))
    return replace(shown.decision, judgement=judgement, scope=scope)


def _mass(under: Iterable[UnderReading]) -> float:
    return math.fsum(each.probability for each in under)


def _scope(claim: Claim, judgement: Judgement, enough: Sequence[UnderReading]) -> Iterator[str]:
    """Under which readings the verdict is so, and under which the opposite."""
    same, run = [each for each in enough if each.decision.judgement == judgement], _mass(enough)
    if same and len(enough) > 1:
        share = _percent(_mass(same) / (run or 1.0))
        yield f"under {len(same)} of {len(enough)} readings that were run, with {share} of their probability"
    for decided in ("holds", "fails"):
        those = [each for each in enough if each.decision.judgement == decided != judgement]
        if 0 < len(those) < len(enough):
            yield f"{decided} with {_condition(those, enough)}"
    if 1 - run >= RARE:
        yield f"{_percent(1 - run)} of all probability is on readings with fewer than {LOOKS[0]} runs of each"
    if claim.guess:
        yield f"a guess of ours: {claim.guess}"


def _condition(those: Sequence[UnderReading], among: Sequence[UnderReading]) -> str:
    """The options that only some readings have."""
    columns = [[*dict.fromkeys(names)] for names in zip(*(each.names for each in those), strict=True)]
    every = [{*names} for names in zip(*(each.names for each in among), strict=True)]
    apart = [" or ".join(some) for some, all_ in zip(columns, every, strict=True) if {*some} < all_]
    return ", ".join(apart) or f"{len(those)} of {len(among)} readings"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "less than 1 %"
