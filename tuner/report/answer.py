"""The answer: four main figures, then sentences on the final model, the best documented network, their difference, the cost."""

from collections.abc import Iterator
from statistics import fmean

from tuner.base.formatting import capitalized, duration_text, figure_text, four_digits, metric_label, metric_text
from tuner.base.metrics import METRICS
from tuner.charts.content import Block, Paragraph, Tile, missing
from tuner.documents.comparison import Difference, best_in_our_runs, best_reported, difference, documented_sentences
from tuner.outcome import Outcome
from tuner.outcome.words import reference_sentence, result_sentence, untested_text
from tuner.report.evidence import Evidence
from tuner.storage import StudyRecord
from tuner.storage.confirmed import Confirmed, looks_text


def answer_blocks(evidence: Evidence) -> Iterator[Block]:
    """The main figures, the sentences, how to read their interval, and the gaps in the evidence."""
    if evidence.confirmed:
        yield from tiles(evidence.outcome, evidence.confirmed)
    yield from (Paragraph(sentence, "lead") for sentence in sentences(evidence))
    if difference_of(evidence):
        note = "The interval includes the spread over seeds and the sampling error of the test images. Both networks were tested on the same images, which it ignores: it is rather too wide."
        yield Paragraph(note, "aside")
    yield from map(missing, evidence.gaps)


def tiles(outcome: Outcome, confirmed: Confirmed) -> Iterator[Tile]:
    """The score with its interval, the best reference model, what the search added, and the model's file."""
    metric, label, ranked = confirmed.measure, metric_label(confirmed.measure), outcome.ranked_references
    validation = metric_text(metric, confirmed.best_validation)
    if outcome.test is None or confirmed.interval is None:
        yield Tile(f"Validation {label}", validation, f"it chose the model; {untested_text(confirmed)}")
    else:
        value, low, high = (
            metric_text(metric, each) for each in (outcome.test.value, outcome.test.low, outcome.test.high)
        )
        ends = f"{confirmed.interval.title} {low.removesuffix(' %')} to {high}"
        note = f"{ends}, {confirmed.test_examples:,} test examples, {looks_text(confirmed.looks)}"
        yield Tile(f"Test {label}", value, note)
    if ranked:
        best = ranked[0]
        tested = metric in best.test_figures
        value = metric_text(metric, best.test_figures[metric] if tested else best.figures[metric])
        note = f"{best.name}; on validation {metric_text(metric, best.figures[metric])}, the model {validation}"
        yield Tile(f"Best reference model, {'test' if tested else 'validation'} {label}", value, note)
    yield from _added(outcome)
    size = f"the average of {confirmed.networks} networks, " if confirmed.networks > 1 else ""
    yield Tile("The model", str(confirmed.model), f"{size}{confirmed.parameters:,} parameters")


def _added(outcome: Outcome) -> Iterator[Tile]:
    """The best trial against the recipe that the study began with, or against the first trial that finished."""
    start, best = outcome.start or next(iter(outcome.record.finished), None), outcome.best
    if start is None or best is None:
        return
    objective, rival = next(iter(outcome.best_values)), outcome.rival
    origin = "the recipe that the study began with" if start.start == 0 else "the first that finished"
    name, others = "Added by the search", len(outcome.record.trials) - 1
    if start.first == best.first:
        tried = f"{others} others were tried" if others else "it is the only one"
        nearest = f"; the next best, trial {rival.other.number}, differs by {rival.text}" if rival else ""
        yield Tile(name, "nothing", f"no trial is better than trial {start.number}, {origin}; {tried}{nearest}")
        return
    metric = objective.removeprefix("validation_")
    is_share = metric in METRICS and METRICS[metric].is_share
    before, value = (rival.value, rival.best) if rival else (start.values[0], next(iter(outcome.best_values.values())))
    gain = value - before
    after = outcome.refit_improvement
    refits = (
        "" if after is None else f"; after refitting {'better' if after > 0 else 'worse'} by {figure_text(abs(after))}"
    )
    note = f"{capitalized(metric_label(objective))} {value:.4g} of trial {best.number}, {before:.4g} of trial {start.number}, {origin}{refits}"
    amount = f"{100 * abs(gain):.2f} points" if is_share else four_digits(abs(gain))
    yield Tile(name, f"{amount} {'higher' if gain > 0 else 'lower'}", note)


def sentences(evidence: Evidence) -> list[str]:
    """What the final model reaches, against reference models and documented networks, and what the search cost."""
    outcome = evidence.outcome
    known = documented_sentences(evidence.documents, evidence.dataset)
    result = result_sentence(outcome) if outcome.record.objectives else _best_of_script(outcome.record)
    all_sentences = [result, reference_sentence(outcome), *known, _difference_and_cost(evidence)]
    return [each for each in all_sentences if each]


def _best_of_script(record: StudyRecord) -> str:
    """The best trial of a study that a script made; such a study has no recipes and no refits."""
    if not record.finished:
        return "No trial of this script's study has finished yet."
    best = min(record.finished, key=lambda trial: -record.direction.sign * trial.values[0])
    pairs = ((name, four_digits(each) if isinstance(each, float) else each) for name, each in best.params.items())
    params = ", ".join(f"{name} = {text}" for name, text in pairs)
    return f"The best of {len(record.finished)} finished trials of this script's study is number {best.number}, with a value of {four_digits(best.values[0])}{params and ': '}{params}."


def difference_of(evidence: Evidence) -> Difference | None:
    """How much better the search's winner is than the best documented network."""
    return difference(best_in_our_runs(evidence.documents, evidence.dataset), evidence.confirmed)


def _difference_and_cost(evidence: Evidence) -> str:
    trials, confirmed, better = evidence.record.trials, evidence.confirmed, difference_of(evidence)
    cost = (
        f"{len(trials)} {'trial' if len(trials) == 1 else 'trials'} with {duration_text(evidence.seconds)} of training"
    )
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
