"""The shipped documents and what the repository keeps of their runs, each loaded and judged once in a test session."""

from functools import cache
from pathlib import Path

from tuner.charts.content import Section
from tuner.documents.assessment import Assessment, assess
from tuner.documents.comparison import assessments_of
from tuner.documents.document import load_document
from tuner.documents.runs import read_results
from tuner.documents.section import document_section
from tuner.study.places import find_documents

RESULTS = Path(__file__).parents[2] / "reports" / "documents"
DOCUMENTS = {name: load_document(path) for name, path in find_documents("*").items()}


@cache
def assessed(name: str) -> Assessment:
    """A whole document, judged by the stored runs."""
    return assess(DOCUMENTS[name], read_results(RESULTS / f"{name}.json"))


@cache
def assessments(dataset: str) -> tuple[Assessment, ...]:
    """The documents about a data set, judged by the stored runs."""
    gaps: list[str] = []
    judged = assessments_of([dataset], RESULTS, gaps)
    assert judged
    assert gaps == []
    return judged


@cache
def sections(dataset: str) -> tuple[tuple[Assessment, Section], ...]:
    """The same with their sections of the report."""
    return tuple((each, document_section(each, ())) for each in assessments(dataset))
