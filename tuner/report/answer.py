"""The answer in a few sentences: the final model, the best documented network, their difference, and the cost."""

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
    """What the final model reaches, against reference models and documented networks, and what the search cost."""
    outcome = evidence.outcome
    known = documented_sentences(evidence.documents, evidence.dataset)
    all_sentences = [result_sentence(outcome), reference_sentence(outcome), *known, _difference_and_cost(evidence)]
    return [each for each in all_sentences if each]


def difference_of(evidence: Evidence) -> Difference | None:
    """How much better the search's winner is than the best documented network."""
    return difference(best_in_our_runs(evidence.documents, evidence.dataset), evidence.confirmed)


def _difference_and_cost(evidence: Evidence) -> str:
    trials, confirmed, better = evidence.record.trials, evidence.confirmed, difference_of(evidence)
    seconds = math.fsum(trial.result.seconds for trial in trials if trial.result)
    cost = f"{len(trials)} trials with {duration_text(seconds)} of training"
    if better is None or confirmed is None:
        return f"The search has cost {cost} so far."
    subject = "Its networks, each alone, are" if confirmed.is_ensemble else "It is"
    verdict = "better than" if better.low > 0 else "not shown to be better than" if better.high > 0 else "worse than"
    value, *interval = (f"{100 * each:+.2f}" for each in (better.value, better.low, better.high))
    reported, against = best_reported(evidence.documents, evidence.dataset), ""
    if reported and reported.reported is not None:
        gap = 100 * (fmean(confirmed.tested) - reported.reported)
        against = f" That is {abs(gap):.2f} points {'above' if gap > 0 else 'below'} the best that is reported."
    return (
        f"{subject} {verdict} the best documented network in our runs, by {value} percentage points "
        f"(95 % interval {' to '.join(interval)}), for {cost}.{against}"
    )
