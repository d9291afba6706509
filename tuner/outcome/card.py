"""The model card, as Markdown: what a user of the final model must know."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.base.formatting import figure_text, metric_label
from tuner.base.metrics import METRICS, Direction
from tuner.networks import Function
from tuner.networks.layer import input_shape
from tuner.outcome.outcome import Outcome
from tuner.outcome.words import better_sentences
from tuner.recipe import AnyData, Arrays, Cut, Data, Images, Recipe, Table, describe
from tuner.references import ReferenceModel
from tuner.storage import StudyRecord
from tuner.storage.confirmed import Confirmed, looks_text

TASKS = {
    "classification": "classification: one of {count} classes",
    "multi_label": "multi-label classification: each of {count} labels is 0 or 1",
    "regression": "regression of {count} targets",
    "custom": "{count} targets with the loss of the network's function",
}
MOST_NAMES = 20
FEW_OF_A_CLASS = 50
WIDE = 0.1


def card(metadata: Mapping[str, Any]) -> str:
    """The card of a model with this metadata, the content of `best.json`."""
    confirmed, study = Confirmed.from_dict(metadata), str(metadata.get("study", ""))
    references = tuple(ReferenceModel(**each) for each in metadata.get("anchors", ()))
    outcome = Outcome(StudyRecord(study, "", {}, (), ()), None, confirmed, references)
    names = describe(confirmed.recipe.data).classes
    task = TASKS[confirmed.recipe.data.task].format(count=len(names))
    facts = f"Task: {task} ({_listed(names)}). {confirmed.parameters:,} parameters."
    environment = metadata.get("environment", {}).items()
    lines = [f"# {study or 'model'}: a tuned network", "", facts]
    for title, section in (
        ("Data", _data(confirmed.recipe.data)),
        ("Metrics", _metrics(confirmed)),
        ("How it was selected", _selection(confirmed)),
        ("Recipe", _recipe(confirmed.recipe)),
        ("Limits", [f"- {each}" for each in (*limits(confirmed), *better_sentences(outcome))]),
        ("Versions", [f"- {name}: {value}" for name, value in environment if name != "host"]),
        ("Use and replay", _commands(confirmed, study)),
    ):
        lines += ["", f"## {title}", "", *section]
    return "\n".join(lines) + "\n"


def _data(data: AnyData) -> Iterator[str]:
    yield f"- {data.name}, identity `{describe(data).identity}` (a hash of the arrays)"
    yield from (f"- {fact}" for fact in data_facts(data))


def data_facts(data: AnyData) -> Iterator[str]:
    """The sizes of its parts, its test part, its inputs and targets."""
    about = describe(data)
    yield f"{about.training_examples:,} training examples, {about.test_examples:,} test examples"
    if about.task == "classification":
        yield f"{about.rarest:,} training examples of the rarest class"
    yield f"test part: {_test_part(data)}"
    match data:
        case Table():
            columns = [f"{column.name} ({column.kind})" for column in data.columns]
            what = f"the next {data.horizon} of " if data.horizon else ""
            yield f"predicts {what}{', '.join(data.targets)} from {len(columns)} columns: {_listed(columns)}"
        case Images():
            yield f"{'color' if data.color else 'gray'} images of {data.size[0]}×{data.size[1]}"
        case Data() | Arrays():
            yield f"arrays of {'×'.join(map(str, input_shape(about.inputs)))}"


def _test_part(data: AnyData) -> str:
    if isinstance(data, Data):
        return "the test part of the data set"
    if not isinstance(data.test, Cut):
        return data.test
    if not data.test.share:
        return "none"
    share = f"{data.test.share:.0%} of all examples"
    if isinstance(data, Table) and data.time:
        return f"the last {share}, by {data.time}"
    if isinstance(data, Table) and data.group:
        return f"{share}, whole groups of {data.group}, drawn with seed {data.test.seed}"
    return f"{share}, drawn with seed {data.test.seed}"


def _metrics(confirmed: Confirmed) -> list[str]:
    if confirmed.test is None:
        return ["The model was not tested: there is no test part."]
    values = confirmed.figures
    lines = [f"On {confirmed.test_examples:,} test examples, {looks_text(confirmed.looks)}:", ""]
    lines += ["| metric | test | 95 % interval | method | better is |", "|---|---|---|---|---|"]
    for name, value in values.items():
        interval = confirmed.intervals.get(name)
        ends = f"{interval or ''} | {interval.method if interval else ''}"
        better = "higher" if METRICS[name].direction is Direction.MAXIMIZE else "lower"
        lines.append(f"| {metric_label(name)} | {figure_text(value)} | {ends} | {better} |")
    return lines


def _selection(confirmed: Confirmed) -> Iterator[str]:
    metric = metric_label(f"validation_{confirmed.measure}")
    refits = ", ".join(f"{figure_text(each)}" for each in confirmed.validation)
    best = "The search chose by" if confirmed.best_trial is None else f"Trial {confirmed.best_trial} led the search by"
    trials = dict.fromkeys(confirmed.trials or (confirmed.trial,))
    names = f"trial{'s' if len(trials) > 1 else ''} {' and '.join(map(str, trials))}"
    yield f"- {best} {metric}; the test part was not used."
    yield f"- {confirmed.refits_text}, of {names}: {metric} {refits}."
    if confirmed.is_ensemble:
        yield f"- The model averages {confirmed.averaged}{confirmed.views.text}."
    else:
        yield f"- The model is the refit with the best {metric}, of trial {confirmed.trial}."
    if confirmed.calibration_text:
        yield f"- {confirmed.calibration_text}"


def _recipe(recipe: Recipe) -> Iterator[str]:
    training = recipe.training
    loss, schedule, protocol = (
        each.kind.replace("_", " ") for each in (training.loss, training.schedule, recipe.protocol)
    )
    yield f"- {recipe.summary}"
    loss = f"{loss}, " if not (isinstance(recipe.network, Function) and recipe.network.info.compiled) else ""
    yield f"- {loss}{training.epochs} epochs at most, {schedule} learning rate, validated by {protocol}"


def limits(confirmed: Confirmed) -> Iterator[str]:
    """What the test does not show, one sentence for each gap."""
    data, about, interval = confirmed.recipe.data, describe(confirmed.recipe.data), confirmed.test_interval
    yield "The model was tested only on examples from the same source as its training examples."
    if isinstance(data, Table):
        if not data.time:
            yield "No time column was named: its accuracy on later rows is unknown."
        if not data.group:
            yield "No group column was named: related rows, such as those of one person, may be in both parts."
        if any(column.kind in ("category", "text") for column in data.columns):
            yield "Categories and words that are not in the training part are treated as one unknown value."
    if confirmed.looks > 1:
        yield f"The test part was opened {confirmed.looks} times: a choice among the scores of these looks is optimistic."
    if interval and METRICS[confirmed.measure].is_share and interval[1] - interval[0] > WIDE:
        half = f"±{(interval[1] - interval[0]) / 2:.2f}"
        yield f"Its {metric_label(confirmed.measure)} is known only to {half}: there are few test examples."
    if about.task == "classification" and about.rarest < FEW_OF_A_CLASS:
        yield f"The rarest class has only {about.rarest} training examples."
    if about.task not in ("regression", "custom"):
        yield "The calibration of its probabilities was tested by the log loss only."
    yield "Its errors on groups of people were not examined."


def _commands(confirmed: Confirmed, study: str) -> list[str]:
    runs = confirmed.model.parent.parent
    option = "" if runs == Path("runs") else f" --runs {shlex.quote(str(runs))}"
    name = shlex.quote(study)
    return [
        "```console",
        f"$ python -m tuner predict --model {shlex.quote(str(confirmed.model))} --data FILE --out predictions.csv",
        f"$ python -m tuner replay --study {name} --trial {confirmed.trial}{option}    # the same curve again",
        f"$ python -m tuner optimize --study {name}{option}",
        "```",
    ]


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
