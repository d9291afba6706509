"""The documents on a page, made of the results that the repository keeps: nothing is missing, every figure is the kept one."""

from pathlib import Path
from statistics import fmean

import pytest

from tuner.charts import Chart, Dots
from tuner.charts.svg import draw
from tuner.documents.verdicts import VERDICTS, JudgedCurve
from tuner.report.content import Paragraph, Picture, Section, Table
from tuner.report.drawings import interval
from tuner.report.evidence import DocumentEvidence, Evidence, documents_about
from tuner.report.sections.documents import baselines_section, document_section
from tuner.storage import StudyRecord

RESULTS = Path(__file__).parents[2] / "reports" / "documents"
DATASETS = ["fashion-mnist", "mnist", "usps", "spiral"]


def documents(dataset: str) -> tuple[DocumentEvidence, ...]:
    """What the repository keeps about a data set."""
    gaps: list[str] = []
    found = documents_about([dataset], RESULTS, gaps)
    assert found
    assert gaps == []
    return found


def the_table(section: Section, ending: str) -> Table:
    """The one table of a section whose id ends so."""
    (found,) = (block for block in section.blocks if isinstance(block, Table) and block.id.endswith(ending))
    return found


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_picture_of_every_document_is_drawn(dataset: str) -> None:
    for document in documents(dataset):
        blocks = document_section(document).blocks
        assert [block.text for block in blocks if isinstance(block, Paragraph) and block.tone == "missing"] == []
        assert document.assessment.document.drawing
        drawn = {block.id for block in blocks if isinstance(block, Chart | Picture | Table)}
        for drawing in document.assessment.document.drawing:
            ids = drawing.experiments if drawing.kind == "regions" else [drawing.id]
            assert {f"{document.name}-{each}" for each in ids} <= drawn
        for block in blocks:
            if isinstance(block, Chart):
                assert any(getattr(mark, "points", ()) or getattr(mark, "values", ()) for mark in block.marks)
                assert "nan" not in draw(block)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_figure_has_its_row(dataset: str) -> None:
    for document in documents(dataset):
        rows = the_table(document_section(document), "-figures").rows
        judged = [(row, each) for row in document.assessment.rows for each in row.chosen.all]
        assert len(rows) == len(judged)
        for (title, figure, _, measured, runs, verdict, _), (row, each) in zip(rows, judged, strict=True):
            assert (title, verdict) == (row.experiment.title, each.verdict)
            assert (figure, runs) == (each.figure.replace("_", " "), len(document.chosen(row.experiment.id)))
            if not isinstance(each, JudgedCurve) and each.measured:
                shown = float(str(measured).replace(",", "").partition(" ±")[0])
                assert shown == pytest.approx(fmean(each.measured), rel=2e-3)
        assert {str(row[5]) for row in rows} <= set(VERDICTS)


def test_a_drawing_shows_what_the_document_means_by_a_figure() -> None:
    """The fine-tuning lab's accuracies are means over the epochs; so are ours beside them."""
    (document,) = (each for each in documents("fashion-mnist") if each.name == "fashion-finetuning")
    assert "means over the epochs" in document.assessment.chosen
    runs = document.chosen("epochs-50")
    (chart,) = (block for block in document_section(document).blocks if getattr(block, "id", "").endswith("-epochs"))
    assert isinstance(chart, Chart)
    (dots,) = (mark for mark in chart.marks if isinstance(mark, Dots) and mark.name == "training accuracy, ours")
    epochs, accuracy = dots.points[-1]
    assert epochs == 50
    assert accuracy == pytest.approx(fmean([fmean(run.curve["training_accuracy"]) for run in runs]))


def test_the_overview_has_every_network() -> None:
    found = documents("mnist")
    record = StudyRecord("mnist", "", {}, ("validation_accuracy",), ())
    evidence = Evidence("mnist", "MNIST", record, None, None, found, {"mnist": "abc"}, "sqlite://", ())
    chart, table = baselines_section(evidence).blocks
    assert isinstance(chart, Chart)
    assert isinstance(table, Table)
    experiments = [row.experiment.title for each in found for row in each.assessment.rows]
    assert list(chart.y.names) == experiments
    assert {row[1] for row in table.rows} <= set(experiments)


def test_accuracies_do_not_reach_beyond_all() -> None:
    assert interval([0.1, 0.9, 0.95])[1] == 1.0
    assert interval([0.1, 0.9, 0.95], accuracy=False)[1] > 1.0
    assert interval([0.7]) == (0.7, 0.7)
