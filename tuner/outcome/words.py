"""The outcome of a study as text: lines for a terminal, one object for `--json`, a note for optuna-dashboard, sentences."""

from collections.abc import Iterator
from dataclasses import asdict
from statistics import fmean
from typing import Any

import optuna

from tuner.base.formatting import capitalized, duration_text, figure_text, metric_label, metric_text, with_article
from tuner.networks import network_summary
from tuner.outcome.outcome import ENDINGS, Outcome
from tuner.recipe import Views
from tuner.references import ReferenceModel
from tuner.storage import hide_password
from tuner.storage.confirmed import Confirmed, looks_text
from tuner.storage.notes import write_notes
from tuner.storage.trainings import DUPLICATE, StoredTraining, trainings_of
from tuner.study import StudyFile


def lines(outcome: Outcome) -> Iterator[str]:
    """The study line by line: what was tried, what won and by how much, its metrics, the reference models, the forecast."""
    yield from search_lines(outcome)
    if outcome.confirmed:
        yield from _confirmed_lines(outcome, outcome.confirmed)
        yield from _reference_lines(outcome, outcome.confirmed)
    elif outcome.leader:
        yield f"this worker has nothing left to train; {outcome.leader} goes on and confirms the winner"
    elif outcome.best and outcome.ended not in ("", "interrupt"):
        yield "no trial could be confirmed: the refits diverge or fail"
    if outcome.forecast:
        yield f"expected gain from twice the time: {outcome.forecast}"
    yield from better_sentences(outcome)


def search_lines(outcome: Outcome) -> Iterator[str]:
    """The trials: how many, the best one, and how much it is better than the first."""
    record, best = outcome.record, outcome.best
    counts = [f"{record.count(state)} {state}" for state in ("complete", "pruned", "failed")]
    counts += [f"{count} {state}" for state in ("interrupted", "refused") if (count := record.count(state))]
    ended = f"; {ENDINGS[outcome.ended]}; {duration_text(outcome.seconds)}" if outcome.ended else ""
    yield f"study {record.name}: {', '.join(counts)}{ended}"
    if best is None:
        reasons = [trial.reason for trial in record.trials if trial.state == "failed" and trial.reason]
        yield f"no trial has finished; the last failure: {reasons[-1]}" if reasons else "no trial has finished yet"
    else:
        assert best.recipe is not None
        values = ", ".join(f"{metric_label(name)} {value:.4g}" for name, value in outcome.best_values.items())
        after = f" after {best.length:.3g} epoch{'' if best.length == 1 else 's'}" if best.epochs else ""
        yield f"best trial {best.number}: {values}{after} ({best.recipe.summary})"
        recipes = outcome.confirmed.recipes if outcome.confirmed else ()
        longest = max((each.training.epochs for each in recipes), default=0)
        if 0 < best.length < longest:
            yield f"trials compare recipes after few epochs; refits train up to {longest}, the model's metrics are theirs"
        yield from _start_lines(outcome)


def as_json(outcome: Outcome, storage: str) -> dict[str, Any]:
    """The study for programs. What is not known yet is null."""
    best, confirmed, record = outcome.best, outcome.confirmed, outcome.record
    values = list(outcome.best_values.values())
    metric = confirmed.measure if confirmed else "accuracy"
    return {
        "study": record.name,
        "trials": {state: record.count(state) for state in ("complete", "pruned", "interrupted", "refused", "failed")},
        "best": best
        and {
            "number": best.number,
            "value": values[0] if len(values) == 1 else values,
            "epochs": best.epochs,
            "recipe": best.recipe and best.recipe.to_dict(),
        },
        "measure": metric,
        "model_validation": confirmed and confirmed.best_validation,
        f"validation_{metric}": confirmed and list(confirmed.validation),
        f"test_{metric}": confirmed and confirmed.test,
        "test_interval": confirmed and confirmed.test_interval and list(confirmed.test_interval),
        "interval_method": confirmed and confirmed.interval and confirmed.interval.method,
        "test_looks": confirmed and confirmed.looks,
        "anchors": [asdict(each) for each in outcome.reference_models],
        "better_anchors": {each.name: list(outcome.better_parts(each)) for each in outcome.better_references},
        "epochs": sum(trial.result.epochs for trial in record.trials if trial.result),
        "seconds": round(outcome.seconds, 1),
        "model": confirmed and str(confirmed.model),
        "storage": hide_password(storage),
        "ended": outcome.ended,
    }


