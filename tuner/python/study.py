"""The study for data from Python: a given study on this data, or one that is made for it."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from tuner.base.errors import Invalid, StudyError
from tuner.base.metrics import Task, main_metric
from tuner.data.ingest.arrays import ArraysProfile
from tuner.data.ingest.ingest import ingest_from_python, settings_of
from tuner.data.ingest.prepare import RawExamples
from tuner.data.ingest.profile import Roles, TableProfile, frame_columns
from tuner.data.ingest.tables import is_table
from tuner.data.ingest.targets import TargetProfile, target_profile
from tuner.data.sources import Places
from tuner.networks.sources import file_at, source_at, source_of
from tuner.recipe import Arrays, Cut, Table
from tuner.recipe.losses import LOSSES
from tuner.space import override
from tuner.study import StudyFile, load, study_from
from tuner.study.places import find_study, require_name, study_files
from tuner.study.read import read_plain
from tuner.study.resolve import CALLBACKS, HOLES

AnyStudy = str | Path | Mapping[str, Any] | StudyFile | None
"""A study's name, its file, nested data, or a checked study; None, or a new name, for one that is made for the data."""

UNNAMED = "study"


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Changes of a study; empty fields leave it as it is. `test` is the test part, or the share that is cut off. With
    `is_named_by_data` the study's name ends in the identity of the data. `network` is the plain record of one that takes the place of the
    study's own; so do `training`, fields of its training, and `protocol`."""

    task: Task | None = None
    objective: str = ""
    minutes: float = 0.0
    seed: int | None = None
    test: RawExamples | Cut = Cut()
    network: Mapping[str, Any] | None = None
    is_named_by_data: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] | None = None


def is_study(value: Any) -> bool:
    """Whether it stands for a study, and not for data."""
    if isinstance(value, str | Path):
        return not is_table(str(value))
    return value is None or isinstance(value, StudyFile) or (isinstance(value, Mapping) and "recipe" in value)


def network_of(network: Callable[..., Any] | str | Path | None, pretrained: str | Path | None) -> dict[str, Any] | None:
    """The plain record of a network that a function makes, with a file of `pretrained` weights if it gets one, or that a `.keras` file
    has; None where there is neither. Raises `Invalid` where the function cannot be sent to training processes, or where there is no
    such file."""
    if pretrained is not None and not callable(network):
        rule = "comes with network, a function that gets the file's path as its parameter weights"
        raise Invalid("pretrained", f"{rule}; a trained model itself is network='{pretrained}'")
    if network is None:
        return None
    source, sha256 = source_at(str(network), Path()) if isinstance(network, str | Path) else source_of(network)
    weights = "" if pretrained is None else str(Path(pretrained).absolute())
    if weights:
        file_at(weights, Path(), "pretrained")
    return {"kind": "function", "source": source, "sha256": sha256, **({"weights": weights} if weights else {})}


def training_of(training: Mapping[str, Any], callbacks: Any) -> dict[str, Any]:
    """Fields of a training with Keras callbacks: a list of them, or a function that returns such a list. Each training gets copies."""
    if not callbacks:
        return dict(training)
    made, definition = callbacks, ""
    if not callable(callbacks):
        made, kinds = partial(list, callbacks), str | int | float | None
        plain = ({name: value for name, value in vars(each).items() if isinstance(value, kinds)} for each in callbacks)
        definition = str([*map(type, callbacks), *plain])
    files = dict(zip(CALLBACKS, source_of(made, definition), strict=True))
    return {**training, **files}


def study_file(study: AnyStudy, places: Places, changes: Changes) -> StudyFile:
    """A study on its own data, whose network and training may be changed. Raises `StudyError` for None."""
    is_changed = changes.network is not None or changes.training or changes.objective
    match study:
        case None:
            raise StudyError("pass a study, or x and y for one that is made for them")
        case StudyFile():
            return study_from(study.name, _trained(study.plain, changes), places=places) if is_changed else study
        case Mapping():
            return study_from(UNNAMED, _trained(study, changes), places=places)
        case _:
            name, path = find_study(str(study))
            others = [(f"training.{key}", value) for key, value in changes.training.items()]
            network = [] if changes.network is None else [("network", changes.network)]
            file = load(path, name, [*network, *others], places=places)
            return study_from(name, _trained(file.plain, changes), places=places) if changes.objective else file


def seed_of(random_state: Any) -> int | None:
    """A seed for the search, from scikit-learn's `random_state`."""
    if random_state is None or isinstance(random_state, int | np.integer):
        return None if random_state is None else int(random_state)
    return int(check_random_state(random_state).randint(2**31))


