"""All uses of Optuna's private names, beside those in `database`: creating a trial with all its attributes at once, claiming a waiting
one, system attributes and the artifacts among them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import optuna
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb.models import StudyModel, TrialModel
from optuna.trial import FrozenTrial, TrialState

from tuner.base.errors import record_errors
from tuner.storage.database import Database

if TYPE_CHECKING:
    import grpc
    from optuna.study._frozen import FrozenStudy

CALLS = BaseStorage.__abstractmethods__ | {
    "get_trial_id_from_study_id_trial_number",
    "_create_new_trial",
    "_get_trials",
    "_set_trial_param",
    "get_system_attributes",
}
"""The methods with which Optuna reads and writes a storage; the last ones are those that its cache calls, and one of ours."""


def create_tables(url: str) -> None:
    """Create the tables of a new SQLite file. Numbers of deleted studies and trials are never used again there: another process may
    still write to them."""
    for model in (StudyModel, TrialModel):
        model.__table__.dialect_options["sqlite"]["autoincrement"] = True
    RDBStorage(url).engine.dispose()


def begin(study: optuna.Study, template: FrozenTrial) -> optuna.Trial:
    """Create a running trial with all attributes of `template` in one write, so that no other process sees a part of them."""
    return optuna.Trial(study, study._storage.create_new_trial(study._study_id, template))


def without_cache(storage: BaseStorage) -> BaseStorage:
    """The storage itself, where Optuna has put a cache before it."""
    inner: BaseStorage = getattr(storage, "_backend", storage)
    return inner


def add_trials(study: optuna.Study, trials: Sequence[FrozenTrial]) -> None:
    """Store trials in a study that nobody else writes to, in a database all in one transaction."""
    if isinstance(storage := without_cache(study._storage), Database):
        storage.add_trials(study._study_id, trials)
    else:
        study.add_trials(trials)


def claim(study: optuna.Study, waiting: FrozenTrial) -> optuna.Trial | None:
    """Take a waiting trial; None if another process was faster."""
    if study._storage.set_trial_state_values(waiting._trial_id, TrialState.RUNNING):
        return optuna.Trial(study, waiting._trial_id)
    return None


def frozen(trial: optuna.Trial) -> FrozenTrial:
    """The trial's current state in the storage."""
    return trial.study._storage.get_trial(trial._trial_id)


def open_trial(study: optuna.Study, trial: FrozenTrial) -> optuna.Trial:
    """Another process's trial, for writing."""
    return optuna.Trial(study, trial._trial_id)


@contextmanager
def optimizing(study: optuna.Study) -> Iterator[None]:
    """A context in which `study.stop()` may be called, as in Optuna's `study.optimize`."""
    study._thread_local.in_optimize_loop, study._stop_flag = True, False
    try:
        yield
    finally:
        study._thread_local.in_optimize_loop = False


def is_stopped(study: optuna.Study) -> bool:
    """Whether `study.stop()` was called."""
    return study._stop_flag


def log_completed(study: optuna.Study, trial: FrozenTrial) -> None:
    """Log a finished trial as Optuna's `study.optimize` does."""
    study._log_completed_trial(trial.values, trial.number, trial.params)


def store_mark(trial: optuna.Trial, name: str, value: Any) -> None:
    """Store a pruner's mark, or a long attribute, with a trial."""
    trial.study._storage.set_trial_system_attr(trial._trial_id, name, value)


def trial_id(trial: FrozenTrial) -> int:
    """The storage's identifier of the trial, which optuna-dashboard uses too."""
    return trial._trial_id


def close(study: optuna.Study) -> None:
    """Close the connections of the storage that the study was read from."""
    study._storage.remove_session()
    if isinstance(inner := without_cache(study._storage), RDBStorage):
        inner.engine.dispose()


def study_id(study: "optuna.Study | FrozenStudy") -> int:
    """The storage's identifier of the study, which optuna-dashboard uses too."""
    return study._study_id


def user_attributes(study: optuna.Study) -> Mapping[str, Any]:
    """The study's own attributes, not to be changed: Optuna's `user_attrs` copies them, which takes a tenth of a second where they hold
    refits."""
    return study._storage.get_study_user_attrs(study._study_id)


def system_attributes(study: optuna.Study, of: str = "", without: str = "no prefix") -> Mapping[str, Any]:
    """What Optuna and optuna-dashboard store with a study: counters of samplers, notes, plots, artifacts; those whose names begin with
    `of` and not with `without`."""
    if isinstance(storage := without_cache(study._storage), Database):
        return storage.get_system_attributes(study._study_id, of, without)
    known = study._storage.get_study_system_attrs(study._study_id)
    return {name: value for name, value in known.items() if name.startswith(of) and not name.startswith(without)}


def store_system_attribute(study: optuna.Study, name: str, value: Any) -> None:
    """Store one of them."""
    study._storage.set_study_system_attr(study._study_id, name, value)


ARTIFACTS = "artifacts:"
"""Optuna's prefix of artifacts in the system attributes of a study or a trial; optuna-dashboard has one of its own before it."""


def artifacts(attributes: Mapping[str, Any]) -> dict[str, str]:
    """File names by id of the artifacts of a study or a trial, from its system attributes. A removed artifact leaves a null, which
    Optuna's own `get_all_artifact_meta` (5.0) cannot read. Raises `StorageError` where it is damaged."""
    with record_errors("the list of artifacts"):
        metas = [json.loads(text) for name, text in attributes.items() if ARTIFACTS in name]
        return {meta["artifact_id"]: meta["filename"] for meta in metas if meta is not None}


def all_artifacts(study: optuna.Study) -> dict[str, str]:
    """File names by id of the artifacts of a study and of its trials."""
    attached = [system_attributes(study), *(each.system_attrs for each in study.get_trials(deepcopy=False))]
    return {id_: name for attributes in attached for id_, name in artifacts(attributes).items()}


def schema(storage: BaseStorage) -> str:
    """What kind of storage this is, with the version of its tables."""
    if isinstance(inner := without_cache(storage), RDBStorage):
        return f"RDBStorage, tables of version {inner.get_current_version()}"
    return type(inner).__name__


def cached(storage: BaseStorage) -> BaseStorage:
    """The storage with Optuna's cache of finished trials."""
    return optuna.storages.get_storage(storage)


def answer_calls(server: "grpc.Server", storage: BaseStorage) -> None:
    """Have a gRPC server answer the calls of Optuna's `GrpcStorageProxy`."""
    from optuna.storages._grpc.auto_generated import api_pb2_grpc
    from optuna.storages._grpc.servicer import OptunaStorageProxyService

    api_pb2_grpc.add_StorageServiceServicer_to_server(OptunaStorageProxyService(storage), server)  # type: ignore[no-untyped-call]


def canonical(plain: Any) -> Any:
    """The same data after a way through JSON, as a storage returns it."""
    return json.loads(json.dumps(plain))