def write_note(study: optuna.Study, file: StudyFile, outcome: Outcome) -> None:
    """Replace the note that optuna-dashboard shows with a study: its title, its method, the lines, how to continue."""
    from optuna_dashboard import save_note

    search, objectives = file.search, ", ".join(file.objectives)
    method = f"Optimizes **{objectives}** with `{search.sampler.kind}` sampling and `{search.pruner.kind}` pruning."
    known = "".join(f"- {line}\n" for line in lines(outcome))
    waiting = "" if outcome.confirmed else "\nNo winner is confirmed yet.\n"
    trials = study.get_trials(deepcopy=False)
    duplicates = [StoredTraining((each,)) for each in trials if each.user_attrs.get("ended") == DUPLICATE]
    write_notes(study, [*trainings_of(trials), *duplicates])
    segments = segments_sentence(outcome)
    save_note(
        study, f"# {file.title}\n\n{method}\n\n{known}\n{segments}\n{waiting}\nContinue: `{outcome.record.onward}`"
    )


def segments_sentence(outcome: Outcome) -> str:
    """Why optuna-dashboard counts other trials than these texts do; empty where it does not."""
    trainings, trials = len(outcome.record.trials), sum(len(each.numbers) or 1 for each in outcome.record.trials)
    if trials == trainings and not outcome.record.count("interrupted"):
        return ""
    return (
        f"The dashboard counts trials ({trials}), this text trainings ({trainings}): one that pauses (there: Pruned) or is "
        "interrupted (there: Fail) continues as another trial. A note on each such trial says so."
    )


def result_sentence(outcome: Outcome) -> str:
    """What the final model reaches, as a sentence; before there is one, what the best trial reaches."""
    confirmed = outcome.confirmed
    if confirmed is None:
        if outcome.best is None:
            return "The search has not finished a trial yet."
        values = ", ".join(f"{metric_label(name)} {value:.4g}" for name, value in outcome.best_values.items())
        return f"The best trial so far is number {outcome.best.number} ({values}); no winner is confirmed yet."
    network, metric = f"{with_article(network_summary(confirmed.recipe.network))} network", confirmed.measure
    average = f"the average of {confirmed.networks} networks (the best is {network})"
    model = f"The final model, {average if confirmed.networks > 1 else network},"
    if outcome.test is None:
        value = metric_text(metric, confirmed.best_validation)
        return (
            f"{model} has a validation {metric_label(metric)} of {value}, which chose it; {untested_text(confirmed)}."
        )
    low, high = (metric_text(metric, end) for end in (outcome.test.low, outcome.test.high))
    title = confirmed.interval.title if confirmed.interval else ""
    value, interval = metric_text(metric, outcome.test.value), f"({title} {low.removesuffix(' %')} to {high})"
    tests = confirmed.tests
    mean = f"; the mean of the {len(tests)} refits is {metric_text(metric, fmean(tests))}" if len(tests) > 1 else ""
    looks = f" That is {looks_text(confirmed.looks)}." if confirmed.looks > 1 else ""
    if metric == "accuracy" and confirmed.recipe.data.task == "classification":
        return f"{model} classifies {value} of the test part correctly {interval}{mean}.{looks}"
    return f"{model} has a test {metric_label(metric)} of {value} {interval}{mean}.{looks}"


def untested_text(confirmed: Confirmed) -> str:
    """Why there is no test metric: no test part, or one of a single class where the metric needs two."""
    undefined = f"the test {metric_label(confirmed.measure)} is not defined on these test examples"
    return "there is no test part: nothing was tested" if confirmed.test is None else undefined


def reference_sentence(outcome: Outcome) -> str:
    """The best reference model compared with the final model; empty where there is none."""
    best = next(iter(outcome.ranked_references), None)
    return "" if best is None else f"Of the reference models, {best.sentence} best. {_comparison(outcome, best)}"


def better_sentences(outcome: Outcome) -> Iterator[str]:
    """For each reference model that is better than the final model: on which parts, and by which figures."""
    return (_comparison(outcome, each) for each in outcome.better_references)


def _comparison(outcome: Outcome, model: ReferenceModel) -> str:
    confirmed, parts = outcome.final, outcome.better_parts(model)
    metric, value, own = confirmed.measure, model.figures[confirmed.measure], confirmed.best_validation
    pairs = [f"validation {metric_label(metric)} {figure_text(value)} against {figure_text(own)}"]
    if metric in model.test_figures and outcome.test:
        pairs.append(f"test {figure_text(model.test_figures[metric])} against {figure_text(outcome.test.value)}")
    near = "; on validation within one standard error" if abs(value - own) <= model.error else ""
    where = f"better than the final model on {' and '.join(parts)}" if parts else "not better than the final model"
    return f"{capitalized(model.sentence)} {where}: {', '.join(pairs)}{near}."


