"""The answer in three sentences: the best that was searched, the best that is documented, the difference and the cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tuner.documents.deviations import NORMAL, deviation
from tuner.formatting import duration
from tuner.networks import network_in_words
from tuner.report.content import Block, Paragraph, Section, missing
from tuner.report.evidence import Evidence


@dataclass(frozen=True)
class Documented:
    """The documented network that does best in our runs."""

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
    if evidence.confirmed and documented(evidence):
        note = "The interval counts the seeds and the test images; both networks saw the same images, as if they were others, so it is rather too wide."
        blocks.append(Paragraph(note, "aside"))
    blocks += [missing(gap) for gap in evidence.gaps]
    return Section("answer", "The answer", tuple(blocks))


def sentences(evidence: Evidence) -> list[str]:
    """The three sentences, as far as there is something to say."""
    return [_searched(evidence), _documented(evidence), _difference_and_cost(evidence)]


def documented(evidence: Evidence) -> Documented | None:
    """The best documented network by our runs' mean test accuracy."""
    found = []
    for document in evidence.documents:
        for row in document.assessment.rows:
            runs = document.chosen(row.experiment.id)
            if runs and runs[0].recipe["data"]["name"] == evidence.dataset:
                accuracies = tuple(run.figures["test_accuracy"] for run in runs)
                told = row.experiment.told("test_accuracy")
                reported = fmean(told) if told else None
                found.append(Documented(document.name, row.experiment.id, row.experiment.title, reported, accuracies))
    return max(found, key=lambda each: fmean(each.accuracies), default=None)


def difference(evidence: Evidence) -> Difference | None:
    """How much better the search's winner is than the best documented network, over all seeds of both."""
    best, confirmed = documented(evidence), evidence.confirmed
    if best is None or confirmed is None:
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


def _searched(evidence: Evidence) -> str:
    confirmed, best = evidence.confirmed, evidence.record.best
    if confirmed is None:
        if best is None:
            return "The search has not finished a trial yet."
        values = ", ".join(
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in zip(evidence.record.objectives, best.values, strict=False)
        )
        return f"The best trial so far is number {best.number} ({values}); no winner is confirmed yet."
    seeds = confirmed.test_accuracies
    each = "each network alone" if confirmed.is_ensemble else "on average"
    over = f", {100 * fmean(seeds):.2f} % {each} over {len(seeds)} fresh seeds" if len(seeds) > 1 else ""
    low, high = confirmed.test_interval
    what = f"The best network that the search found, a {network_in_words(confirmed.recipe.network)} one,"
    if confirmed.is_ensemble:
        what = f"The model that the search found, the average of {len(confirmed.members)} networks, the best of them a {network_in_words(confirmed.recipe.network)} one,"
    return (
        f"{what} classes "
        f"{100 * confirmed.test_accuracy:.2f} % of the test set right (95 % interval {100 * low:.2f} to {100 * high:.2f} %){over}."
    )


def _documented(evidence: Evidence) -> str:
    best = documented(evidence)
    if best is None:
        return "No documented network for this data has been replicated here."
    told = f"is reported at {100 * best.reported:.2f} % and reaches" if best.reported is not None else "reaches"
    spread = f" ± {100 * deviation(best.accuracies):.2f}" if len(best.accuracies) > 1 else ""
    runs = f"{len(best.accuracies)} runs" if len(best.accuracies) > 1 else "one run"
    return f"The best documented network, “{best.title}” of {best.document}, {told} {100 * fmean(best.accuracies):.2f}{spread} % in {runs} of ours."


def _difference_and_cost(evidence: Evidence) -> str:
    trials = evidence.record.trials
    seconds = math.fsum(trial.result.seconds for trial in trials if trial.result)
    cost = f"{len(trials)} trials with {duration(seconds)} of training"
    found = difference(evidence)
    if found is None:
        return f"The search has cost {cost} so far."
    return (
        f"That is a difference of {100 * found.value:+.2f} percentage points "
        f"(95 % interval {100 * found.low:+.2f} to {100 * found.high:+.2f}), for {cost}."
    )
