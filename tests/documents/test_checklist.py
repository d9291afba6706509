"""Everything that the five texts have is in a document's file: replicated, or left out with the reason.

`checklist.csv` was read out of the texts, line by line: a row for each experiment, figure, claim, plot, time, task and oddity,
with the lines of the text and what it prints there.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import DOCUMENTS
from tuner.documents.document import Document

ROWS = list(csv.DictReader((Path(__file__).parent / "checklist.csv").read_text(encoding="utf-8").splitlines()))
TEXTS = {
    "fashion-finetuning": "fashion-finetuning-lab.txt",
    "fashion-seventeen": "fashion-seventeen-models.txt",
    "mnist-parameters": "mnist-parameter-study.txt",
    "mnist-weight-decay": "mnist-weight-decay.txt",
    "usps-three-networks": "usps-three-networks.txt",
}
KINDS = ("experiment", "figure", "claim", "plot", "time", "task", "oddity")
COUNTS = {"experiment": 112, "figure": 206, "claim": 136, "plot": 53, "time": 24, "task": 46, "oddity": 56}


def listed(document: str, kind: str) -> dict[str, str]:
    """What the text of a document has of a kind: printed figures or the like by id."""
    prefix = f"{document}/"
    return {
        row["id"].removeprefix(prefix): row["printed"]
        for row in ROWS
        if row["id"].startswith(prefix) and row["kind"] == kind
    }


def held(document: Document, kind: str) -> Iterator[str]:
    """The ids that the file of a document has of a kind."""
    match kind:
        case "experiment":
            yield from (each.id for each in document.experiment if not each.added)
        case "figure":
            for each in document.experiment:
                yield from (f"{each.id}.{figure}" for figure in each.reported)
                yield from (f"{each.id}.{figure}" for figure in each.curve)
                yield from (f"{each.id}.log.{figure}" for figure in each.curve)
                yield from (f"{each.id}.{word}" for word in each.words)
        case "time":
            yield from (f"{each.id}.{word}" for each in document.experiment for word in each.words)
        case "claim":
            yield from (each.id for each in document.claim)
        case "plot":
            for drawing in document.drawing:
                yield from (drawing.id, *drawing.also)
        case "task":
            yield from document.task
        case "oddity":
            yield from (each.id for each in document.oddity)


def test_the_checklist_is_complete() -> None:
    assert Counter(row["kind"] for row in ROWS) == COUNTS
    assert len({(row["id"], row["kind"]) for row in ROWS}) == len(ROWS) == 633


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_everything_that_a_text_has_is_replicated_or_left_out_with_a_reason(name: str, kind: str) -> None:
    document = DOCUMENTS[name]
    there, omitted = set(held(document, kind)), document.omitted.get(kind, {})
    assert set(listed(name, kind)) - there == set(omitted), "in neither, or in both"
    assert all(len(reason) > 10 for reason in omitted.values())


@pytest.mark.parametrize("kind", ["experiment", "claim", "task", "oddity"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_is_ascribed_to_a_text_that_it_does_not_have(name: str, kind: str) -> None:
    """Further readings of one of its claims bear its name."""
    known = listed(name, kind)
    for id_ in held(DOCUMENTS[name], kind):
        assert any(id_ == each or (kind == "claim" and id_.startswith(f"{each}-")) for each in known), id_


@pytest.mark.parametrize("name", DOCUMENTS)
def test_figures_are_the_texts_digit_by_digit(name: str) -> None:
    """Each reported number is one of those that the text prints for it, as it stands there or as a share of a hundred."""
    printed = listed(name, "figure")
    for experiment in DOCUMENTS[name].experiment:
        figures = {f"{experiment.id}.{figure}": experiment.values(figure) for figure in experiment.reported}
        figures |= {f"{experiment.id}.log.{figure}": values for figure, values in experiment.curve.items()}
        figures |= {f"{experiment.id}.{figure}": values for figure, values in experiment.curve.items()}
        for id_, values in figures.items():
            if id_ in printed:
                numbers = [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*(?:\.\d+)?", printed[id_])]
                for value in values:
                    assert any(
                        abs(value - each) < 1e-6 * max(1, each) or abs(100 * value - each) < 2e-5 for each in numbers
                    ), (id_, value)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_claims_have_the_basis_that_the_text_gives_them(name: str) -> None:
    bases = listed(name, "claim")
    for claim in DOCUMENTS[name].claim:
        if claim.id in bases:
            assert claim.basis == bases[claim.id], claim.id


@pytest.mark.parametrize("name", TEXTS)
def test_what_the_checklist_has_is_printed_in_the_lines_that_it_names(name: str) -> None:
    """Against the text itself, where it lies: each printed number stands in one of the lines."""
    path = Path(__file__).parents[3] / "shared" / "documents" / TEXTS[name]
    if not path.exists():
        pytest.skip("the texts are not part of the project")
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [row for row in ROWS if row["id"].startswith(f"{name}/") and row["kind"] in ("figure", "time")]
    assert rows
    for row in rows:
        there = " ".join(text for first, last in _ranges(row["where"]) for text in lines[first - 1 : last])
        printed = re.findall(r"\d[\d,.]*\d|\d", row["printed"])
        missing = [each for each in printed if each not in there and each.replace(",", "") not in there]
        assert missing == [], (row["id"], row["where"])


def _ranges(where: str) -> Iterator[tuple[int, int]]:
    for first, last in re.findall(r"L(\d+)(?:–(\d+))?", where):
        yield int(first), int(last or first)
