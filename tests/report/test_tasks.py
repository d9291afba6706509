"""Reports fit the task: classes, labels and numbers of the user's own tables and images."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from tests.support.pages import checked
from tuner.base.metric_functions import compute_metrics
from tuner.base.metrics import Task
from tuner.charts import Cells, Chart, Dots, Hexes, Line
from tuner.charts.content import Page, Picture, Table
from tuner.data.load import held_out
from tuner.data.sources import Places
from tuner.report.index import index_page
from tuner.report.sections.pictures import image_grid
from tuner.report.sections.regression import DOTS, scatter_mark
from tuner.report.write import write_report
from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.search.studies import open_study
from tuner.storage import default_url, open_storage
from tuner.storage.confirmed import Confirmed
from tuner.storage.records import recipe_attributes, store_result
from tuner.study import load

STUDY = """
objective = "validation_{measure}"
[search]
pruner = "none"
[recipe.data]
{data}
[recipe.protocol]
kind = "holdout"
[recipe.training]
loss = "{loss}"
epochs = 2
[recipe.network]
kind = "dense"
output = "{output}"
widths = [4]
"""
LOSSES: dict[Task, tuple[str, str]] = {
    "classification": ("sparse_categorical_crossentropy", "softmax"),
    "multi_label": ("binary_crossentropy", "sigmoid"),
    "regression": ("mean_squared_error", "linear"),
}
TABLE = (
    'kind = "table"\npath = "own.csv"\ncolumns = [{ name = "a", kind = "number" }, { name = "b", kind = "category" }]\n'
)
ROWS = 80

Outputs = Callable[[NDArray[Any]], NDArray[Any]]
"""The outputs of a network for true values."""


def frame() -> pd.DataFrame:
    """A number with gaps, a category, and targets that follow from them."""
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=ROWS), chance.choice(["north | east", "<south>"], ROWS)
    frame = pd.DataFrame({"a": a, "b": b, "size": 20 + 3 * a, "age": 100 * a**2, "sick": np.where(a > 0, "yes", "no")})
    frame["hot"], frame["wet"] = (a > 0.5).astype(int), (b == "<south>").astype(int)
    frame.loc[::10, "a"] = np.nan
    return frame


def reported(
    folder: Path, task: Task, measure: str, data: str, outputs: Outputs, tested: bool = True
) -> tuple[Page, dict[str, Any], Places]:
    """The report on a study with one trial and two confirmed networks, all without training; its summary."""
    places, path, url = Places(None, folder / "cache"), folder / "own.toml", default_url(folder)
    loss, output = LOSSES[task]
    path.write_text(STUDY.format(measure=measure, data=data, loss=loss, output=output))
    file = load(path, "own", (), places)
    study, *_ = open_study(open_storage(url), file)
    recipe = file.corners[0][1]
    finished(study, file.corners[0][1], task, measure)
    true = held_out(recipe.data, places).examples.labels
    predictions = np.stack([outputs(true), outputs(true)]) if tested else np.empty(0)
    stored = predictions.astype(np.float32 if task == "regression" else np.float16)  # as a test stores them
    np.savez(folder / "predictions.npz", outputs=stored, best=0)
    figures = compute_metrics(task, predictions[0], true) if tested else {}
    confirmed = Confirmed(
        trial=0,
        recipe=recipe,
        seeds=(1000, 1001),
        validation=(0.5, 0.4),
        test=figures.get(measure),
        test_loss=0.5 if tested else None,
        test_interval=(0.2, 0.8) if tested else None,
        test_examples=len(true),
        model=folder / "best.keras",
        tests=(figures[measure],) * 2 if tested else (),
        curves=({"training_loss": [2.0, 1.0], "validation_loss": [2.0, 1.5], f"validation_{measure}": [0.1, 0.5]},) * 2,
        predictions=folder / "predictions.npz" if tested else None,
        measure=measure,
        test_figures=figures,
    )
    study.set_user_attr("data", {recipe.data.name: "abc"})
    study.set_user_attr("confirmed", confirmed.to_dict())
    page = write_report(url, "own", folder / "none", places, folder / "out")
    html = checked(folder / "out", page)
    assert "document" not in html.split("<main>")[1].split("</section>")[0]
    if measure != "accuracy":
        texts = [*(chart.x.label + chart.y.label + chart.title for chart in page.charts()), *page_texts(page)]
        assert not [each for each in texts if "accuracy" in each and "balanced" not in each]
    return page, json.loads((folder / "out" / "summary.json").read_text()), places


def page_texts(page: Page) -> list[str]:
    """Titles and column names of tables, and the notes of all blocks."""
    tables = [block for block in page.blocks() if isinstance(block, Table)]
    return [text for table in tables for text in (table.title, table.note, *table.columns)]


def finished(study: optuna.Study, recipe: Any, task: Task, measure: str) -> None:
    """A trial with a result."""
    trial = study.ask()
    for name, value in recipe_attributes(recipe, {}).items():
        trial.set_user_attr(name, value)
    scores = Scores(loss=1.0, figures={measure: 0.5} | ({"rmse": 7.0} if task == "regression" else {}))
    epoch = Epoch(fold=0, number=1, training=scores, validation=scores, learning_rate=0.1, seconds=0.1)
    store_result(
        trial,
        Result(folds=(FoldResult(epochs=(epoch,), kept=1),), ended="finished", reason="", parameters=10, seconds=0.1),
    )
    study.tell(trial, 0.5)


def table(page: Page, id_: str) -> Table:
    """A table of the page."""
    (found,) = [block for block in page.blocks() if isinstance(block, Table) and block.id == id_]
    return found


def chart(page: Page, id_: str) -> Chart:
    """A chart of the page."""
    (found,) = [each for each in page.charts() if each.id == id_]
    return found


def test_damaged_predictions_are_a_gap_of_the_report(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "own.csv", index=False)
    data = f'{TABLE}task = "regression"\ntarget = "size"\n'
    *_, places = reported(tmp_path, "regression", "rmse", data, lambda true: true)
    path = tmp_path / "predictions.npz"
    whole, others = path.read_bytes(), np.zeros((1, 3, 1), np.float32)
    damages: tuple[bytes | dict[str, Any], ...] = (
        b"",
        whole[:-40],
        whole[:200] + bytes(200) + whole[400:],
        {"outputs": others},
        {"outputs": others, "best": 0},
        {"outputs": np.array("text"), "best": 0},
    )
    for damage in damages:
        path.write_bytes(damage) if isinstance(damage, bytes) else np.savez(path, **damage)
        page = write_report(default_url(tmp_path), "own", tmp_path / "none", places, tmp_path / "again")
        assert "is damaged, or is of other examples." in (tmp_path / "again" / "report.md").read_text()
        assert not [each for each in page.charts() if each.id == "winner-predicted"]


@pytest.mark.slow
def test_numbers_are_compared_with_the_true_ones_and_columns_are_described(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "own.csv", index=False)
    data = f'{TABLE}task = "regression"\ntarget = "size"\n'
    shift = np.linspace(-1, 2, ROWS // 5)[:, None]
    page, summary, _ = reported(tmp_path, "regression", "rmse", data, lambda true: true + shift)

    (dots,) = [mark for mark in chart(page, "winner-predicted").marks if isinstance(mark, Dots)]
    assert len(dots.points) == ROWS // 5
    assert [y - x for x, y in dots.points] == pytest.approx(shift.ravel().tolist(), abs=1e-5)
    (residuals,) = [mark for mark in chart(page, "winner-residuals").marks if isinstance(mark, Dots)]
    assert [y for _, y in residuals.points] == pytest.approx(shift.ravel().tolist(), abs=1e-5)
    assert table(page, "winner-worst").columns[-2:] == ("a", "b")
    row, true, _, apart, *values = table(page, "winner-worst").rows[0]
    own = frame().iloc[int(str(row)) - 1]
    assert values == [None if np.isnan(own["a"]) else f"{own['a']:.5g}", own["b"]], "the values of the row"
    assert apart == pytest.approx(2.0, abs=1e-5)
    assert frame()["size"][int(str(row)) - 1] == pytest.approx(true, abs=1e-4), "the row of the file"

    rmse = float(np.sqrt((shift**2).mean()))
    figures = {name: value for name, value, *_ in table(page, "winner-figures").rows}
    assert figures["RMSE"] == pytest.approx(rmse, abs=1e-5)
    assert summary["answer"][0].startswith(f"The final model, a dense 4 relu network, has a test RMSE of {rmse:.4g}")
    assert summary["task"] == "regression"
    columns = pd.read_csv(tmp_path / "out" / "trials.csv").columns
    assert {"validation_rmse", "validation_loss"} <= set(columns)

    (a, b) = table(page, "data-columns").rows
    assert a[:2] == ("a", "number")
    assert str(a[3]).endswith(" %")
    assert b[:4] == ("b", "category", 2, None)
    assert set(str(b[4]).split(", ")) == {"<south>", "north | east"}
    assert [row[0] for row in table(page, "data-targets").rows] == ["size"]


@pytest.mark.slow
def test_several_targets_have_charts_and_figures_each(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "own.csv", index=False)
    data = f'{TABLE}task = "regression"\ntarget = ["size", "age"]\n'
    page, *_ = reported(tmp_path, "regression", "r2", data, lambda true: true + np.array([1.0, 10.0]))
    rows = table(page, "winner-targets").rows
    assert [row[0] for row in rows] == ["size", "age"]
    for row, apart in zip(rows, (1.0, 10.0), strict=True):
        assert row[3] == pytest.approx(apart, abs=1e-4), "RMSE"
        assert row[5] == pytest.approx(apart, abs=1e-4), "MAE"
    assert {"winner-predicted-1", "winner-predicted-2", "winner-errors-2"} <= {each.id for each in page.charts()}


@pytest.mark.slow
def test_two_classes_have_curves_over_thresholds(tmp_path: Path) -> None:
    frame().assign(copy=lambda rows: rows["a"]).to_csv(tmp_path / "own.csv", index=False)
    scores = np.random.default_rng(1).random(ROWS // 5)

    def outputs(true: NDArray[Any]) -> NDArray[Any]:
        second = 0.3 * true + 0.7 * scores
        return np.stack([1 - second, second], axis=1)

    page, _, places = reported(tmp_path, "classification", "roc_auc", f'{TABLE}target = "sick"\n', outputs)
    labels = labels_of(tmp_path, places)
    area = roc_auc_score(labels, outputs(labels)[:, 1])
    assert f"(ROC AUC) {area:.4f}." in chart(page, "winner-roc").note
    precise = average_precision_score(labels, outputs(labels)[:, 1])
    assert chart(page, "winner-precision").note.startswith(f"Average precision of yes {precise:.4f};")
    (curve,) = [mark for mark in chart(page, "winner-roc").marks if isinstance(mark, Line) and not mark.dashed]
    assert (curve.points[0], curve.points[-1]) == ((0.0, 0.0), (1.0, 1.0))
    x, y = np.array(curve.points).T
    assert np.trapezoid(y, x) == pytest.approx(area)
    wrong = int((outputs(labels).argmax(1) != labels).sum())
    mistakes = table(page, "winner-mistakes")
    assert len(mistakes.rows) == wrong > 0
    assert "rows of own.csv, counted from 1" in mistakes.note
    for row, true, *_, b in mistakes.rows:
        own = frame().iloc[int(str(row)) - 1]
        assert (true, b) == (own["sick"], own["b"]), "the row of the file, also after a stratified split"
    left_out = table(page, "data-left-out").rows
    assert ("size", "not among the columns of the study file") in left_out
    assert ("copy", "equals a") in left_out
    (cells,) = chart(page, "winner-confusion").marks
    assert isinstance(cells, Cells)
    assert chart(page, "winner-confusion").x.names == ("no", "yes")


def test_a_metric_has_one_value_on_the_whole_page(tmp_path: Path) -> None:
    """Stored outputs are rounded to half precision: near one half many of them are equal, and the area is another one."""
    frame().to_csv(tmp_path / "own.csv", index=False)
    ranks = np.random.default_rng(4).permutation(ROWS // 5)

    def outputs(true: NDArray[Any]) -> NDArray[Any]:
        second = 0.5001 + 1e-6 * (ranks + 3 * true)
        return np.stack([1 - second, second], axis=1)

    page, summary, _ = reported(tmp_path, "classification", "roc_auc", f'{TABLE}target = "sick"\n', outputs)
    area = summary["confirmed"]["test_figures"]["roc_auc"]
    assert ("ROC AUC", area) in [row[:2] for row in table(page, "winner-figures").rows]
    assert f"(ROC AUC) {area:.4f}." in chart(page, "winner-roc").note


def test_mistakes_have_their_row_in_the_file_where_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    own = frame()
    own.loc[::7, "size"] = np.nan
    own.to_csv(tmp_path / "own.csv", index=False)
    data = f'{TABLE}task = "regression"\ntarget = "size"\ndrop_missing_target = true\n'
    page, *_ = reported(tmp_path, "regression", "rmse", data, lambda true: true + 1)
    for row, true, *_ in table(page, "winner-worst").rows:
        assert own["size"][int(str(row)) - 1] == pytest.approx(true, abs=1e-4)


def labels_of(folder: Path, places: Places) -> NDArray[Any]:
    """The true labels of the test part of the study in a folder."""
    recipe = load(folder / "own.toml", "own", (), places).corners[0][1]
    return np.asarray(held_out(recipe.data, places).examples.labels)


@pytest.mark.slow
def test_each_label_has_its_metrics(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "own.csv", index=False)
    chance = np.random.default_rng(2).random((ROWS // 5, 2))
    data = f'{TABLE}task = "multi_label"\ntarget = ["hot", "wet"]\n'

    def outputs(true: NDArray[Any]) -> NDArray[Any]:
        return 0.4 * true + 0.6 * chance

    page, _, places = reported(tmp_path, "multi_label", "macro_f1", data, outputs)
    labels = labels_of(tmp_path, places)
    rows = table(page, "winner-labels").rows
    assert [row[0] for row in rows] == ["hot", "wet"]
    for place, row in enumerate(rows):
        true, probability = labels[:, place], outputs(labels)[:, place]
        assert row[3] == pytest.approx(f1_score(true, probability > 0.5))
        assert row[4] == pytest.approx(roc_auc_score(true, probability), abs=1e-6)
        assert row[5] == pytest.approx(average_precision_score(true, probability), abs=1e-6)
    assert chart(page, "winner-calibration").marks


@pytest.mark.slow
def test_without_a_test_part_there_are_no_test_figures(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "own.csv", index=False)
    data = f'{TABLE}target = "sick"\ntest = {{ share = 0.0 }}\n'
    _, summary, _ = reported(tmp_path, "classification", "log_loss", data, lambda true: true, tested=False)
    assert "there is no test part: nothing was tested" in summary["answer"][0]
    assert "winner-figures" not in summary["tables"]
    assert any("Nothing was held out" in gap for gap in summary["gaps"])
    index = index_page({"own": summary}, ()).sections[0].blocks[0]
    assert isinstance(index, Table)
    assert index.rows[0][3:5] == ("log loss", None)


def mostly_wrong(true: NDArray[Any]) -> NDArray[Any]:
    """Probability 1 for the wrong one of two classes, except for the first example."""
    return np.eye(2)[np.where(np.arange(len(true)) == 0, true, 1 - true)]


@pytest.mark.slow
def test_coloured_pictures_of_any_size_are_shown(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(20):
            pixels = chance.integers(0, 256, (12, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    data = 'kind = "images"\npath = "pets"\nsize = [12, 30]\ncolor = true\n'
    page, *_ = reported(tmp_path, "classification", "accuracy", data, mostly_wrong)
    pictures = {block.id: block for block in page.blocks() if isinstance(block, Picture)}
    assert {"winner-pair-1", "winner-pair-2", "winner-hard"} == pictures.keys()
    assert pictures["winner-pair-1"].png[25] == 2, "three channels"
    assert pictures["winner-pair-1"].title == "dog, taken for cat: 4 of 4"
    assert int.from_bytes(pictures["winner-pair-1"].png[16:20], "big") == 4 * 30 + 3 * 2


def test_large_pictures_are_shrunk_to_means() -> None:
    image = np.zeros((400, 200, 3), np.uint8)
    image[:, 100:] = 200
    small = np.asarray(Image.open(io.BytesIO(image_grid([image], 1, 0, 255))))
    assert small.shape == (100, 50, 3)
    assert small[:, 25:].min() == 200
    assert small[:, :25].max() == 0
    assert Image.open(io.BytesIO(image_grid([image[:40, :40]], 1, 0, 255))).size == (40, 40)


@pytest.mark.parametrize("spread", [1.0, 0.0])
def test_many_points_are_counted_in_hexagons(spread: float) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 5 * DOTS)) * spread
    hexes = scatter_mark("points", x, y, str)
    assert isinstance(hexes, Hexes)
    assert sum(hexes.counts) == 5 * DOTS
    middle = np.average(hexes.points, axis=0, weights=hexes.counts)
    assert middle == pytest.approx([x.mean(), y.mean()], abs=0.02)
