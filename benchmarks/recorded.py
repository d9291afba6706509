"""Recorded learning curves: one JSON line for each recipe and for each training, in `benchmarks/curves/SET.jsonl`."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

SHARES = (256, 64, 16, 4, 1)
"""The lengths of trainings: the longest of the set divided by so much."""


@dataclass(frozen=True)
class Look:
    """One training of a recipe at 1/`share` of the longest length: its error and its log loss at the best temperature on the whole
    validation part and on two halves of it (of numeric targets 1 - R² is both), the examples that it trained, and its seconds on
    one thread without building and tracing. A training that diverged has the error of a guess."""

    share: int
    seed: int
    length: float
    examples: int
    errors: tuple[float, float, float]
    losses: tuple[float, float, float]
    seconds: float


@dataclass(frozen=True)
class Candidate:
    """A recorded recipe. `at` are its answers by the addresses of their holes: numbers as places in their range, 0 to 1, choices
    as texts. Building and tracing its graph takes `overhead` seconds, taking the graph from the cache `begin` seconds."""

    name: str
    at: Mapping[str, float | str]
    parameters: int
    overhead: float
    begin: float
    looks: tuple[Look, ...]

    def look(self, share: int, seed: int = 0) -> Look | None:
        """Its training of this length; None if that was not recorded."""
        return next((each for each in self.looks if (each.share, each.seed) == (share, seed)), None)


@dataclass(frozen=True)
class Recording:
    """All that was recorded on one set."""

    name: str
    candidates: tuple[Candidate, ...]

    @cached_property
    def is_regression(self) -> bool:
        """Whether the errors are 1 - R²."""
        return all(look.errors == look.losses for each in self.candidates for look in each.looks)

    def complete(self, fewest: int) -> tuple[int, tuple[Candidate, ...]]:
        """The longest length that at least `fewest` recipes have, as a share, and the recipes that have it."""
        for share in reversed(SHARES):
            having = tuple(each for each in self.candidates if each.look(share))
            if len(having) >= fewest:
                return share, having
        return SHARES[0], ()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a recording; one that was cut off while it was written is left out."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add one line to a recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")


def read(path: Path) -> Recording:
    """The recording in a file."""
    lines = list(read_lines(path))
    trainings: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if "share" in line and "errors" in line:
            trainings.setdefault(line["recipe"], []).append(line)
    recipes = {line["recipe"]: line for line in lines if "at" in line}
    worst = _worst([look for each in trainings.values() for look in each])
    return Recording(
        path.stem,
        tuple(_candidate(recipes[name], looks, worst) for name, looks in trainings.items() if _overhead(looks)),
    )


def _candidate(recipe: Mapping[str, Any], looks: Sequence[Mapping[str, Any]], worst: Mapping[str, float]) -> Candidate:
    overhead, begin = _overhead(looks) or 0.0, fmean(each["begin"] for each in looks)
    return Candidate(
        name=recipe["recipe"],
        at=recipe["at"],
        parameters=recipe["parameters"],
        overhead=overhead,
        begin=begin,
        looks=tuple(
            Look(
                share=each["share"],
                seed=each["seed"],
                length=each["length"],
                examples=each["examples"],
                errors=_figures(each["errors"], worst["errors"]),
                losses=_figures(each["losses"], worst["losses"]),
                seconds=max(each["cpu"] - (overhead if each["fresh"] else begin), 0.02),
            )
            for each in looks
        ),
    )


def _overhead(looks: Sequence[Mapping[str, Any]]) -> float | None:
    """What the first training of a graph takes more than the second of the same length, and what the second takes to begin; where
    another recipe has the same graph, the latter alone. None where the second is not there yet."""
    begin = fmean(each["begin"] for each in looks)
    for first in looks:
        for second in looks:
            if first["fresh"] and not second["fresh"] and first["share"] == second["share"]:
                return max(float(first["cpu"] - second["cpu"]), 0.0) + begin
    return None if any(each["fresh"] for each in looks) else begin


def _figures(values: Sequence[float | None], worst: float) -> tuple[float, float, float]:
    whole, first, second = (worst if each is None else min(each, worst) for each in values)
    return whole, first, second


def _worst(looks: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What counts for a training that diverged, and for what is worse: the 90th percentile of the shortest trainings."""
    found, shortest = {}, max(each["share"] for each in looks) if looks else 0
    for name in ("errors", "losses"):
        values = sorted(each[name][0] for each in looks if each[name][0] is not None and each["share"] == shortest)
        found[name] = values[math.floor(0.9 * (len(values) - 1))] if values else math.inf
    return found