def _start_lines(outcome: Outcome) -> Iterator[str]:
    """How much the search improved on the recipe that the study began with: in trials, and after refitting."""
    start, best, rival = outcome.start, outcome.best, outcome.rival
    if start is None or best is None:
        return
    if start.first == best.first:
        beaten = (
            f"the search did not beat it ({len(outcome.record.trials) - 1} others tried)"
            if rival
            else "no other was tried"
        )
        nearest = f"; the next best, trial {rival.other.number}, differs by {rival.text}" if rival else ""
        yield f"it is the recipe that the study began with: {beaten}{nearest}"
        return
    assert rival is not None
    first = f"trial {start.number}: {metric_label(next(iter(outcome.best_values)))} {rival.value:.4g}"
    is_better, gain = outcome.record.direction.is_better(rival.best, rival.value), outcome.refit_improvement
    text = "" if gain is None else f", after refitting {'better' if gain > 0 else 'worse'} by {figure_text(abs(gain))}"
    verdict = f"the search is {'better' if is_better else 'worse'} by {rival.text}{text}"
    yield f"the recipe that the study began with, {first}; {verdict}"


def refit_lines(confirmed: Confirmed) -> Iterator[str]:
    """The refits, and what the final model averages."""
    metric = metric_label(confirmed.measure)
    yield f"{confirmed.refits_text}{_refits(confirmed, metric)}"
    if confirmed.is_ensemble and confirmed.model_validation is not None:
        size = f"{confirmed.parameters:,} parameters, validation {metric} {figure_text(confirmed.model_validation)}"
        tests = confirmed.tests if len(confirmed.members) > 1 or confirmed.views != Views() else ()
        alone = f"; the best refit alone has test {metric} {figure_text(tests[confirmed.best_seed])}" if tests else ""
        yield f"the final model averages {confirmed.averaged}{confirmed.views.text}: {size}{alone}"
    if confirmed.calibration_text:
        yield confirmed.calibration_text.removesuffix(".").replace("Its", "its", 1)


def _confirmed_lines(outcome: Outcome, confirmed: Confirmed) -> Iterator[str]:
    yield from refit_lines(confirmed)
    test, metric = outcome.test, metric_label(confirmed.measure)
    measured, interval = f"test {metric}, {looks_text(confirmed.looks)}", confirmed.interval
    yield (
        f"{measured}: {figure_text(test.value)} ({interval.title} {interval})"
        if test and interval
        else untested_text(confirmed)
    )
    others = {name: value for name, value in confirmed.test_figures.items() if name != confirmed.measure}
    if others and confirmed.measure != "accuracy":
        yield f"other test metrics: {', '.join(f'{metric_label(name)} {figure_text(value)}' for name, value in others.items())}"
    yield f"model: {confirmed.model}"


def _refits(confirmed: Confirmed, metric: str) -> str:
    """The validation metric of each refit; with several contenders by trial."""
    if len(set(confirmed.trials)) < 2:
        epochs = sorted({each.training.epochs for each in confirmed.recipes})
        length = f", {' or '.join(map(str, epochs))} epochs" if epochs else ""
        return f"{length}: validation {metric} {', '.join(map(figure_text, confirmed.validation))}"
    by_trial = (
        f"{', '.join(map(figure_text, values))} (trial {trial}, {epochs} epochs)"
        for (trial, epochs), values in confirmed.contenders.items()
    )
    return f": validation {metric} {', '.join(by_trial)}"


def _reference_lines(outcome: Outcome, confirmed: Confirmed) -> Iterator[str]:
    metric, ranked = confirmed.measure, outcome.ranked_references
    name = metric_label(metric)
    for part, values in (
        ("validation", [(each.name, each.figures[metric]) for each in ranked]),
        ("test", [(each.name, each.test_figures[metric]) for each in ranked if metric in each.test_figures]),
    ):
        if values:
            yield f"reference models, {part} {name}: {', '.join(f'{model} {figure_text(value)}' for model, value in values)}"
    if notes := [f"{each.name} {each.note}" for each in ranked if each.is_subsampled]:
        yield f"not on all examples: {'; '.join(notes)}"
    if skipped := [f"{each.name}: {each.note}" for each in outcome.reference_models if each.is_skipped]:
        yield "; ".join(skipped)
