"""Joining a study that another process began, maybe on another machine: its file as the storage has it, if all that its trials need is
here. Own data, functions and weights are known by their hashes."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import optuna

from tuner.base.errors import Invalid, StudyError, TunerError
from tuner.data.ingest.ingest import ingest
from tuner.data.load import OWN, Log, folder_of, origin_if_complete
from tuner.data.sources import Places
from tuner.networks.hashing import changed_file
from tuner.networks.sources import file_at, source_at
from tuner.recipe import Data
from tuner.recipe.data import UserData
from tuner.storage.records import study_attributes
from tuner.storage.trainings import attributes_of
from tuner.study import StudyFile, study_as_stored
from tuner.study.resolve import sources_in

PACKAGES = ("tensorflow", "keras")
"""Trials are compared with one another only if these are of the same minor version."""


def stored_file(study: optuna.Study, places: Places, log: Log) -> StudyFile:
    """The file of a study as its storage has it. Own data that is not in the cache is read from the current folder or the folder of
    data sets. Raises `StudyError` where this process cannot train its trials, and names what is missing or another one here."""
    name, plain = study.study_name, study_attributes(study).get("file", {})
    if not plain:
        raise StudyError(f"the study {name!r} has no study file in the storage: `optimize` must begin it")
    try:
        _require_packages(study)
        _require_sources(name, plain["recipe"])
        file = study_as_stored(name, plain)
    except Invalid as complaint:
        raise StudyError(f"the study {name!r} cannot be trained by this version of tuner: {complaint}") from None
    for data in file.data:
        if not isinstance(data, Data):
            _require_data(name, data, places, log)
    return file


def _require_packages(study: optuna.Study) -> None:
    known = (attributes_of(each).get("environment") for each in reversed(study.get_trials(deepcopy=False)))
    theirs: Mapping[str, str] = next(filter(None, known), {})
    for package in PACKAGES:
        before, here = theirs.get(package), version(package)
        if before and _minor(before) != _minor(here):
            problem = f"is trained with {package} {before} on {theirs.get('host')}, and here is {here}"
            cure = f"pip install '{package}=={_minor(before)}.*'"
            raise StudyError(f"the study {study.study_name!r} {problem}; its trials could not be compared: {cure}")


def _minor(text: str) -> str:
    return ".".join(text.split(".")[:2])


def _require_sources(name: str, recipe: Any) -> None:
    for source, sha256 in sources_in(recipe).items():
        try:
            _, here = source_at(source, Path()) if ":" in source else file_at(source, Path())
        except Invalid as complaint:
            missing = f"the study {name!r} needs {source}, which is not here: {complaint.problem}"
            raise StudyError(f"{missing}; bring the file with the SHA-256 {sha256}") from None
        if here != sha256:
            problem = f"{source} is another one here than the study {name!r} began with"
            file = changed_file(sha256, here, source.partition(":")[0])
            raise StudyError(f"{problem}: {file} has the SHA-256 {here}, not {sha256}")


def _require_data(name: str, data: UserData, places: Places, log: Log) -> None:
    assert data.found is not None
    stored = folder_of(OWN, data.found.identity, places)
    if origin_if_complete(stored):
        return
    try:
        here = ingest(data, Path(), places, log).found
    except TunerError as error:
        cure = f"bring the files to this folder, or {stored.name} of the other machine's cache to {stored.parent}"
        raise StudyError(f"the data of the study {name!r} are not here: {error}; {cure}") from None
    if here is None or here.identity != data.found.identity:
        problem = f"{data.path} has other contents here than the study {name!r} began with"
        raise StudyError(f"{problem}: {here and here.identity}, not {data.found.identity}")
