"""The answer in a few sentences: the best that was searched, the best that is documented, the difference and the cost."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from tuner.base.formatting import duration_text
from tuner.charts.content import Block, Paragraph, Section, missing
from tuner.data.catalogue import CATALOGUE
from tuner.documents.deviations import NORMAL, deviation
from tuner.outcome.words import reference_sentence, result_sentence
from tuner.report.evidence import Evidence


@dataclass(frozen=True)
class Documented:
    """A documented network: what is reported of it, and our runs."""

    document: str
    experiment: str
    title: str
    reported: float | None
    accuracies: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """Searched minus documented test accuracy with its 95 % interval."""

    value: float
    low: float
    high: float


def answer_section(evidence: Evidence) -> Section:
    """What a reader in a hurry needs."""
    blocks: list[Block] = [Paragraph(sentence, "lead") for sentence in sentences(evidence)]
    if difference(evidence):
        note = "The interval counts the seeds and the test images; both networks saw the same images, as if they were others, so it is rather too wide."
        blocks.append(Paragraph(note, "aside"))
    blocks += [missing(gap) for gap in evidence.gaps]
    return Section("answer", "The answer", tuple(blocks))


def sentences(evidence: Evidence) -> list[str]:
    """The few sentences, as far as there is something to say."""
    outcome = evidence.outcome
    known = [
        result_sentence(outcome),
        reference_sentence(outcome),
        *_documented(evidence),
        _difference_and_cost(evidence),
    ]
    return [each for each in known if each]


def documented(evidence: Evidence) -> Documented | None:
    """The best documented network by our runs' mean test accuracy."""
    return max(_all_documented(evidence), key=lambda each: fmean(each.accuracies), default=None)


def best_reported(evidence: Evidence) -> Documented | None:
    """The network that a document reports the best test accuracy of."""
    known = [each for each in _all_documented(evidence) if each.reported is not None]
    return max(known, key=lambda each: each.reported or 0.0, default=None)


def _all_documented(evidence: Evidence) -> Iterator[Documented]:
    """The networks of the documents; not those that we set beside them, and no ensembles."""
    for document in evidence.documents:
        for row in document.assessment.rows:
            runs = document.chosen(row.experiment.id)
            if row.experiment.added or row.experiment.members > 1 or not runs:
                continue
            if runs[0].recipe["data"]["name"] == evidence.dataset:
                accuracies = tuple(run.figures["test_accuracy"] for run in runs)
                reported = max(row.experiment.told("test_accuracy"), default=None)
                yield Documented(document.name, row.experiment.id, row.experiment.title, reported, accuracies)


def difference(evidence: Evidence) -> Difference | None:
    """How much better the search's winner is than the best documented network, over all seeds of both."""
    best, confirmed = documented(evidence), evidence.confirmed
    if best is None or confirmed is None or not confirmed.tested or confirmed.measure != "accuracy":
        return None
    searched = confirmed.tested
    value = fmean(searched) - fmean(best.accuracies)
    errors = [variance(each, confirmed.test_examples) for each in (searched, best.accuracies)]
    half = NORMAL * math.sqrt(math.fsum(errors))
    return Difference(value, value - half, value + half)


def variance(accuracies: Sequence[float], examples: int) -> float:
    """The squared standard error of a mean accuracy: of the seeds and of the test images."""
    share = fmean(accuracies)
    seeds = deviation(accuracies) ** 2 / len(accuracies) if len(accuracies) > 1 else 0.0
    return share * (1 - share) / examples + seeds


def _documented(evidence: Evidence) -> Iterator[str]:
    best, reported = documented(evidence), best_reported(evidence)
    if best is None:
        if evidence.dataset in CATALOGUE:
            yield "No documented network for this data has been replicated here."
        return
    if reported is not None:
        same = reported.experiment == best.experiment
        yield f"The best accuracy that a document reports is {100 * (reported.reported or 0.0):.2f} % (“{reported.title}” of {reported.document}), {_ours(reported)}{', the best of all documented networks' if same else ''}."
        if same:
            return
    yield f"Of the documented networks “{best.title}” of {best.document} does best here, {_ours(best)}."


def _ours(network: Documented) -> str:
    spread = f" ± {100 * deviation(network.accuracies):.2f}" if len(network.accuracies) > 1 else ""
    runs = f"{len(network.accuracies)} runs" if len(network.accuracies) > 1 else "one run"
    return f"with {100 * fmean(network.accuracies):.2f}{spread} % in {runs} of ours"


def _difference_and_cost(evidence: Evidence) -> str:
    trials = evidence.record.trials
    seconds = math.fsum(trial.result.seconds for trial in trials if trial.result)
    cost = f"{len(trials)} trials with {duration_text(seconds)} of training"
    found = difference(evidence)
    if found is None:
        return f"The search has cost {cost} so far."
    alone = evidence.confirmed is not None and evidence.confirmed.is_ensemble
    what = "Its networks, each alone, are" if alone else "It is"
    better = "better than" if found.low > 0 else "not shown to be better than" if found.high > 0 else "worse than"
    reported, beside = best_reported(evidence), ""
    if reported is not None and reported.reported is not None and evidence.confirmed:
        apart = fmean(evidence.confirmed.tested) - reported.reported
        beside = (
            f" That is {abs(100 * apart):.2f} points {'above' if apart > 0 else 'below'} the best that is reported."
        )
    return (
        f"{what} {better} the best documented network in our runs, by {100 * found.value:+.2f} percentage points "
        f"(95 % interval {100 * found.low:+.2f} to {100 * found.high:+.2f}), for {cost}.{beside}"
    )
