"""A study as records of plain data: its head, its trials in order, the contents of its artifacts, an end. Stored elsewhere they make
the same study; one JSON object a line they are a file."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import BytesIO
from itertools import islice, takewhile
from pathlib import Path
from typing import Any
from uuid import uuid4

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.base.errors import StorageError, first_line
from tuner.storage import private
from tuner.storage.artifacts import Artifacts, delete_with_artifacts
from tuner.storage.opening import COPY, PART, WHOLE, attributes_unless_part
from tuner.storage.private import artifacts

FORMAT = 1
"""The version of these records. Those of a later version are refused."""

Record = Mapping[str, Any]
DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)

AT_ONCE = 200
"""How many records are stored in one transaction."""

ON_TRIAL = re.compile(r"(dashboard:(?:artifacts:)?)(\d+)(:.*)")
"""Attributes of a study that optuna-dashboard keeps for a trial: notes and artifacts, by the storage's identifier of it."""

NOTE = "dashboard:note_str:"
"""The prefix of the parts of a study's note."""


def study_records(study: optuna.Study, store: Artifacts | None) -> Iterator[Record]:
    """The records of a study with its artifacts from this store. Those that are not there are left out. Raises `StudyError` for a part
    of a study."""
    own = {name: value for name, value in attributes_unless_part(study).items() if name != COPY}
    attributes, attached = dict(private.system_attributes(study)), private.all_artifacts(study)
    trials = study.get_trials(deepcopy=False)
    there = store.sizes("") if store else {}
    contents = {id_: store for id_ in attached if store and id_ in there}
    head = {"kind": "study", "format": FORMAT, "name": study.study_name, "id": private.study_id(study)}
    head |= {"directions": [each.name.lower() for each in study.directions], "trials": len(trials)}
    yield {**head, "artifacts": len(contents), "user_attrs": own, "system_attrs": attributes}
    yield from map(_trial_record, trials)
    for id_, place in contents.items():
        with place.open_reader(id_) as file:
            yield {"kind": "artifact", "id": id_, "content": base64.b64encode(file.read()).decode()}
    yield {"kind": "end"}


