"""The last lines of `optimize`, and the object that `--json` prints."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tuner.base.formatting import duration_text, metric_label
from tuner.references import ReferenceModel, best_first, better_than
from tuner.result import OBJECTIVES
from tuner.search.optimize import Report, SearchOptions
from tuner.storage import StudyRecord, TrialRecord, hide_password
from tuner.storage.confirmed import Confirmed


def as_json(report: Report, options: SearchOptions) -> dict[str, Any]:
    """What came out, for programs. Keys of what is not known yet hold null."""
    best, confirmed, record = report.best, report.confirmed, report.record
    values = _values(record, best) if best else ()
    measure = confirmed.measure if confirmed else "accuracy"
    epochs = sum(trial.result.epochs for trial in record.trials if trial.result)
    return {
        "study": record.name,
        "trials": {state: record.count(state) for state in ("complete", "pruned", "refused", "failed")},
        "best": best
        and {
            "number": best.number,
            "value": values[0] if len(values) == 1 else list(values),
            "recipe": best.recipe and best.recipe.to_dict(),
        },
        "measure": measure,
        f"validation_{measure}": confirmed and list(confirmed.validation),
        f"test_{measure}": confirmed and confirmed.test,
        "test_interval": confirmed and confirmed.test_interval and list(confirmed.test_interval),
        "anchors": [asdict(each) for each in report.anchors],
        "epochs": epochs,
        "seconds": round(report.seconds, 1),
        "model": confirmed and str(confirmed.model),
        "storage": hide_password(options.storage),
        "ended": report.outcome.ended,
    }


def print_summary(report: Report, browse: str) -> None:
    """Best trial, its figures, where the model is, how to continue, how to browse."""
    print("\n".join([*summary(report), f"continue: {report.record.onward}", f"browse:   {browse}"]))


def summary(report: Report) -> list[str]:
    """What came of it, line by line."""
    record, best, confirmed = report.record, report.best, report.confirmed
    counts = ", ".join(f"{record.count(state)} {state}" for state in ("complete", "pruned", "failed"))
    counts += f", {record.count('refused')} refused" if record.count("refused") else ""
    lines = [f"study {record.name}: {counts}; {ENDINGS[report.outcome.ended]}; {duration_text(report.seconds)}"]
    if best is None:
        lines.append(_without_winner(report))
    else:
        assert best.recipe is not None
        figures = zip(record.objectives, _values(record, best), strict=True)
        values = ", ".join(f"{name} {value:.4g}" for name, value in figures)
        lines.append(f"best trial {best.number}: {values} ({best.recipe.summary})")
        lines += _beside_the_first(record, best, confirmed)
    if confirmed:
        lines += _confirmed(confirmed)
        lines += _beside(confirmed, report.anchors)
        if report.gain:
            gain, low, high = (f"{each:.4f}" for each in (report.gain.value, report.gain.low, report.gain.high))
            lines.append(f"twice the time may be expected to bring about {gain} more ({low} to {high})")
    elif best and report.outcome.ended != "interrupt":
        lines.append("no trial could be confirmed: trained again they diverge or fail")
    return lines


def _beside_the_first(record: StudyRecord, best: TrialRecord, confirmed: Confirmed | None) -> list[str]:
    """How the search did beside the recipe that it began with: in trials of the same time, and trained again for longer."""
    first = next((trial for trial in record.trials if trial.start == 0 and trial.values), None)
    if first is None or len(record.objectives) > 1:
        return []
    name, value = record.objectives[0], first.values[0]
    if first.first == best.first:
        return [f"that is the recipe that it began with: none of {len(record.trials) - 1} others is better"]
    gain = abs(_values(record, best)[0] - value)
    told = (
        f"the recipe that it began with, trial {first.number}: {name} {value:.4g}; the search is better by {gain:.4f}"
    )
    again = confirmed.contenders if confirmed else {}
    own = [figure for (number, _), figures in again.items() if number == first.number for figure in figures]
    others = [figure for (number, _), figures in again.items() if number != first.number for figure in figures]
    if own and others:
        sign = record.direction.sign
        ahead = max(sign * each for each in others) - max(sign * each for each in own)
        told += f", trained again {'better' if ahead > 0 else 'worse'} by {abs(ahead):.4f}"
    return [told]


def _values(record: StudyRecord, trial: TrialRecord) -> tuple[float, ...]:
    """A trial's values; what it has reached, where it has not ended."""
    if trial.values or trial.result is None:
        return trial.values
    return tuple(OBJECTIVES[name].of_result(trial.result) for name in record.objectives)


