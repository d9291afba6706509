"""Everything that a report is made of, gathered once: the study in the storage, its confirmed winner with what it predicts, and
the judged documents about the same data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from optuna.storages import BaseStorage

from tuner.data.load import held_out_of
from tuner.data.sources import Places
from tuner.documents.assessment import Assessment
from tuner.documents.comparison import assessments_of
from tuner.outcome import Outcome
from tuner.outcome.references import stored_references
from tuner.recipe import Recipe
from tuner.references import ReferenceModel
from tuner.report.own_data import OwnData, read_own_data
from tuner.report.predictions import Predictions, read_predictions
from tuner.storage import StudyRecord, load_study, study_record
from tuner.storage.confirmed import Confirmed


@dataclass(frozen=True)
class Evidence:
    """All of it. What is not there is None or empty, and `gaps` says why where that is not plain. `latencies` are
    milliseconds for one example by recipe key, of the trials that they were measured for; `anchors` are the plain models; `own` is
    what was found in the user's own data."""

    study: str
    title: str
    record: StudyRecord
    confirmed: Confirmed | None
    winner: Predictions | None
    documents: tuple[Assessment, ...]
    data: Mapping[str, str]
    storage: str
    gaps: tuple[str, ...]
    latencies: Mapping[str, float] = field(default_factory=dict)
    anchors: tuple[ReferenceModel, ...] = ()
    own: OwnData | None = None

    @property
    def outcome(self) -> Outcome:
        """What came of the study."""
        return Outcome(self.record, self.record.best, self.confirmed, self.anchors)

    @property
    def dataset(self) -> str:
        """The data set that the page is about: the winner's, or the first that the study named."""
        if self.confirmed:
            return self.confirmed.recipe.data.name
        return next(iter(self.data), "")


def gather(storage: BaseStorage, name: str, url: str, results: Path, places: Places) -> Evidence:
    """Read everything. Raises `StudyError` where the storage has no such study."""
    study = load_study(storage, name)
    record, attrs = study_record(study), study.user_attrs
    confirmed = Confirmed.from_dict(attrs["confirmed"]) if "confirmed" in attrs else None
    gaps: list[str] = []
    return Evidence(
        study=name,
        title=record.title or name,
        record=record,
        confirmed=confirmed,
        winner=read_predictions(confirmed, lambda: held_out_of(confirmed.recipe.data, places), gaps)
        if confirmed
        else None,
        documents=assessments_of(attrs.get("data", {}), results, gaps),
        data=attrs.get("data", {}),
        storage=url,
        gaps=tuple(gaps),
        latencies=attrs.get("latencies", {}),
        anchors=(stored_references(attrs, confirmed.recipe, confirmed.measure) or ()) if confirmed else (),
        own=read_own_data(_recipes(record, confirmed), places, gaps),
    )


def _recipes(record: StudyRecord, confirmed: Confirmed | None) -> Iterator[Recipe]:
    """The winner's first: a study may have searched in several ways of seeing its data."""
    if confirmed:
        yield confirmed.recipe
    yield from (trial.recipe for trial in record.trials if trial.recipe)
