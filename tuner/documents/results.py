"""The runs of a document in one small file, which is kept with the project: each recipe once, its runs below it."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tuner.documents.document import Document
from tuner.documents.runs import Run
from tuner.errors import TunerError

OF_A_RUN = ("key", "repeat", "ended", "seconds", "figures", "every", "curve", "confusion", "regions")


def write_results(path: Path, document: Document, runs: Iterable[Run]) -> None:
    """Keep all runs of a document; the file is there wholly or not at all."""
    ordered = sorted(runs, key=lambda run: run.names)
    environments: list[Mapping[str, str]] = []
    variants = []
    for (experiment, reading), group in groupby(ordered, key=lambda run: (run.experiment, run.reading)):
        own = list(group)
        for run in own:
            if run.environment not in environments:
                environments.append(run.environment)
        kept = [_kept(run, environments.index(run.environment)) for run in own]
        variants.append({"experiment": experiment, "reading": reading, "recipe": dict(own[0].recipe), "runs": kept})
    seconds = {run.key: run.seconds for run in ordered}
    head = {"title": document.title, "seconds": round(sum(seconds.values()), 1), "environments": environments}
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    aside.write_text(_lines(head, variants), encoding="utf-8")
    aside.replace(path)


def read_results(path: Path) -> list[Run]:
    """The runs that `write_results` kept; none where there is no file. Raises `TunerError` for another file."""
    if not path.exists():
        return []
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return [_run(variant, run, plain["environments"]) for variant in plain["variants"] for run in variant["runs"]]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        problem = f"{path} does not hold a document's results ({error!r}); move it away, or give another --results"
        raise TunerError(problem) from None


def _kept(run: Run, environment: int) -> dict[str, Any]:
    plain = run.to_dict()
    return {**{name: plain[name] for name in OF_A_RUN}, "seed": run.recipe["seed"], "environment": environment}


def _run(variant: Mapping[str, Any], kept: Mapping[str, Any], environments: Sequence[Mapping[str, str]]) -> Run:
    return Run.from_dict(
        {
            **{name: kept[name] for name in OF_A_RUN},
            "experiment": variant["experiment"],
            "reading": variant["reading"],
            "recipe": {**variant["recipe"], "seed": kept["seed"]},
            "environment": environments[kept["environment"]],
        }
    )


def _lines(head: Mapping[str, Any], variants: Sequence[Mapping[str, Any]]) -> str:
    """JSON with a run on each line: small, and its changes can be read."""
    blocks = []
    for variant in variants:
        names = ", ".join(
            f"{json.dumps(name)}: {_small(variant[name])}" for name in ("experiment", "reading", "recipe")
        )
        runs = ",\n".join(f"   {_small(run)}" for run in variant["runs"])
        blocks.append(f'  {{{names}, "runs": [\n{runs}\n  ]}}')
    start = json.dumps(head, indent=1)[:-2]
    return f'{start},\n "variants": [\n' + ",\n".join(blocks) + "\n ]\n}\n"


def _small(plain: Any) -> str:
    return json.dumps(plain, separators=(",", ":"))