def _confirmed(confirmed: Confirmed) -> list[str]:
    figure = metric_label(confirmed.measure)
    lines = [f"validation {figure} on {len(confirmed.seeds)} fresh seeds{_by_contender(confirmed)}"]
    if confirmed.is_ensemble and confirmed.model_validation is not None:
        mirrored = " over mirror images, too" if confirmed.is_mirrored else ""
        alone = (
            f"; the best one alone has test {figure} {confirmed.tests[confirmed.best_seed]:.4f}"
            if confirmed.tests
            else ""
        )
        lines.append(
            f"the model averages {len(confirmed.members)} of them{mirrored}, {confirmed.parameters:,} parameters: validation {figure} "
            f"{confirmed.model_validation:.4f}{alone}"
        )
    return [
        *lines,
        confirmed.tested_in_words,
        *_tested_beside(confirmed),
        f"model: {confirmed.model}",
    ]


def _tested_beside(confirmed: Confirmed) -> list[str]:
    """The other figures of the test part, where accuracy is not all that was asked for."""
    others = {name: figure for name, figure in confirmed.test_figures.items() if name != confirmed.measure}
    if confirmed.measure == "accuracy" or not others:
        return []
    return [
        f"on the same examples: {', '.join(f'{metric_label(name)} {figure:.4f}' for name, figure in others.items())}"
    ]


def _beside(confirmed: Confirmed, anchors: Sequence[ReferenceModel]) -> list[str]:
    """Plain models on the same split, the best first; which had not all examples; those that are better; those that were
    skipped, and why."""
    measure, ranked = confirmed.measure, best_first(anchors, confirmed.measure)
    figure = metric_label(measure)
    lines = []
    if ranked:
        told = ", ".join(f"{each.name} {each.figures[measure]:.4f}" for each in ranked)
        lines.append(f"beside it, on the same split: {told} (validation {figure})")
    if any(measure in each.test_figures for each in ranked):
        told = ", ".join(
            f"{each.name} {each.test_figures[measure]:.4f}" for each in ranked if measure in each.test_figures
        )
        lines.append(f"the same, test {figure}: {told}")
    if cut := [f"{each.name} {each.note}" for each in ranked if each.is_subsampled]:
        lines.append(f"of these: {'; '.join(cut)}")
    own = confirmed.best_validation
    lines += [
        f"{each.sentence} better: {each.figures[measure]:.4f} against {own:.4f} (validation {figure})"
        for each in better_than(anchors, measure, own)
    ]
    return [*lines, *(f"{each.name}: {each.note}" for each in anchors if each.is_skipped)]


def _by_contender(confirmed: Confirmed) -> str:
    """Each contender's figures, with its epochs."""
    if len(set(confirmed.trials)) < 2:
        epochs = sorted({each.training.epochs for each in confirmed.recipes})
        length = f", {' or '.join(map(str, epochs))} epochs" if epochs else ""
        return f"{length}: {_listed(confirmed.validation)}"
    told = (
        f"trial {trial} for {epochs} epochs {_listed(each)}" for (trial, epochs), each in confirmed.contenders.items()
    )
    return f": {'; '.join(told)}"


def _listed(figures: Sequence[float]) -> str:
    return ", ".join(f"{figure:.4f}" for figure in figures)


ENDINGS = {
    "budget": "the budget is spent",
    "timeout": "the time is up",
    "interrupt": "interrupted, everything finished is kept",
    "exhausted": "nothing is left to try",
    "enough": "more of it would bring too little",
    "failures": "ended after failures in a row",
}


def _without_winner(report: Report) -> str:
    failed = [trial for trial in report.record.trials if trial.state == "failed" and trial.reason]
    return f"no trial has finished; the last failure: {failed[-1].reason}" if failed else "no trial has finished yet"
