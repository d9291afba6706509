"""Everything that a report is made of, gathered once: the study in the storage, its confirmed winner with what it predicts, and
the judged documents about the same data."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from optuna.storages import BaseStorage

from tuner.data.catalogue import CATALOGUE, with_families
from tuner.data.load import Places, held_out_of
from tuner.documents.assessment import Assessment, Row
from tuner.documents.assessor import Assessor, measured_as, values_of
from tuner.documents.document import load_document
from tuner.documents.experiment import Experiment
from tuner.documents.results import read_results
from tuner.documents.runs import Run
from tuner.outcome import Outcome
from tuner.recipe import Recipe
from tuner.references import ReferenceModel
from tuner.report.own_data import OwnData, read_own_data
from tuner.report.predictions import Predictions, read_predictions
from tuner.storage import StudyRecord, load_study, study_record
from tuner.storage.confirmed import Confirmed
from tuner.storage.references import kept_anchors
from tuner.study.places import find_documents


@dataclass(frozen=True)
class DocumentEvidence:
    """A document about the study's data, judged by its kept runs."""

    name: str
    assessment: Assessment
    runs: tuple[Run, ...]

    @cached_property
    def _rows(self) -> Mapping[str, Row]:
        return {row.experiment.id: row for row in self.assessment.rows}

    @cached_property
    def _variants(self) -> Mapping[tuple[str, str], Sequence[Run]]:
        found: dict[tuple[str, str], list[Run]] = {}
        for run in self.runs:
            found.setdefault((run.experiment, run.reading), []).append(run)
        return found

    def experiment(self, id_: str) -> Experiment:
        """One of its experiments."""
        return self._rows[id_].experiment

    def values(self, figure: str, runs: Sequence[Run]) -> list[float]:
        """What runs of one reading have of a reported figure."""
        return values_of(measured_as(figure, self.assessment.document.measured(runs[0].reading)), runs) if runs else []

    def chosen(self, id_: str) -> tuple[Run, ...]:
        """The runs of an experiment under the readings that explain the document best."""
        return tuple(self._variants.get((id_, self._rows[id_].chosen.reading), ()))


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
    documents: tuple[DocumentEvidence, ...]
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
        documents=documents_about(attrs.get("data", {}), results, gaps),
        data=attrs.get("data", {}),
        storage=url,
        gaps=tuple(gaps),
        latencies=attrs.get("latencies", {}),
        anchors=(kept_anchors(attrs, confirmed.recipe, confirmed.measure) or ()) if confirmed else (),
        own=read_own_data(_recipes(record, confirmed), places, gaps),
    )


def _recipes(record: StudyRecord, confirmed: Confirmed | None) -> Iterator[Recipe]:
    """The winner's first: a study may have searched in several ways of seeing its data."""
    if confirmed:
        yield confirmed.recipe
    yield from (trial.recipe for trial in record.trials if trial.recipe)


def documents_about(datasets: Collection[str], results: Path, gaps: list[str]) -> tuple[DocumentEvidence, ...]:
    """What documents have about some data sets and their families, with what the results folder has of them."""
    found, datasets = [], with_families(datasets)
    for name, path in find_documents("*").items():
        document = load_document(path).about(datasets)
        if not document.experiment:
            continue
        ids = {each.id for each in document.experiment}
        runs = tuple(run for run in read_results(results / f"{name}.json") if run.experiment in ids)
        if not runs:
            gaps.append(f"The document {name} has not been replicated: python -m tuner baseline --document {name}")
        found.append(DocumentEvidence(name, Assessor(document, runs).assess(), runs))
    return tuple(found)


def class_names(dataset: str) -> Sequence[str]:
    """The names of a data set's classes."""
    return CATALOGUE[dataset].classes if dataset in CATALOGUE else ()
