"""How runs of a document are stored: as trials of an Optuna study of the document, and in one file, which is kept with the
project: each training once, the recipes that they share, and the runs of each experiment under each reading."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState, create_trial

from tuner.base.errors import TunerError
from tuner.base.writing import write_text
from tuner.documents.document import Document
from tuner.documents.runs import Run

TRAINING_FIELDS = ("key", "ended", "seconds", "figures", "every", "curve", "confusion", "regions")


def open_baseline(storage: BaseStorage, document: Document) -> optuna.Study:
    """The document's study in the storage, created if it is new."""
    name = f"document: {document.name}"
    study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    if study.user_attrs.get("title") != document.title:
        study.set_user_attr("title", document.title)
    return study


def stored_runs(study: optuna.Study) -> Iterator[Run]:
    """All runs of the document's study."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        yield Run.from_dict(trial.user_attrs["run"])


def store_run(study: optuna.Study, run: Run) -> None:
    """Add a run to its document's study as a trial, with attributes for the dashboard's table."""
    curve = run.curve.get("validation_accuracy") or run.curve["training_accuracy"]
    plain = run.to_dict()
    figures = {name: value if isinstance(value, str) else round(value, 5) for name, value in plain["figures"].items()}
    columns = {"experiment": run.experiment, "reading": run.reading or "first", "repeat": run.repeat}
    study.add_trial(
        create_trial(
            state=TrialState.COMPLETE,
            value=run.figures["test_accuracy"],
            user_attrs={**columns, "seconds": round(run.seconds, 1), **figures, "run": plain},
            intermediate_values={run.every * number: value for number, value in enumerate(curve, start=1)},
        )
    )


def is_of(document: Document, run: Run) -> bool:
    """Whether the document as it is now asks for a run: its experiment and reading exist and give exactly its recipe."""
    if run.experiment not in document.by_id:
        return False
    variant = document.variant(document.by_id[run.experiment], document.choice(run.reading), run.repeat)
    return variant.key == run.key and variant.reading == run.reading


def write_results(path: Path, document: Document, runs: Iterable[Run]) -> None:
    """Write all runs of a document, atomically."""
    environments, recipes = list[Any](), list[Any]()
    trainings, variants = dict[str, dict[str, Any]](), dict[tuple[str, str], dict[str, str]]()
    for run in sorted(runs, key=lambda run: run.names):
        plain = run.to_dict()
        seed = plain["recipe"].pop("seed")
        numbers = {"recipe": _number(recipes, plain["recipe"]), "environment": _number(environments, run.environment)}
        trainings[run.key] = {**{name: plain[name] for name in TRAINING_FIELDS}, "seed": seed, **numbers}
        variants.setdefault((run.experiment, run.reading), {})[str(run.repeat)] = run.key
    seconds = round(sum(each["seconds"] for each in trainings.values()), 1)
    head = {"title": document.title, "seconds": seconds, "environments": environments}
    lists = {
        "recipes": recipes,
        "runs": [{"experiment": name, "reading": reading, "of": of} for (name, reading), of in variants.items()],
        "trainings": [trainings[key] for key in sorted(trainings)],
    }
    write_text(path, _lines(head, lists))


def read_results(path: Path) -> list[Run]:
    """The runs that `write_results` wrote; none where there is no file. Raises `TunerError` for another file."""
    if not path.exists():
        return []
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        trainings = {
            each["key"]: {
                **{name: each[name] for name in TRAINING_FIELDS},
                "recipe": {**plain["recipes"][each["recipe"]], "seed": each["seed"]},
                "environment": plain["environments"][each["environment"]],
            }
            for each in plain["trainings"]
        }
        return [
            Run.from_dict({**trainings[key], **variant, "repeat": int(repeat)})
            for variant in plain["runs"]
            for repeat, key in variant.pop("of").items()
        ]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        problem = f"{path} does not hold a document's results ({error!r}); move it away, or give another --results"
        raise TunerError(problem) from None


def _number(values: list[Any], value: Mapping[str, Any]) -> int:
    """The place of a value in the list, to which a new one is appended."""
    if value not in values:
        values.append(value)
    return values.index(value)


def _lines(head: Mapping[str, Any], lists: Mapping[str, Sequence[Any]]) -> str:
    """JSON with an entry on each line, so that version control shows what changed."""
    blocks = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, entries in lists.items():
        lines = ",\n".join(f"  {json.dumps(entry, separators=(',', ':'))}" for entry in entries)
        blocks.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(blocks) + "\n}\n"
