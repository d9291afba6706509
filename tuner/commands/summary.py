"""The last lines of `optimize`, and the object that `--json` prints."""

from typing import Any

from tuner.formatting import duration, recipe_in_words
from tuner.search.optimize import Report, SearchOptions
from tuner.storage import hide_password


def as_json(report: Report, options: SearchOptions) -> dict[str, Any]:
    """What came out, for programs. Keys of what is not known yet hold null."""
    best, confirmed, record = report.best, report.confirmed, report.record
    epochs = sum(trial.result.epochs for trial in record.trials if trial.result)
    return {
        "study": record.name,
        "trials": {state: record.count(state) for state in ("complete", "pruned", "refused", "failed")},
        "best": best
        and {
            "number": best.number,
            "value": best.values[0] if len(best.values) == 1 else list(best.values),
            "recipe": best.recipe and best.recipe.to_dict(),
        },
        "validation_accuracy": confirmed and list(confirmed.validation_accuracy),
        "test_accuracy": confirmed and confirmed.test_accuracy,
        "test_interval": confirmed and list(confirmed.test_interval),
        "epochs": epochs,
        "seconds": round(report.seconds, 1),
        "model": confirmed and str(confirmed.model),
        "storage": hide_password(options.storage),
        "ended": report.outcome.ended,
    }


def print_summary(report: Report, options: SearchOptions, browse: str) -> None:
    """Best trial, its figures, where the model is, how to continue, how to browse."""
    print("\n".join([*summary(report), f"continue: {options.command} --more 20", f"browse:   {browse}"]))


def summary(report: Report) -> list[str]:
    """What came of it, line by line."""
    record, best, confirmed = report.record, report.best, report.confirmed
    counts = ", ".join(f"{record.count(state)} {state}" for state in ("complete", "pruned", "failed"))
    counts += f", {record.count('refused')} refused" if record.count("refused") else ""
    lines = [f"study {record.name}: {counts}; {ENDINGS[report.outcome.ended]}; {duration(report.seconds)}"]
    if best is None:
        lines.append(_without_winner(report))
    else:
        assert best.recipe is not None
        values = ", ".join(f"{name} {value:.4g}" for name, value in zip(record.objectives, best.values, strict=True))
        lines.append(f"best trial {best.number}: {values} ({recipe_in_words(best.recipe)})")
    if confirmed:
        figures = ", ".join(f"{figure:.4f}" for figure in confirmed.validation_accuracy)
        low, high = confirmed.test_interval
        lines += [
            f"validation accuracy on {len(confirmed.seeds)} fresh seeds: {figures}",
            f"test accuracy, measured once: {confirmed.test_accuracy:.4f} (95 % interval {low:.4f} to {high:.4f})",
            f"model: {confirmed.model}",
        ]
    elif best and report.outcome.ended != "interrupt":
        lines.append("no trial could be confirmed: trained again they diverge or fail")
    return lines


ENDINGS = {
    "budget": "the budget is spent",
    "timeout": "the time is up",
    "interrupt": "interrupted, everything finished is kept",
    "exhausted": "nothing is left to try",
    "failures": "ended after failures in a row",
}


def _without_winner(report: Report) -> str:
    failed = [trial for trial in report.record.trials if trial.state == "failed" and trial.reason]
    return f"no trial has finished; the last failure: {failed[-1].reason}" if failed else "no trial has finished yet"
