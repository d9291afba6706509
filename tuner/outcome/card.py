"""The model card: what somebody must know of a confirmed model before using it, as Markdown."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.base.formatting import metric_label
from tuner.base.metric_functions import wilson_interval
from tuner.base.metrics import METRICS, Direction
from tuner.networks.shapes import input_shape
from tuner.recipe import Arrays, Cut, Data, Images, Recipe, Table, described
from tuner.storage.confirmed import Confirmed

TASKS = {
    "classification": "classification: one of {count} classes",
    "multi_label": "each of {count} labels holds or not",
    "regression": "regression: how much each of {count} is",
}
MOST_NAMES = 20
FEW_OF_A_CLASS = 50
WIDE = 0.1


def card(papers: Mapping[str, Any]) -> str:
    """The card of a model with these papers, the contents of `best.json`."""
    confirmed = Confirmed.from_dict(papers)
    study = str(papers.get("study", ""))
    about = described(confirmed.recipe.data)
    lines = [f"# {study or 'model'}: a tuned network", "", *_facts(confirmed, about.classes)]
    for title, told in (
        ("Data", _data(confirmed.recipe)),
        ("Figures", _figures(confirmed)),
        ("How it was selected", _selection(confirmed)),
        ("Recipe", _recipe(confirmed)),
        ("Limits", [f"- {each}" for each in limits(confirmed)]),
        ("Versions", [f"- {name}: {value}" for name, value in papers.get("environment", {}).items() if name != "host"]),
        ("To use and to repeat it", _commands(confirmed, study)),
    ):
        lines += ["", f"## {title}", "", *told]
    return "\n".join(lines) + "\n"


def _facts(confirmed: Confirmed, names: Sequence[str]) -> list[str]:
    task = TASKS[confirmed.recipe.data.task].format(count=len(names))
    return [f"Task: {task} ({_listed(names)}). {confirmed.parameters:,} parameters."]


def _data(recipe: Recipe) -> list[str]:
    data, about = recipe.data, described(recipe.data)
    told = [
        f"- {data.name}, identity `{about.identity}` (a hash of all that was read)",
        f"- {about.training_examples:,} training examples, {about.test_examples:,} test examples",
        f"- {about.rarest:,} training examples of the rarest class" if data.task == "classification" else "",
        f"- test part: {_test_part(recipe)}",
    ]
    match data:
        case Table():
            columns = [f"{column.name} ({column.kind})" for column in data.columns]
            told += [f"- tells {', '.join(data.targets)} from {len(columns)} columns: {_listed(columns)}"]
        case Images():
            told += [f"- pictures of {data.size[0]}×{data.size[1]} in {'color' if data.color else 'gray'}"]
        case Data() | Arrays():
            told += [f"- arrays of {'×'.join(map(str, input_shape(about.inputs)))}"]
    return [each for each in told if each]


def _test_part(recipe: Recipe) -> str:
    data = recipe.data
    if isinstance(data, Data):
        return "as the data set has it"
    if not isinstance(data.test, Cut):
        return data.test
    share = f"{data.test.share:.0%} of all examples"
    if isinstance(data, Table) and data.time:
        return f"the last {share}, by {data.time}"
    if isinstance(data, Table) and data.group:
        return f"{share}, whole groups of {data.group}, drawn with seed {data.test.seed}"
    return f"{share}, drawn with seed {data.test.seed}"


def _figures(confirmed: Confirmed) -> list[str]:
    if confirmed.test is None or confirmed.test_interval is None:
        return ["The model was not tested: nothing was held out."]
    told = confirmed.figures
    lines = [f"On {confirmed.test_examples:,} test examples, measured once:", ""]
    lines += ["| figure | test | 95 % interval | better is |", "|---|---|---|---|"]
    intervals = {confirmed.measure: confirmed.test_interval}
    if "accuracy" in told and confirmed.recipe.data.task == "classification":
        intervals = {"accuracy": wilson_interval(told["accuracy"], confirmed.test_examples), **intervals}
    for name, value in told.items():
        around = "{:.4f} to {:.4f}".format(*intervals[name]) if name in intervals else ""
        better = "higher" if METRICS[name].direction is Direction.MAXIMIZE else "lower"
        lines.append(f"| {metric_label(name)} | {value:.4f} | {around} | {better} |")
    return lines


def _selection(confirmed: Confirmed) -> Iterator[str]:
    measure = metric_label(f"validation_{confirmed.measure}")
    seeds = ", ".join(f"{each:.4f}" for each in confirmed.validation)
    yield f"- Trial {confirmed.trial} was the best of its study by {measure}; the test part had no say."
    yield f"- Trained again on {len(confirmed.seeds)} fresh seeds: {measure} {seeds}."
    if confirmed.is_ensemble:
        mirrored = ", over each image and its mirror image" if confirmed.is_mirrored else ""
        yield f"- The model is the average of {len(confirmed.members)} of these networks{mirrored}."
    else:
        yield "- The model is the best of these networks by validation."


def _recipe(confirmed: Confirmed) -> list[str]:
    recipe = confirmed.recipe
    training = recipe.training
    return [
        f"- {recipe.summary}",
        f"- {training.loss.kind.replace('_', ' ')}, {training.epochs} epochs at the most, "
        f"{training.schedule.kind.replace('_', ' ')} learning rate, validated by {recipe.protocol.kind.replace('_', ' ')}",
    ]


def limits(confirmed: Confirmed) -> Iterator[str]:
    """What the model was not tested on, a sentence each."""
    data, about, around = confirmed.recipe.data, described(confirmed.recipe.data), confirmed.test_interval
    yield "It was tested on examples of the same source as those that it learned from, and on no others."
    if isinstance(data, Table):
        yield from _limits_of_rows(data)
    if around and METRICS[confirmed.measure].is_share and around[1] - around[0] > WIDE:
        either_way = f"{(around[1] - around[0]) / 2:.2f} either way"
        yield f"Its {metric_label(confirmed.measure)} is known to {either_way} only: there are few test examples."
    if about.task == "classification" and about.rarest < FEW_OF_A_CLASS:
        yield f"Of the rarest class it has seen {about.rarest} examples."
    if about.task != "regression":
        yield "Whether its probabilities are right as such was not tested beyond the log loss."
    yield "Nobody has looked at how its errors fall on groups of people."


def _limits_of_rows(data: Table) -> Iterator[str]:
    if not data.time:
        yield "No column of time was named: how it does on later rows than these is not known."
    if not data.group:
        yield "No column of groups was named: rows that belong together, of one person say, may stand in both parts."
    if any(column.kind in ("category", "text") for column in data.columns):
        yield "Categories and words that the training part does not have are all one unknown value to it."


def _commands(confirmed: Confirmed, study: str) -> list[str]:
    runs = confirmed.model.parent.parent
    beside = "" if runs == Path("runs") else f" --runs {shlex.quote(str(runs))}"
    name = shlex.quote(study)
    return [
        "```console",
        f"$ python -m tuner predict --model {shlex.quote(str(confirmed.model))} --data FILE --out predictions.csv",
        f"$ python -m tuner replay --study {name} --trial {confirmed.trial}{beside}    # the same curve again",
        f"$ python -m tuner optimize --study {name}{beside}",
        "```",
    ]


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
