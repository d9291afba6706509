"""What a study has found, on standard output: its outcome at the end of a search, its trials, models and parameters."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from pprint import pformat
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tuner.base.errors import StudyError
from tuner.base.formatting import metric_label
from tuner.commands.arguments import RUNS, Runs, Storage, StoredStudy, command_line, stored_outcome, stored_study
from tuner.commands.terminal import console, print_frame, wrapped

if TYPE_CHECKING:
    import pandas as pd

    from tuner.outcome import Outcome
    from tuner.storage import StudyRecord, TrialRecord

Rows = Annotated[Literal["table", "csv", "json"], typer.Option(metavar="FORMAT", help="table, csv or json.")]
FORMATS = "table, csv, json (one trial with its curve); toml (a study file), python: one recipe, by default the best."


def trials(
    study: StoredStudy,
    trial: Annotated[str, typer.Option(metavar="N|best", help="Only this trial, whole.")] = "",
    format: Annotated[
        Literal["table", "csv", "json", "toml", "python"], typer.Option(metavar="FORMAT", help=FORMATS)
    ] = "table",
    runs: Runs = RUNS,
    storage: Storage = None,
) -> None:
    """List the trials of a study, or print one: as a table, CSV, JSON, a study file, Python code."""
    from tuner.python.tuned import Tuned

    tuned = Tuned(stored_outcome(study, runs, storage))
    frame = tuned.trials
    if not trial and format in ("table", "csv", "json"):
        whole = frame if tuned.record.objectives else frame.dropna(axis=1, how="all")
        print_frame(frame.loc[:, :"seconds"] if format == "table" and tuned.record.objectives else whole, format)
        return
    one = trial_of(tuned.record, trial or "best")
    facts = frame[frame["number"] == one.number].dropna(axis=1)
    recipe, result = (each.to_dict() if each else {} for each in (one.recipe, one.result))
    match format:
        case "toml":
            print("\n".join(toml(study_without_holes(tuned.record, one, recipe))))
        case "python":
            print(f"# Trial {one.number} of the study {study}; examples/one_recipe.py shows how to train a recipe.")
            print(
                f"from tuner.recipe import Recipe\n\nRECIPE = Recipe.from_dict(\n{pformat(recipe, sort_dicts=False)}\n)"
            )
        case "json":
            known = json.loads(facts.to_json(orient="records"))[0]
            print(json.dumps({**known, "reason": one.reason, "recipe": recipe, "result": result}))
        case _:
            whole = facts.T.reset_index().set_axis(["", f"trial {one.number}"], axis=1)
            print_frame(whole if format == "table" else facts, format)


def leaderboard(study: StoredStudy, format: Rows = "table", runs: Runs = RUNS, storage: Storage = None) -> None:
    """Compare the final model, its refits and the reference models, best on validation first."""
    print_frame(models(stored_outcome(study, runs, storage)), format)


def importance(study: StoredStudy, format: Rows = "table", runs: Runs = RUNS, storage: Storage = None) -> None:
    """Print how much each parameter matters for the objective, compared with what chance reaches."""
    import pandas as pd

    from tuner.report.importance import FEWEST, METHOD, ended_trials, importances
    from tuner.storage import study_record
    from tuner.storage.trainings import trainings_of

    stored = stored_study(study, runs, storage)
    ended = ended_trials(trainings_of(stored.get_trials(deepcopy=False)))
    weights = importances(ended, study_record(stored).direction)
    if not weights:
        raise StudyError(f"importances need {FEWEST} finished or pruned trials with parameters; {study!r} has fewer")
    print_frame(pd.DataFrame({**vars(each), "times chance": each.times_chance(each.value)} for each in weights), format)
    if format == "table":
        print(f"{METHOD}. low, high: 90 % of resampled trials. What is below 1 times chance may be chance.")


def print_outcome(outcome: "Outcome", runs: Path, storage: str | None, artifacts: str = "") -> None:
    """Print what came of a search and how to go on. A terminal gets a box, a table and lines broken at blanks only."""
    from rich.panel import Panel

    from tuner.outcome import words

    out, record, shared = console(), outcome.record, {"runs": runs, "storage": storage, "artifacts": artifacts}
    steps = {"continue": record.onward, "browse": command_line("dashboard", **shared)}
    text = list(words.lines(outcome))
    if out.is_terminal and (confirmed := outcome.confirmed):
        sentences = filter(None, (words.result_sentence(outcome), words.reference_sentence(outcome)))
        box = "\n\n".join(wrapped(each, out.width - 4, indent="") for each in sentences)
        style = "yellow" if outcome.better_references else "green"
        out.print(Panel(box, title=record.title or record.name, border_style=style), markup=False)
        print_frame(models(outcome, refits=False))
        out.print()
        text = [*words.search_lines(outcome), *words.refit_lines(confirmed)]
        text += [f"expected gain from twice the time: {outcome.forecast}"] if outcome.forecast else []
        text += [each for each in words.better_sentences(outcome) if each not in words.reference_sentence(outcome)]
        predict = command_line("predict", model=confirmed.model, data="FILE", out="-")
        report = command_line("report", study=record.name, **shared)
        steps = {"model": str(confirmed.model), "predict": predict, "report": report, **steps}
    for line in text:
        out.print(wrapped(line, out.width) if out.is_terminal else line, markup=False, soft_wrap=True)
    for name, step in steps.items():
        end = "\n  " if 10 + len(step) > out.width else " "  # a long one has a line of its own
        out.print(f"{name}:".ljust(9), style="bold cyan", end=end)
        out.print(step, markup=False, soft_wrap=True)


def models(outcome: "Outcome", *, refits: bool = True) -> "pd.DataFrame":
    """The final model, its `refits` and the reference models by their validation metric, the best first. Raises `StudyError` while
    there is no final model."""
    import pandas as pd

    best = outcome.final
    about = f"average of {best.averaged}" if best.is_ensemble else f"a refit of trial {best.trial}"
    rows: list[tuple[Any, ...]] = [("final model", best.best_validation, best.test, about)]
    for place, (trial, recipe) in enumerate(zip(best.trials, best.recipes, strict=False)) if refits else ():
        test = best.tests[place] if best.tests else None
        about = f"trial {trial}, seed {recipe.seed}, {recipe.training.epochs} epochs"
        rows.append((f"refit {place + 1}", best.validation[place], test, about))
    for each in outcome.reference_models:
        rows.append((each.name, each.figures.get(best.measure), each.test_figures.get(best.measure), each.note))
    metric = metric_label(best.measure)
    frame = pd.DataFrame(rows, columns=["model", f"validation {metric}", f"test {metric}", "note"])
    return frame.sort_values(frame.columns[1], ascending=best.direction.sign < 0, kind="stable")


def trial_of(record: "StudyRecord", name: str) -> "TrialRecord":
    """The trial with this number, or the `best`. Raises `StudyError` where there is none."""
    known = (each for each in record.trials if name in map(str, each.numbers))
    one = record.best if name == "best" else next(known, None)
    if one is None:
        raise StudyError(f"the study {record.name!r} has no trial {name}; it has {len(record.trials)}")
    return one


def study_without_holes(record: "StudyRecord", trial: "TrialRecord", recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A study file, as nested data, that trains this recipe only. Paths of own data are those of the study's own file."""
    if not recipe:
        raise StudyError(f"trial {trial.number} of {record.name!r} has no recipe: it is {trial.state}")
    data = {name: value for name, value in recipe["data"].items() if name != "found"}
    settings = {
        "objective": list(record.objectives),
        "budget": {"trials": 1, "epochs": "fixed"},
        "search": {"pruner": "none"},
    }
    return {"title": f"Trial {trial.number} of {record.name}", **settings, "recipe": {**recipe, "data": data}}


def toml(plain: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Nested data as lines of TOML, each with the whole address of its value."""
    for name, value in plain.items():
        address = place + (name if name.isidentifier() and name.isascii() else _inline(name))
        if isinstance(value, dict) and value:
            yield from toml(value, f"{address}.")
        else:
            yield f"{address} = {_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(toml(value))} }}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