def lines_in(path: Path) -> Iterator[Record]:
    """The records in a file of JSON lines. Raises `StorageError` with the line for what is none."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield _record(line, f"{path} line {number}")
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error


def store_studies(
    records: Iterator[Record], storage: BaseStorage, store: Artifacts, name: str = "", force: bool = False
) -> Iterator[str]:
    """Store each study in these records, with its artifacts in this store, and yield its name; `name` replaces it. Raises
    `StorageError` and stores nothing of a study that is there already or whose records are damaged or incomplete. A part of a study,
    which a killed call left, is refused by all that reads studies until `force` replaces it."""
    for head in records:
        if head["kind"] != "study" or head.get("format") != FORMAT:
            raise StorageError("the records do not begin with a study, or another version of tuner wrote them")
        own = name or str(head.get("name"))
        if force:
            _delete_part(own, storage, store)
        try:
            study = optuna.create_study(study_name=own, directions=head.get("directions"), storage=storage)
            study.set_user_attr(COPY, PART)
        except DuplicatedStudyError:
            attributes_unless_part(optuna.load_study(study_name=own, storage=storage))
            raise StorageError(f"the storage has a study {own!r} already; choose another name with --name") from None
        except DAMAGE as error:
            raise _damaged(own, error) from error
        try:
            _fill(study, head, takewhile(lambda each: each["kind"] != "end", records), store)
        except BaseException as error:
            _delete_part(own, storage, store)
            if isinstance(error, DAMAGE):
                raise _damaged(own, error) from error
            raise
        study.set_user_attr(COPY, WHOLE)
        yield own


def _delete_part(name: str, storage: BaseStorage, store: Artifacts) -> None:
    """Remove a part of a study, if there is one, with its artifacts."""
    if name in optuna.get_all_study_names(storage):
        study = optuna.load_study(study_name=name, storage=storage)
        if study.user_attrs.get(COPY) == PART:
            delete_with_artifacts(study, storage, store)


def _damaged(name: str, error: BaseException) -> StorageError:
    return StorageError(f"the records of the study {name!r} are damaged: {first_line(error)}")


def _record(line: bytes, where: str) -> Record:
    try:
        record = json.loads(line)
        if record["kind"] in ("study", "trial", "artifact", "end"):
            return dict(record)
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise StorageError(f"{where}: is no record that `tuner storage export` wrote")


def _fill(study: optuna.Study, head: Record, records: Iterator[Record], store: Artifacts) -> None:
    """Store the trials of a study, then its attributes, which name all artifacts, then those, so that a part can be removed with them.
    Artifacts get new identifiers: two studies, of which either may be deleted, have no file in common."""
    fresh, numbers, wanted = dict[str, str](), dict[int, int](), islice(records, head["trials"])
    attributes = _renamed(_whole_note(head["system_attrs"]), fresh)
    while chunk := [each for each in islice(wanted, AT_ONCE) if each["kind"] == "trial"]:
        private.add_trials(study, [_trial(each, fresh) for each in chunk])
        numbers |= {each["id"]: each["number"] for each in chunk}
    if [*numbers.values()] != [*range(head["trials"])]:
        raise ValueError(f"{len(numbers)} trials in order instead of {head['trials']}")
    for key, value in head["user_attrs"].items():
        if key != COPY:
            study.set_user_attr(key, value)
    _store_attributes(study, head, attributes, numbers)
    stored = []
    for record in records:
        store.write(fresh[record["id"]], BytesIO(base64.b64decode(record["content"], validate=True)))
        stored.append(record["id"])
    if len(stored) != head["artifacts"]:
        raise ValueError(f"{len(stored)} artifacts instead of {head['artifacts']}")


def _store_attributes(
    study: optuna.Study, head: Record, attributes: Mapping[str, Any], numbers: Mapping[int, int]
) -> None:
    trials = study.get_trials(deepcopy=False)
    for key, value in attributes.items():
        if found := ON_TRIAL.fullmatch(key):
            key = f"{found[1]}{private.trial_id(trials[numbers[int(found[2])]])}{found[3]}"
        if isinstance(value, str):  # a note shows artifacts by their addresses
            value = value.replace(f"/artifacts/{head['id']}/", f"/artifacts/{private.study_id(study)}/")
        private.store_system_attribute(study, key, value)


def _whole_note(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes with the study's note in the first of its parts: the end of a part may be within an address."""
    parts = [key for key in attributes if key.startswith(NOTE)]
    whole = "".join(attributes[f"{NOTE}{place}"] for place in range(len(parts)))
    return {**attributes, **dict.fromkeys(parts, ""), **({f"{NOTE}0": whole} if parts else {})}


def _renamed(attributes: Mapping[str, Any], fresh: dict[str, str]) -> dict[str, Any]:
    """The attributes with a new identifier for each artifact, which `fresh` gets too."""
    text = json.dumps(attributes)
    for id_ in artifacts(attributes):
        text = text.replace(id_, fresh.setdefault(id_, str(uuid4())))
    return dict(json.loads(text))


def _trial_record(trial: FrozenTrial) -> Record:
    return {
        "kind": "trial",
        "id": private.trial_id(trial),
        "number": trial.number,
        "state": trial.state.name.lower(),
        "values": trial.values,
        "params": trial.params,
        "distributions": {name: json.loads(distribution_to_json(each)) for name, each in trial.distributions.items()},
        "intermediate_values": trial.intermediate_values,
        "user_attrs": trial.user_attrs,
        "system_attrs": trial.system_attrs,
        "started": trial.datetime_start and trial.datetime_start.isoformat(),
        "ended": trial.datetime_complete and trial.datetime_complete.isoformat(),
    }


def _trial(record: Record, fresh: dict[str, str]) -> FrozenTrial:
    times = (record["started"], record["ended"])
    started, ended = (datetime.fromisoformat(each) if each else None for each in times)
    return FrozenTrial(
        number=record["number"],
        trial_id=-1,
        state=TrialState[record["state"].upper()],
        value=None,
        values=record["values"],
        params=record["params"],
        distributions={name: json_to_distribution(json.dumps(each)) for name, each in record["distributions"].items()},
        intermediate_values={int(step): value for step, value in record["intermediate_values"].items()},
        user_attrs=record["user_attrs"],
        system_attrs=_renamed(record["system_attrs"], fresh),
        datetime_start=started,
        datetime_complete=ended,
    )
