"""A claim over all common readings: its rows are compared where all of them were run under the same choice of readings.

Its verdict is that under most of these readings, by their probability, as far as all rows have three runs under them. It
*depends on a guess* if it holds under some of them and fails under others. Readings with less than 5 % of the probability together
(`RARE`) neither change a verdict nor are named.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tuner.documents.claims import JUDGEMENTS, LOOKS, Decision, judge_claim
from tuner.documents.document import Choice
from tuner.documents.evidence import Evidence
from tuner.documents.experiment import Claim
from tuner.documents.runs import values_of

RARE = 0.05


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
    return JudgedClaim(claim, _overall(claim, under), tuple(under))


def _overall(claim: Claim, under: Sequence[UnderReading]) -> Decision:
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
        scope.append(f"all but settings with {1 - run:.0%} of the probability, which have fewer than {LOOKS[0]} runs")
    if claim.guess:
        scope.append(f"we guessed {claim.guess}")
    return replace(shown.decision, judgement="depends on a guess" if guessed else largest, scope="; ".join(scope))


def _settings(those: Sequence[UnderReading], among: Sequence[UnderReading]) -> str:
    """The options that only these readings have, or how many there are; and their probability."""
    columns = [[*dict.fromkeys(names)] for names in zip(*(each.names for each in those), strict=True)]
    every = [{*names} for names in zip(*(each.names for each in among), strict=True)]
    apart = [" or ".join(some) for some, all_ in zip(columns, every, strict=True) if {*some} < all_]
    share = _probability(those) / _probability(among)
    return f"{', '.join(apart) or f'{len(those)} of {len(among)} settings'} ({share:.0%})"


def _probability(under: Iterable[UnderReading]) -> float:
    return math.fsum(each.probability for each in under)
