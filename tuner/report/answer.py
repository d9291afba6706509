"""The answer in a few sentences: the best that was searched, the best that is documented, the difference and the cost."""

import math
from collections.abc import Iterator
from statistics import fmean

from tuner.base.formatting import duration_text
from tuner.charts.content import Block, Paragraph, missing
from tuner.documents.comparison import Difference, best_in_our_runs, best_reported, difference, documented_sentences
from tuner.outcome.words import reference_sentence, result_sentence
from tuner.report.evidence import Evidence


def answer_blocks(evidence: Evidence) -> Iterator[Block]:
    """The sentences, how to read their interval, and the gaps in the evidence."""
    yield from (Paragraph(sentence, "lead") for sentence in sentences(evidence))
    if difference_of(evidence):
        note = "The interval includes the spread over seeds and the sampling error of the test images. Both networks were tested on the same images, which it ignores: it is rather too wide."
        yield Paragraph(note, "aside")
    yield from map(missing, evidence.gaps)


def sentences(evidence: Evidence) -> list[str]:
    """The few sentences, as far as there is something to say."""
    outcome = evidence.outcome
    known = [
        result_sentence(outcome),
        reference_sentence(outcome),
        *documented_sentences(evidence.documents, evidence.dataset),
        _difference_and_cost(evidence),
    ]
    return [each for each in known if each]


def difference_of(evidence: Evidence) -> Difference | None:
    """How much better the search's winner is than the best documented network."""
    return difference(best_in_our_runs(evidence.documents, evidence.dataset), evidence.confirmed)


def _difference_and_cost(evidence: Evidence) -> str:
    trials = evidence.record.trials
    seconds = math.fsum(trial.result.seconds for trial in trials if trial.result)
    cost = f"{len(trials)} trials with {duration_text(seconds)} of training"
    found = difference_of(evidence)
    if found is None:
        return f"The search has cost {cost} so far."
    alone = evidence.confirmed is not None and evidence.confirmed.is_ensemble
    what = "Its networks, each alone, are" if alone else "It is"
    better = "better than" if found.low > 0 else "not shown to be better than" if found.high > 0 else "worse than"
    reported, beside = best_reported(evidence.documents, evidence.dataset), ""
    if reported is not None and reported.reported is not None and evidence.confirmed:
        apart = fmean(evidence.confirmed.tested) - reported.reported
        beside = (
            f" That is {abs(100 * apart):.2f} points {'above' if apart > 0 else 'below'} the best that is reported."
        )
    return (
        f"{what} {better} the best documented network in our runs, by {100 * found.value:+.2f} percentage points "
        f"(95 % interval {100 * found.low:+.2f} to {100 * found.high:+.2f}), for {cost}.{beside}"
    )
