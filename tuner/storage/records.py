"""Attributes that are stored with a trial, and studies and trials as frozen records."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

import optuna
from optuna.storages import BaseStorage

from tuner.base.errors import StudyError, record_errors
from tuner.base.extrapolation import Look, leveled, until_best
from tuner.base.metrics import Direction
from tuner.recipe import Recipe
from tuner.result import OBJECTIVES, Result
from tuner.storage.opening import attributes_unless_part, load_study
from tuner.storage.private import store_mark
from tuner.storage.trainings import LONG, StoredTraining, attributes_of, is_ended_look, trainings_of

VERSION = 2
"""Version of stored records. Records of a later version are refused."""


def recipe_attributes(recipe: Recipe, environment: Mapping[str, str]) -> dict[str, Any]:
    """The attributes of a trial with a recipe."""
    names = {"version": VERSION, "key": recipe.key, "network": recipe.summary}
    return {**names, "recipe": recipe.to_dict(), "environment": dict(environment)}


def store_result(trial: optuna.Trial, result: Result, ended: str = "", reason: str = "") -> None:
    """Store a training's result, and its main numbers for the dashboard's table. `ended` and `reason` override its own."""
    main: dict[str, Any] = {
        "parameters": result.parameters,
        "epochs": result.epochs,
        "seconds": round(result.seconds, 2),
    }
    if reason or result.reason:
        main["reason"] = reason or result.reason
    if result.validation is not None:
        name, metric = next(iter(result.validation.figures.items()))
        main[f"validation_{name}"] = round(metric, 6)
    _store(trial, {"result": result.to_dict(), "ended": ended or result.ended, **main})


def store_pause(trial: optuna.Trial, result: Result, rung: int, length: str = "") -> None:
    """Store the result of a training that pauses at a rung, or of a look of this length."""
    about = {"ended": "paused", "rung": rung, "reason": f"paused after {length or f'epoch {rung}'}"}
    _store(trial, {"result": result.to_dict(), **about})


def store_look(trial: optuna.Trial, look: Look) -> None:
    """Store what a look has shown."""
    _store(trial, {"look": asdict(look)})


def store_failure(trial: optuna.Trial, reason: str, traceback: str = "", ended: str = "failed") -> None:
    """Store why a trial failed."""
    _store(trial, {"ended": ended, "reason": reason} | ({"traceback": traceback} if traceback else {}))


def _store(trial: optuna.Trial, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        (store_mark if name in LONG else optuna.Trial.set_user_attr)(trial, name, value)


@dataclass(frozen=True)
class TrialRecord:
    """A stored training, all its segments as one. `number` is the number of its last segment, `first` of its first one, `numbers`
    of all; `start` is its place among the study's starts. Where the minutes decide, `looks` are its trainings of growing length;
    `recipe`, `result` and `values` are those of the last one that has ended, or of the best one of those in as many folds. `recipe` and `result` are None if the trial ended before it had them.
    `started` and `ended` are in seconds since 1970."""

    number: int
    first: int
    state: str
    values: tuple[float, ...]
    params: Mapping[str, Any]
    recipe: Recipe | None
    result: Result | None
    reason: str
    environment: Mapping[str, str]
    started: float | None = None
    ended: float | None = None
    numbers: tuple[int, ...] = ()
    start: int | None = None
    looks: tuple[Look, ...] = ()

    @property
    def epochs(self) -> int:
        """The number of its epochs on one fold."""
        return max((len(fold.epochs) for fold in self.result.folds), default=0) if self.result else 0

    @property
    def length(self) -> float:
        """The length of its best look in whole epochs; elsewhere the number of its epochs on one fold."""
        return until_best(self.looks)[-1].epochs if self.looks else float(self.epochs)


@dataclass(frozen=True)
class StudyRecord:
    """A stored study: its title, file (`plain`), objectives and trials in order. `command` continues it on the command line;
    `unconfirmed` are the keys of recipes that could not be refitted, with the reason. That of a script has no objectives, only a `goal`."""

    name: str
    title: str
    plain: Mapping[str, Any]
    objectives: tuple[str, ...]
    trials: tuple[TrialRecord, ...]
    command: str = ""
    unconfirmed: Mapping[str, str] = field(default_factory=dict)
    goal: Direction = Direction.MAXIMIZE

    @property
    def direction(self) -> Direction:
        """Which values of the first objective are better."""
        return OBJECTIVES[self.objectives[0]].direction if self.objectives else self.goal

    @property
    def fits_epochs(self) -> bool:
        """Whether the minutes decide the number of epochs."""
        return bool(self.plain.get("budget", {}).get("epochs") == "fit")

    @property
    def onward(self) -> str:
        """The command that continues the study: with more trials, or for the same minutes again."""
        return self.command if self.fits_epochs else f"{self.command} --more 20"

    @property
    def finished(self) -> tuple[TrialRecord, ...]:
        """The trials that were trained to the end."""
        return tuple(trial for trial in self.trials if trial.state == "complete" and trial.values)

    @property
    def has_looks(self) -> bool:
        """Whether trials are looks of growing length."""
        return any(trial.looks for trial in self.trials)

    @property
    def compared(self) -> tuple[TrialRecord, ...]:
        """The trials whose values can be compared with one another: the finished ones; where there are looks, all, with the values of
        their first ones."""
        if not self.has_looks:
            return self.finished
        return tuple(replace(each, values=(each.looks[0].value,)) for each in self.trials if each.looks)

    @property
    def ranking(self) -> tuple[TrialRecord, ...]:
        """The trials that could win, best first, of equal ones the earlier first; without those that could not be refitted. Where the
        epochs are fixed these are the finished ones. Where the minutes decide they are all with a validation metric: by the
        error of the best look of those in the most folds, plus its standard error."""
        out = self.unconfirmed
        usable = [each for each in self.trials if each.recipe and not (out and each.recipe.key in out)]
        if not self.fits_epochs:
            return self._by_value([trial for trial in usable if trial.state == "complete" and trial.values])
        usable = [each for each in usable if each.result and each.result.validation and each.result.ended != "diverged"]
        if not self.has_looks:
            return self._by_value(usable)
        looked = [trial for trial in usable if trial.looks]
        return tuple(sorted(looked, key=lambda trial: (until_best(trial.looks)[-1].pessimistic, trial.first)))

    def _by_value(self, trials: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
        objective, sign = OBJECTIVES[self.objectives[0]] if self.objectives else None, -self.direction.sign

        def place(trial: TrialRecord) -> tuple[float, int]:
            reached = () if trial.values or not (objective and trial.result) else (objective.of_result(trial.result),)
            return sign * (*trial.values, *reached)[0], trial.first

        return tuple(sorted(trials, key=place))

    @property
    def best(self) -> TrialRecord | None:
        """The first of the ranking; None if none has finished."""
        return next(iter(self.ranking), None)

    def count(self, *states: str) -> int:
        """The number of trials in these states: `complete`, `pruned`, `failed`, `interrupted` (will continue), `running`, `waiting`."""
        return sum(trial.state in states for trial in self.trials)


def read_study(storage: BaseStorage, name: str) -> StudyRecord:
    """The frozen record of the study with this name. Raises `StudyError` if the storage has none."""
    return study_record(load_study(storage, name))


def study_attributes(study: optuna.Study) -> Mapping[str, Any]:
    """The attributes of a study. Raises `StudyError` if a later version of this program wrote it, or if it is a part of a copy."""
    if (attributes := attributes_unless_part(study)).get("version", VERSION) > VERSION:
        problem = f"was kept by a later version of tuner (records of version {attributes['version']}, ours {VERSION})"
        raise StudyError(f"the study {study.study_name!r} {problem}: install that one, or search under another --name")
    return attributes


def study_record(study: optuna.Study, trainings: Sequence[StoredTraining] = ()) -> StudyRecord:
    """The frozen record of a study, whose `trainings` may be known. Raises `StudyError` if a later version wrote it."""
    attributes = study_attributes(study)
    trials = [trial_record(each) for each in trainings or trainings_of(study.get_trials(deepcopy=False))]
    looks = leveled([each.looks for each in trials])
    leveled_trials = (
        trial if each == trial.looks else replace(trial, looks=each) for trial, each in zip(trials, looks, strict=True)
    )
    return StudyRecord(
        name=study.study_name,
        title=attributes.get("title", ""),
        plain=attributes.get("file", {}),
        objectives=tuple(attributes.get("objectives", ())),
        trials=tuple(leveled_trials),
        command=attributes.get("command", f"python -m tuner optimize --study {study.study_name}"),
        unconfirmed=attributes.get("unconfirmed", {}),
        goal=Direction[study.directions[0].name],
    )


def trial_record(training: StoredTraining) -> TrialRecord:
    """The frozen record of one training; a paused one counts as pruned. Those that ended are read once: 1,000 take half a second."""
    return (_read_once if training.last.state.is_finished() else _read)(training)


def _read(training: StoredTraining) -> TrialRecord:
    with record_errors(f"trial {training.last.number}"):
        return _decoded(training)


def _decoded(training: StoredTraining) -> TrialRecord:
    ended_looks = [each for each in training.segments if is_ended_look(each)]
    looks = tuple(Look(**each.user_attrs["look"]) for each in ended_looks)
    attributes, segments = training.attributes, training.known
    if (useful := len(until_best(looks))) < len(looks):
        segments = segments[: segments.index(ended_looks[useful - 1]) + 1]
    results = [plain["result"] for plain in map(attributes_of, segments) if "result" in plain]
    plain = attributes_of(segments[-1]).get("recipe")
    started, ended = training.segments[0].datetime_start, training.last.datetime_complete
    return TrialRecord(
        number=training.last.number,
        first=training.first,
        state="pruned" if training.state == "paused" else training.state,
        values=tuple((useful == len(looks) and training.last.values) or [look.value for look in looks[:useful][-1:]]),
        params=training.last.params,
        recipe=Recipe.from_dict(plain) if plain else None,
        result=Result.from_dict(results[-1]) if results else None,
        reason=attributes.get("reason", ""),
        environment=attributes.get("environment", {}),
        started=started.timestamp() if started else None,
        ended=ended.timestamp() if ended else None,
        numbers=tuple(trial.number for trial in training.segments),
        start=training.start,
        looks=looks,
    )


_read_once = lru_cache(maxsize=200_000)(_read)
