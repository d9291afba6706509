"""The runs of a document in one small file, which is kept with the project: each training once, with its figures; the recipes
that they have in common; and which experiment under which reading they are runs of."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.base.errors import TunerError
from tuner.base.writing import write_text
from tuner.documents.document import Document
from tuner.documents.runs import Run

OF_A_TRAINING = ("key", "ended", "seconds", "figures", "every", "curve", "confusion", "regions")


def write_results(path: Path, document: Document, runs: Iterable[Run]) -> None:
    """Keep all runs of a document; the file is there wholly or not at all."""
    ordered = sorted(runs, key=lambda run: run.names)
    environments, recipes = _Numbered(), _Numbered()
    trainings: dict[str, dict[str, Any]] = {}
    variants: dict[tuple[str, str], dict[str, str]] = {}
    for run in ordered:
        plain = run.to_dict()
        trainings[run.key] = {
            **{name: plain[name] for name in OF_A_TRAINING},
            "seed": run.recipe["seed"],
            "recipe": recipes.number({name: part for name, part in run.recipe.items() if name != "seed"}),
            "environment": environments.number(run.environment),
        }
        variants.setdefault((run.experiment, run.reading), {})[str(run.repeat)] = run.key
    head = {
        "title": document.title,
        "seconds": round(sum(each["seconds"] for each in trainings.values()), 1),
        "environments": environments.values,
    }
    lists = {
        "recipes": recipes.values,
        "runs": [{"experiment": name, "reading": reading, "of": of} for (name, reading), of in variants.items()],
        "trainings": [trainings[key] for key in sorted(trainings)],
    }
    write_text(path, _lines(head, lists))


def read_results(path: Path) -> list[Run]:
    """The runs that `write_results` kept; none where there is no file. Raises `TunerError` for another file."""
    if not path.exists():
        return []
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        trainings = {each["key"]: each for each in plain["trainings"]}
        return [
            _run(variant, int(repeat), trainings[key], plain)
            for variant in plain["runs"]
            for repeat, key in variant["of"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        problem = f"{path} does not hold a document's results ({error!r}); move it away, or give another --results"
        raise TunerError(problem) from None


class _Numbered:
    """Values that are kept once and named by their number."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def number(self, value: Mapping[str, Any]) -> int:
        if value not in self.values:
            self.values.append(dict(value))
        return self.values.index(value)


def _run(variant: Mapping[str, Any], repeat: int, training: Mapping[str, Any], plain: Mapping[str, Any]) -> Run:
    return Run.from_dict(
        {
            **{name: training[name] for name in OF_A_TRAINING},
            "experiment": variant["experiment"],
            "reading": variant["reading"],
            "repeat": repeat,
            "recipe": {**plain["recipes"][training["recipe"]], "seed": training["seed"]},
            "environment": plain["environments"][training["environment"]],
        }
    )


def _lines(head: Mapping[str, Any], lists: Mapping[str, Sequence[Any]]) -> str:
    """JSON with an entry on each line: small, and its changes can be read."""
    blocks = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name, entries in lists.items():
        lines = ",\n".join(f"  {json.dumps(entry, separators=(',', ':'))}" for entry in entries)
        blocks.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(blocks) + "\n}\n"
