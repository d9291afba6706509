"""The study of data from Python: one that was said, on this data, or the one that suits it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tuner.base.decode import encode
from tuner.base.errors import StudyError
from tuner.base.metrics import Task, main_metric
from tuner.data.ingest.arrays import ArraysProfile
from tuner.data.ingest.ingest import ingest_from_python
from tuner.data.ingest.kinds import frame_columns
from tuner.data.ingest.prepare import RawExamples
from tuner.data.ingest.profile import Roles, TableProfile
from tuner.data.ingest.targets import TargetProfile, target_profile
from tuner.data.sources import Places
from tuner.recipe import Arrays, Cut, Table
from tuner.study import StudyFile, study_from
from tuner.study.own_data import HOLES
from tuner.study.places import find_study

AnyStudy = str | Path | Mapping[str, Any] | StudyFile | None
"""A study by its name or its file, as nested data, as it is; None for the one that suits the data."""

UNNAMED = "study"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is said beside the study and the data; what is empty is left to the study. `test` is the test part, or how much is
    cut off; `is_named_by_data` studies of one name are told apart by their data."""

    task: Task | None = None
    objective: str = ""
    minutes: float = 0.0
    seed: int | None = None
    test: RawExamples | Cut = Cut()
    is_named_by_data: bool = False


def plain_study(study: AnyStudy) -> tuple[str, Mapping[str, Any] | None]:
    """Its name and what it says. Raises `StudyError` where there is no such file."""
    match study:
        case None:
            return UNNAMED, None
        case StudyFile():
            return study.name, study.plain
        case str() | Path():
            name, path = find_study(str(study))
            try:
                return name, tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise StudyError(f"{path}: cannot be read: {error}") from error
        case _:
            return UNNAMED, study


def study_on(study: AnyStudy, given: RawExamples, wishes: Wishes, places: Places) -> StudyFile:
    """The study on this data, which is kept in the cache. Of a study's own `recipe.data` its task and how numbers reach the
    network remain. Raises `TunerError` for what cannot be searched, or is in the data."""
    name, plain = plain_study(study)
    said = plain.get("recipe", {}).get("data", {}) if plain else {}
    goal = target_profile(given.y, tuple(given.y.columns), wishes.task or said.get("task", "guess"), given.where)
    data = ingest_from_python(given, wishes.test, goal.task, places)
    if plain is None:
        plain = default_study(given, goal, wishes)
        said = plain["recipe"]["data"]
    if wishes.is_named_by_data or study is None:
        assert data.found is not None
        name = f"{name}-{data.found.identity[:8]}"
    return study_from(name, _with_wishes(_on(plain, data, said), goal.task, wishes), places=places)


def default_study(given: RawExamples, goal: TargetProfile, wishes: Wishes) -> Mapping[str, Any]:
    """The study that suits the data."""
    from tuner.init.advice import NewStudy, usual_minutes
    from tuner.init.template import study_text

    found = _profile(given, goal)
    test = "python" if isinstance(wishes.test, RawExamples) else wishes.test
    new = NewStudy(UNNAMED, "python", test, wishes.minutes or usual_minutes(found))
    return tomllib.loads(study_text(found, new))


def _profile(given: RawExamples, goal: TargetProfile) -> TableProfile | ArraysProfile:
    weight, group = (
        "" if each is None else name for name, each in (("weights", given.weights), ("groups", given.groups))
    )
    roles = Roles(goal.targets, group=group, weight=weight)
    groups, rows = 0 if given.groups is None else int(given.groups.nunique()), len(given.x)
    if isinstance(given.x, pd.DataFrame):
        return TableProfile(rows, goal, roles, groups, frame_columns(given.x), (), ())
    shape, dtype = tuple(int(side) for side in given.x.shape[1:]), str(given.x.dtype)
    return ArraysProfile(rows, goal, roles, "x", "y", shape, dtype, groups, test_rows=0)


def _on(plain: Mapping[str, Any], data: Table | Arrays, said: Mapping[str, Any]) -> dict[str, Any]:
    """The study with this data in its recipe."""
    own = encode(replace(data, found=None))
    kept = {name: said[name] for name in HOLES if name in said and name in own}
    without = {name: value for name, value in own.items() if name != "found" and name not in HOLES}
    return {**plain, "recipe": {**plain.get("recipe", {}), "data": {**without, **kept}}}


def _with_wishes(plain: dict[str, Any], task: Task, wishes: Wishes) -> dict[str, Any]:
    objective = wishes.objective or plain.get("objective", f"validation_{main_metric(task)}")
    found = {**plain, "objective": objective}
    if wishes.minutes:
        found["budget"] = {**plain.get("budget", {}), "minutes": wishes.minutes}
    if wishes.seed is not None:
        found["search"] = {**plain.get("search", {}), "seed": wishes.seed}
        found["recipe"] = {**plain["recipe"], "seed": wishes.seed}
    if wishes.test == Cut(share=0.0):  # plain models beside the winner would be measured on it
        found["confirmation"] = {**plain.get("confirmation", {}), "anchors": False}
    return found
