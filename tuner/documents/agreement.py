"""A claim over all common readings: its rows are compared where all of them were run under the same choice of readings, each
choice weighted by its probability.

A claim has the verdict that it has under the most of its common readings, by their probability, as far as these were run
often enough. It *depends on a guess* if it holds under some of them and fails under others (or seems to hold under one of
too few runs), each of 5 % at least. It is *not comparable* if there is no reading that all of its rows were run under.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tuner.documents.claims import LOOKS, Decision, Judgement, judge_claim
from tuner.documents.document import Choice, Document
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
    under: tuple[UnderReading, ...] = ()


def judge_over_readings(claim: Claim, evidence: Evidence) -> JudgedClaim:
    """A claim under all readings that its rows have in common."""
    document, indices = evidence.document, _concerning(claim, evidence.document)
    found = {each: _decision(claim, evidence, each) for each in document.choices(indices)}
    weights = {each: evidence.probability(each, indices) for each in found}
    total = math.fsum(weights.values()) or 1.0
    under = tuple(
        UnderReading(each, [document.reading[i].name(each[i]) for i in indices], weights[each] / total, decision)
        for each, decision in found.items()
        if decision.runs
    )
    return JudgedClaim(claim, _overall(claim, under), under)


def _concerning(claim: Claim, document: Document) -> list[int]:
    """The readings that change the claim's rows, or its figure."""
    concerned = {index for each in claim.experiments for index in document.concerning[each]}
    options = {index: document.reading[index].options for index in concerned}
    return [i for i in sorted(concerned) if any(each.set or claim.figure in each.measured for each in options[i])]


def _decision(claim: Claim, evidence: Evidence, choice: Choice) -> Decision:
    figure = evidence.document.compared_figures(choice).get(claim.figure, claim.figure)
    rows = (each for each in evidence.document.experiment if each.id in claim.experiments)
    return judge_claim(claim, {each.id: values_of(figure, evidence.reader.runs(each, choice)) for each in rows})


def _overall(claim: Claim, under: Sequence[UnderReading]) -> Decision:
    """The verdict over all readings that were run often enough, decided as under the most probable one that agrees."""
    if not under:
        return Decision("not comparable", "no reading that all of its rows were run under")
    enough = [each for each in under if each.decision.runs >= LOOKS[0]] or under
    masses = {each: _mass(enough, each) for each in dict.fromkeys(each.decision.judgement for each in enough)}
    total = math.fsum(masses.values()) or 1.0
    largest = max(masses, key=lambda each: masses[each])
    shown = max((each for each in enough if each.decision.judgement == largest), key=lambda each: each.probability)
    against = math.fsum(each.probability for each in under if each.decision.leans)
    conflict = min(masses.get("holds", 0.0) + against, masses.get("fails", 0.0)) >= RARE * (total + against)
    guessed = largest == "fails" and bool(claim.guess)
    judgement: Judgement = "depends on a guess" if conflict or guessed else largest
    scope = "; ".join(_scope(claim, judgement, under, enough))
    return replace(shown.decision, judgement=judgement, scope=scope)


def _mass(under: Sequence[UnderReading], judgement: Judgement) -> float:
    return math.fsum(each.probability for each in under if each.decision.judgement == judgement)


def _scope(
    claim: Claim, judgement: Judgement, under: Sequence[UnderReading], enough: Sequence[UnderReading]
) -> Iterator[str]:
    """Under which readings the verdict is so, and under which the opposite."""
    same = [each for each in enough if each.decision.judgement == judgement]
    run = math.fsum(each.probability for each in enough)
    if len(same) == len(enough) > 1:
        yield f"under every reading that was run often enough ({len(enough)})"
    elif same and len(enough) > 1:
        share = _mass(enough, judgement) / (run or 1.0)
        yield f"under most readings ({len(same)} of {len(enough)}, probability {share:.2g})"
    for decided in ("holds", "fails"):
        those = [each for each in enough if each.decision.judgement == decided != judgement]
        if 0 < len(those) < len(enough):
            yield f"{decided} only if {_condition(those, enough)}"
    leaning = [each for each in under if each.decision.leans]
    if judgement == "depends on a guess" and leaning:
        yield f"may hold if {_condition(leaning, under)}: too few runs"
    if 1 - run >= RARE:
        yield f"readings of probability {1 - run:.2g} were not run often enough"
    if claim.guess:
        yield f"a guess of ours: {claim.guess}"


def _condition(those: Sequence[UnderReading], among: Sequence[UnderReading]) -> str:
    """The options that only some readings have."""
    columns = [[*dict.fromkeys(names)] for names in zip(*(each.names for each in those), strict=True)]
    every = [{*names} for names in zip(*(each.names for each in among), strict=True)]
    apart = [" or ".join(some) for some, all_ in zip(columns, every, strict=True) if {*some} < all_]
    return ", ".join(apart) or f"{len(those)} of {len(among)} readings"
