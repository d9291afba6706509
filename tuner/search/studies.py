"""Studies in the storage: create, continue with a compatible file, delete."""

import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState

from tuner.base.errors import StudyError, join
from tuner.networks.hashing import changed_file
from tuner.result import OBJECTIVES
from tuner.storage.artifacts import delete_with_artifacts, open_artifacts
from tuner.storage.private import canonical
from tuner.storage.records import VERSION, study_attributes
from tuner.study import StudyFile
from tuner.study.pruners import make_pruner

FOUND = "recipe.data.found"
"""Address of the facts read from the user's data."""

CHANGEABLE = ("title", "budget", "search", "confirmation", "start")
"""The tables in which a difference leaves old trials comparable with new ones."""


@dataclass(frozen=True)
class Difference:
    """One address at which a study file and the study in the storage differ; `absent` stands for a missing value."""

    address: str
    stored: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.address}: {self.stored} in the storage, {self.now} in the file"


ABSENT = "absent"


def open_study(storage: BaseStorage, file: StudyFile) -> tuple[optuna.Study, StudyFile, tuple[Difference, ...]]:
    """The Optuna study for a file, created if there is none; the file as the study began with it; and what has changed since.

    Raises `StudyError`, and changes nothing, if old and new trials could not be compared, or if a later version of this program
    or another program has written the study.
    """
    directions = [StudyDirection[OBJECTIVES[name].direction.name] for name in file.objectives]
    if file.name not in optuna.get_all_study_names(storage):
        with suppress(DuplicatedStudyError):  # another process was faster
            optuna.create_study(study_name=file.name, storage=storage, directions=directions)
    study = optuna.load_study(study_name=file.name, storage=storage, sampler=RandomSampler(seed=0))
    stored = study_attributes(study).get("file")
    differences: tuple[Difference, ...] = ()
    if stored is not None:  # else it is new, or the process that created it was killed right after
        file = file.as_begun(stored)
        differences = tuple(compare(stored, canonical(file.resolved)))
        _refuse_incompatible(file, differences)
    else:
        _refuse_foreign(study)
    study.pruner = make_pruner(file.search.pruner, file.epochs, maximize=directions[0] is StudyDirection.MAXIMIZE)
    if stored is None or differences or study.user_attrs.get("version") != VERSION:
        _describe(study, file)
    return study, file, differences


def compare(stored: Any, now: Any, place: str = "") -> Iterator[Difference]:
    """The addresses at which two plain nested values differ; where one of them has nothing, the outermost one."""
    if isinstance(stored, Mapping) and isinstance(now, Mapping):
        for key in [*stored, *(key for key in now if key not in stored)]:
            yield from compare(stored.get(key, ABSENT), now.get(key, ABSENT), join(place, key))
    elif isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        for index, (old, new) in enumerate(zip(stored, now, strict=True)):
            yield from compare(old, new, f"{place}[{index}]")
    elif stored != now or type(stored) is not type(now):
        yield Difference(place, stored, now)


def delete_study(storage: BaseStorage, name: str, runs: Path, artifacts: str = "") -> int:
    """Remove a study with its trials, their artifacts (see `open_artifacts`), checkpoints, models, logs and copies of
    code; how many trials there were."""
    if name not in optuna.get_all_study_names(storage):
        return 0
    study = optuna.load_study(study_name=name, storage=storage)
    count, store = len(study.get_trials(deepcopy=False)), open_artifacts(runs, artifacts)
    delete_with_artifacts(study, storage, store)
    for path in (
        *(runs / name).glob("best.*"),
        *(runs / name).glob("distilled.*"),
        *(runs / name / "members").glob("*"),
        runs / name / "predictions.npz",
        *(runs / name / "checkpoints").glob("*.npz"),
        *(runs / name).glob("worker-*.log"),
    ):
        path.unlink(missing_ok=True)
    shutil.rmtree(runs / name / "sources", ignore_errors=True)
    return count


def _refuse_foreign(study: optuna.Study) -> None:
    """Refuse trials that no study file describes; the attributes are read after them, since another process may begin the study now."""
    count = sum(each.state is not TrialState.WAITING for each in study.get_trials(deepcopy=False))
    if count and "file" not in study.user_attrs:
        raise StudyError(
            f"the storage has a study {study.study_name!r} that `optimize` did not make, with {count} trials: they cannot be compared "
            f"with new ones. Search under another name (--name), or delete that study (--reset)."
        )


def _refuse_incompatible(file: StudyFile, differences: tuple[Difference, ...]) -> None:
    incompatible = [each for each in differences if each.address.partition(".")[0] not in CHANGEABLE]
    if not incompatible:
        return
    found = {each.address: each for each in incompatible if each.address.startswith(FOUND)}
    others = [each for each in incompatible if each.address not in found]
    what, lines = "another search space or objective:", "".join(f"\n  {each}" for each in others)
    if found and not any(each.address.startswith("recipe.data") for each in others):
        sizes, data = found.get(f"{FOUND}.training_examples"), file.resolved["recipe"]["data"]
        paths = " or ".join(data[name] for name in ("path", "test") if isinstance(data.get(name), str))
        what = f"other data: {paths} has changed since"
        lines = f" ({sizes.stored} training examples then, {sizes.now} now)." if sizes else "."
    for each in others:
        if each.address.endswith("sha256"):
            kind = each.address.rpartition(".")[2].removesuffix("sha256").removesuffix("_")
            what = f"other {kind}:" if kind else "another function for its network:"
            changed = changed_file(
                str(each.stored), str(each.now), "their file" if kind else "the file of the function"
            )
            lines = f" {changed} has changed since."
    raise StudyError(
        f"the study {file.name!r} began with {what}{lines}\n"
        f"Its trials cannot be compared with new ones. Search under another name (--name), or start over and delete "
        f"the old trials (--reset)."
    )


def _describe(study: optuna.Study, file: StudyFile) -> None:
    """The file is stored last: where it is missing or differs, the next call describes the study again."""
    study.set_user_attr("title", file.title)
    study.set_user_attr("objectives", list(file.objectives))
    with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
        study.set_metric_names(list(file.objectives))
    study.set_user_attr("version", VERSION)
    study.set_user_attr("file", canonical(file.resolved))
