"""The documents on a page, made of the results that the repository keeps: nothing is missing, every figure is the kept one."""

from statistics import fmean

import pytest

from tests.support.documents import assessments, sections
from tuner.charts import Chart, Dots
from tuner.charts.content import Paragraph, Picture, Section, Table
from tuner.charts.svg import draw
from tuner.documents.comparison import overview_section
from tuner.documents.drawings import interval
from tuner.documents.section import COLUMNS
from tuner.documents.verdicts import VERDICTS

DATASETS = ["fashion-mnist", "mnist", "usps", "spiral"]


def the_table(section: Section, ending: str) -> Table:
    """The one table of a section whose id ends so."""
    (found,) = (block for block in section.blocks if isinstance(block, Table) and block.id.endswith(ending))
    return found


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_picture_of_every_document_is_drawn(dataset: str) -> None:
    for document, section in sections(dataset):
        blocks = section.blocks
        assert [block.text for block in blocks if isinstance(block, Paragraph) and block.tone == "missing"] == []
        assert document.document.drawing
        drawn = {block.id for block in blocks if isinstance(block, Chart | Picture | Table)}
        for drawing in document.document.drawing:
            ids = {
                "regions": list(drawing.experiments),
                "layers": [f"{each}-layers" for each in drawing.experiments],
            }.get(drawing.kind, [drawing.id])
            assert {f"{document.document.name}-{each}" for each in ids} <= drawn
        for block in blocks:
            if isinstance(block, Chart):
                assert any(getattr(mark, "points", ()) or getattr(mark, "values", ()) for mark in block.marks)
                assert "nan" not in draw(block)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_figure_has_its_row(dataset: str) -> None:
    for document, section in sections(dataset):
        rows = the_table(section, "-figures").rows
        judged = [(row, each) for row in document.rows for each in row.chosen.figures]
        assert len(rows) == len(judged)
        for (title, *cells), (row, each) in zip(rows, judged, strict=True):
            shown = dict(zip(COLUMNS, cells, strict=True))
            assert (title, shown["verdict"]) == (row.experiment.title, each.verdict)
            assert shown["figure"] == each.figure.replace("_", " ")
            assert shown["runs"] == len(row.chosen.runs)
            assert {shown["verdict"], shown["first readings"], shown["best reading"]} <= set(VERDICTS)
            if each.points is None and each.measured and each.figure != "layer_parameters":
                mean = float(str(shown["measured"]).replace(",", "").partition(" ±")[0])
                assert mean == pytest.approx(fmean(each.measured), rel=2e-3, abs=6e-5)


def test_a_documents_own_table_has_every_row_with_reported_and_ours() -> None:
    ((document, section),) = sections("usps")
    tables = {getattr(block, "id", ""): block for block in section.blocks}
    own, omitted = (tables[f"document-usps-three-networks-{each}"] for each in ("own", "omitted"))
    assert isinstance(own, Table)
    assert isinstance(omitted, Table)
    columns, rows = own.columns, own.rows
    experiments = [row.experiment for row in document.rows if not row.experiment.added]
    assert [row[0] for row in rows] == [each.title for each in experiments]
    place = columns.index("test accuracy, reported")
    (network,) = [row for row in rows if row[0] == "Convolutional"]
    assert network[place] == "0.9686"
    ours = fmean(run.figures["test_accuracy"] for run in document.row("cnn").chosen.runs)
    assert str(network[place + 1]).startswith(f"{ours:.4f}")
    assert all(row[place + 1] is not None for row in rows), "every experiment with its numbers"
    assert ("figure", "fc-momentum.epochs", "About 10 epochs: so many the recipes have.") in omitted.rows


def test_a_drawing_shows_what_the_document_means_by_a_figure() -> None:
    """The fine-tuning lab's accuracies are means over the epochs; so are ours beside them."""
    ((document, section),) = (
        each for each in sections("fashion-mnist") if each[0].document.name == "fashion-finetuning"
    )
    assert "means over the epochs" in document.chosen_readings
    runs = document.row("epochs-50").chosen.runs
    (chart,) = (block for block in section.blocks if getattr(block, "id", "").endswith("-epochs"))
    assert isinstance(chart, Chart)
    (dots,) = (mark for mark in chart.marks if isinstance(mark, Dots) and mark.name == "training accuracy, ours")
    epochs, accuracy = dots.points[-1]
    assert epochs == 50
    assert accuracy == pytest.approx(fmean([fmean(run.curve["training_accuracy"]) for run in runs]))


def test_the_overview_has_every_network() -> None:
    found = assessments("mnist")
    (chart,) = overview_section(found, {"mnist"}, None).blocks
    assert isinstance(chart, Chart)
    assert list(chart.y.names) == [row.experiment.title for each in found for row in each.rows]
    dots = [
        mark for mark in chart.marks if isinstance(mark, Dots) and mark.name in {each.document.name for each in found}
    ]
    shown = {place: wrong for mark in dots for wrong, place in mark.points}
    assert len(shown) == len(chart.y.names), "none stands at an edge"
    rows = [row for each in found for row in each.rows]
    for place, row in enumerate(rows):
        accuracies = [run.figures["test_accuracy"] for run in row.chosen.runs]
        assert shown[place] == pytest.approx(max(1 - fmean(accuracies), 5e-4))


def test_intervals_of_accuracies_end_at_one() -> None:
    assert interval([0.1, 0.9, 0.95])[1] == 1.0
    assert interval([0.1, 0.9, 0.95], accuracy=False)[1] > 1.0
    assert interval([0.7]) == (0.7, 0.7)
