"""The documents on a page, made of the results that the repository keeps: nothing is missing, every figure is the kept one."""

import re
from statistics import fmean, median

import pytest

from tests.support.documents import assessed, assessments, sections
from tuner.charts import Chart, Dots, Line, Paths
from tuner.charts.content import Paragraph, Picture, Section, Table
from tuner.charts.svg import draw
from tuner.commands.replication import print_replication
from tuner.documents.assessment import WAYS, count
from tuner.documents.comparison import overview_section
from tuner.documents.section import COLUMNS, Searched, document_section
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
            assert {shown[each] for each in ("chosen without the row", "fixed before", "the row's own")} <= set(
                VERDICTS
            )
            if "±" in str(shown["measured"]) and "diverged" not in str(shown["measured"]):
                mean = float(str(shown["measured"]).replace(",", "").partition(" ±")[0])
                assert mean == pytest.approx(fmean(each.measured), rel=2e-3, abs=6e-5)


def test_a_documents_own_table_has_every_row_with_reported_ours_and_the_verdict() -> None:
    ((document, section),) = sections("usps")
    own, omitted = the_table(section, "-own"), the_table(section, "-omitted")
    columns, rows = own.columns, own.rows
    experiments = [row.experiment for row in document.rows if not row.experiment.added]
    assert [row[0] for row in rows[:-2]] == [each.title for each in experiments]
    place = columns.index("test accuracy, reported")
    (network,) = [row for row in rows if row[0] == "Convolutional"]
    (judged,) = [each for each in document.row("cnn").chosen.figures if each.figure == "test_accuracy"]
    assert network[place] == "0.9686"
    ours = fmean(run.figures["test_accuracy"] for run in document.row("cnn").chosen.runs)
    assert str(network[place + 1]).startswith(f"{ours:.4f}")
    assert str(network[place + 2]).startswith(judged.verdict)
    assert all(row[place + 1] is not None for row in rows), "every experiment with its numbers"
    assert all(any(row[column] is not None for row in rows) for column in range(len(columns))), "no column is empty"
    assert ("figure", "fc-momentum.epochs", "About 10 epochs: so many the recipes have.") in omitted.rows


def test_searches_stand_beside_a_documents_table_at_their_cost() -> None:
    ((document, section),) = sections("usps")
    (*_, best, affordable) = the_table(section, "-own").rows
    assert best[0] == "The search, at its best"
    assert str(affordable[0]).startswith("The search, at the cost of this table, ")
    assert "not searched at this cost" in best
    searches = [
        Searched("dear", "usps", 0.99, 1e6),
        Searched("cheap", "usps", 0.98, 60.0),
        Searched("other", "mnist", 1.0),
    ]
    beside = document_section(document, searches)
    (*_, best, affordable) = the_table(beside, "-own").rows
    assert {"0.9900", "1,000,000.0"} <= {*best}
    assert {"0.9800", "60.0"} <= {*affordable}
    came = [block.text for block in beside.blocks if isinstance(block, Paragraph)][2]
    assert came.endswith("The search “cheap” reaches 0.9800 after 1 min 0 s of training.")
    assert "other" not in came


@pytest.mark.parametrize("dataset", DATASETS)
def test_three_lines_say_what_a_document_is_and_what_came_of_it(dataset: str) -> None:
    for document, section in sections(dataset):
        lines = [block.text for block in section.blocks[:3] if isinstance(block, Paragraph)]
        starts = ("What it is: ", "What was replicated: ", "What came of it: ")
        assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 3
        counts = {way: count(document, way) for way in WAYS}
        assert f" {counts['chosen'].reproduced} of the {counts['chosen'].checked} figures are reproduced" in lines[1]
        assert f"together are sharp for {counts['chosen'].reports} experiments." in lines[1]
        assert "A setting that the document leaves open has one value for all experiments: " in lines[1]
        assert (f" Not reproduced: {counts['chosen'].differing}, of " in lines[1]) is (counts["chosen"].differing > 0)
        rows = the_table(section, "-ways").rows
        assert [(row[0], f"{row[1]} + {row[2]}", row[4], row[5]) for row in rows] == [
            (WAYS[way], f"{each.reproduced} + {each.close}", each.sharp, each.reports) for way, each in counts.items()
        ]