def study_on(study: AnyStudy, examples: RawExamples, changes: Changes, places: Places) -> StudyFile:
    """The study on this data, which is stored in the cache. Only the task and the encodings of its own `recipe.data` are used.
    Raises `TunerError` for data or a study that cannot be used."""
    name, plain = _plain_study(study)
    own_data = plain.get("recipe", {}).get("data", {}) if plain else {}
    task = "custom" if examples.target_shapes else changes.task or own_data.get("task", "guess")
    target = target_profile(examples.y, tuple(examples.y.columns), task, examples.where)
    positive = own_data.get("positive", "") if plain else target.positive
    positive = positive if positive in target.classes else ""
    examples = replace(examples, target_format=target.format, positive=positive)
    data = ingest_from_python(examples, changes.test, target.task, places)
    if plain is None:
        given = replace(target, task="regression") if task == "custom" else target
        plain = _made_study(examples, given, changes)
        own_data = plain["recipe"]["data"] if changes.network is None else {}
        plain = plain if changes.network is None else _on_function(plain, target.task)
    if changes.network is not None:
        own_data = {"scaling": "none", **own_data}
    plain = _trained(plain, changes)
    if changes.is_named_by_data or study is None:
        assert data.found is not None
        name = f"{name}-{data.found.identity[:8]}"
    return study_from(name, _changed(_with_data(plain, data, own_data), target.task, changes), places=places)


def _plain_study(study: AnyStudy) -> tuple[str, Mapping[str, Any] | None]:
    """Its name and its nested data."""
    match study:
        case StudyFile():
            return study.name, study.plain
        case str() | Path() if str(study) not in study_files() and not str(study).endswith(".toml"):
            return require_name(str(study)), None
        case str() | Path():
            name, path = find_study(str(study))
            return name, read_plain(path)
        case None | Mapping():
            return UNNAMED, study
    raise StudyError(f"pass x and y, or a study before them, got a {type(study).__name__}; the test part goes to test=")


def _made_study(examples: RawExamples, target: TargetProfile, changes: Changes) -> Mapping[str, Any]:
    """A study that `init` would write for the data."""
    from tuner.init.advice import NewStudy, usual_minutes
    from tuner.init.template import study_text

    profile = _profile(examples, target)
    test = "python" if isinstance(changes.test, RawExamples) else changes.test
    study = NewStudy(UNNAMED, "python", test, changes.minutes or usual_minutes(profile))
    return tomllib.loads(study_text(profile, study))


def _trained(plain: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """The study with another network and other fields of its training, if there are any."""
    recipe = dict(plain["recipe"])
    if changes.network is not None:
        plain = {name: value for name, value in plain.items() if name != "start"}
        recipe["network"] = changes.network
    if changes.protocol is not None:
        recipe["protocol"] = changes.protocol
    if changes.training:
        recipe["training"] = {**recipe.get("training", {}), **changes.training}
    return {**plain, "recipe": recipe} | ({"objective": changes.objective} if changes.objective else {})


def _on_function(plain: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """The study that was made for data, as it is for the network of a function: trained plainly."""
    training = {
        "loss": LOSSES[task][0],
        "optimizer": {"kind": "adam", "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}},
        "batch_size": {"choice": [32, 64, 128]},
        "epochs": 100,
        "keep": "best",
        "keep_by": f"validation_{main_metric(task)}",
    }
    objective = {"objective": training["keep_by"]} if task == "custom" else {}
    return {**plain, **objective, "recipe": {**plain["recipe"], "training": training}}


def _profile(examples: RawExamples, target: TargetProfile) -> TableProfile | ArraysProfile:
    x, groups = examples.x, examples.groups
    weight = "" if examples.weights is None else "weights"
    group, count = ("", 0) if groups is None else ("groups", int(groups.nunique()))
    roles = Roles(target.targets, group=group, weight=weight)
    if isinstance(x, pd.DataFrame):
        columns = tuple(each for each in frame_columns(x) if each.kind)
        return TableProfile(len(x), target, roles, count, columns, left_out=(), warnings=())
    shape = tuple(int(side) for side in x.shape[1:])
    return ArraysProfile(len(x), target, roles, "x", "y", shape, str(x.dtype), count, test_rows=0)


def _with_data(plain: Mapping[str, Any], data: Table | Arrays, own_data: Mapping[str, Any]) -> dict[str, Any]:
    """The study with this data in its recipe."""
    new = {name: value for name, value in settings_of(replace(data, found=None)).items() if name != "found"}
    holes = {name: own_data[name] for name in HOLES if name in own_data and name in new}
    fixed = {name: value for name, value in new.items() if name not in HOLES}
    return {**plain, "recipe": {**plain.get("recipe", {}), "data": {**fixed, **holes}}}


def _changed(plain: dict[str, Any], task: Task, changes: Changes) -> dict[str, Any]:
    settings = {
        "objective": changes.objective or plain.get("objective", f"validation_{main_metric(task)}"),
        "budget.minutes": changes.minutes or None,
        "search.seed": changes.seed,
        "recipe.seed": changes.seed,
        # without a test part there is nothing that reference models could be compared on
        "confirmation.anchors": False if changes.test == Cut(share=0.0) or task == "custom" else None,
    }
    for address, value in settings.items():
        plain = plain if value is None else override(plain, address, value)
    return plain