def test_the_terminal_shows_the_parameters_of_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    print_replication(assessed("mnist-weight-decay").restricted_to({"dense-64"}))
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "layer parameters" in line]
    assert row.count("50,240, 4,160, 650") == 2, "reported and ours"


@pytest.mark.parametrize("dataset", DATASETS)
def test_nothing_on_a_page_is_nan_or_beyond_reading(dataset: str) -> None:
    for _, section in sections(dataset):
        for block in section.blocks:
            if isinstance(block, Table):
                texts = " ".join(str(cell) for row in block.rows for cell in row)
                assert not re.search(r"\bnan\b|\binf\b|\d,\d{3},\d{3},\d{3}", texts)
            if isinstance(block, Chart):
                assert 'data-tip=":' not in draw(block)


def test_curves_have_their_losses_too_and_single_runs_stay_visible() -> None:
    charts = {
        block.id: block
        for _, section in sections("fashion-mnist")
        for block in section.blocks
        if isinstance(block, Chart)
    }
    accuracy, loss = charts["fashion-seventeen-1_4"], charts["fashion-seventeen-1_4-loss"]
    assert (accuracy.y.label, loss.y.label) == ("accuracy", "loss")
    (document,) = (each for each, _ in sections("fashion-mnist") if each.document.name == "fashion-seventeen")
    runs = document.row("1_4").chosen.runs
    lines = [mark.lines for mark in accuracy.marks if isinstance(mark, Paths)]
    assert [len(each) for each in lines] == [len(runs), len(runs)]
    for run in runs:
        assert all(map(accuracy.y.is_within, run.curve["training_accuracy"])), "old and new runs are seen"


def test_an_axis_shows_the_claimed_differences_although_some_runs_fail() -> None:
    charts = {
        block.id: block for _, section in sections("mnist") for block in section.blocks if isinstance(block, Chart)
    }
    chart = charts["mnist-parameters-rate"]
    assert chart.y.low is not None
    assert chart.y.low > 0.9
    assert "which lie beyond the axis (0.0991" in chart.note
    assert chart.x.at == (0.01, 0.05, 0.1, 0.2, 0.4, 0.8)


def test_a_drawing_shows_what_the_document_means_by_a_figure() -> None:
    """The fine-tuning lab's accuracies are means over the epochs; so are ours beside them."""
    ((document, section),) = (
        each for each in sections("fashion-mnist") if each[0].document.name == "fashion-finetuning"
    )
    assert "means over the epochs" in document.document.reading_name(document.choice)
    runs = document.row("epochs-50").chosen.runs
    (chart,) = (block for block in section.blocks if getattr(block, "id", "").endswith("-epochs"))
    assert isinstance(chart, Chart)
    (line,) = (mark for mark in chart.marks if isinstance(mark, Line) and mark.name == "training accuracy")
    epochs, accuracy = line.points[-1]
    assert epochs == 50
    assert accuracy == pytest.approx(median(fmean(run.curve["training_accuracy"]) for run in runs))


def test_the_overview_has_every_network() -> None:
    found = assessments("mnist")
    (chart,) = overview_section(found, {"mnist"}, None).blocks
    assert isinstance(chart, Chart)
    rows = [row for each in found for row in each.rows if row.chosen.runs[0].dataset == "mnist"]
    assert list(chart.y.names) == [row.experiment.title for row in rows]
    dots = [
        mark for mark in chart.marks if isinstance(mark, Dots) and mark.name in {each.document.name for each in found}
    ]
    shown = {place: wrong for mark in dots for wrong, place in mark.points}
    assert len(shown) == len(chart.y.names), "none stands at an edge"
    for place, row in enumerate(rows):
        accuracies = [run.figures["test_accuracy"] for run in row.chosen.runs]
        assert shown[place] == pytest.approx(max(1 - fmean(accuracies), 5e-4))
