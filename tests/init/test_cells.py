"""How the cells of a table are read: `init` says it, writes it into the study file, and the study reads them so."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tuner.__main__ import run
from tuner.data.load import coding_of, training_set
from tuner.data.sources import Places
from tuner.recipe import Recipe, Table
from tuner.study import load

ROWS = 60
NOISE = np.random.default_rng(0).normal(size=ROWS)
MONTHS = pd.date_range("2004-01-01", periods=ROWS, freq="MS")
LABEL = np.where(MONTHS.month.isin([5, 6, 7, 8]), "warm", "cold")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command runs in a folder of its own, with the test session's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)


def begun(capsys: pytest.CaptureFixture[str], frame: pd.DataFrame, *options: str) -> tuple[str, Recipe]:
    """What `init` prints about a table with the target `y`, and a recipe of the study that it writes."""
    frame.to_csv("t.csv", index=False)
    assert run(["init", "mine", "--data", "t.csv", "--target", "y", "--force", *options]) == 0
    return capsys.readouterr().out, load(Path("studies/mine.toml"), "mine").corners[0][1]


def table_of(recipe: Recipe) -> Table:
    assert isinstance(recipe.data, Table)
    return recipe.data


@pytest.mark.parametrize(
    ("options", "format"), [((), "%d/%m/%Y"), (("--dayfirst",), "%d/%m/%Y"), (("--monthfirst",), "%m/%d/%Y")]
)
def test_the_order_of_day_and_month_is_written_down(
    options: tuple[str, ...], format: str, capsys: pytest.CaptureFixture[str], places: Places
) -> None:
    frame = pd.DataFrame({"when": MONTHS.strftime("%d/%m/%Y"), "noise": NOISE, "y": LABEL})
    output, recipe = begun(capsys, frame, *options)
    assert ("--monthfirst" in output) == (not options)
    when = table_of(recipe).columns[0]
    assert (when.kind, when.format) == ("date", format)
    assert coding_of(table_of(recipe), places).columns[0].format == format


def test_dates_with_an_odd_one_are_dates_once_it_is_missing(capsys: pytest.CaptureFixture[str], places: Places) -> None:
    when = list(MONTHS.strftime("%Y-%m-%d"))
    when[17] = "0000-00-00"
    frame = pd.DataFrame({"when": when, "noise": NOISE, "y": LABEL})
    output, _ = begun(capsys, frame)
    hint = "nearly all are dates such as 2004-01-01, but row 18 is '0000-00-00': with --missing 0000-00-00 it is taken"
    assert hint in output
    output, recipe = begun(capsys, frame, "--missing", "0000-00-00")
    assert "taken for missing: '0000-00-00' in 1 rows of when" in output
    assert "0000-00-00" in table_of(recipe).missing
    inputs = training_set(recipe.data, places).examples.inputs
    assert np.isnan(inputs[:, 0]).sum() <= 1


def test_a_class_and_a_country_may_be_called_nothing(capsys: pytest.CaptureFixture[str], places: Places) -> None:
    country, kind = ["NA", "DE"] * (ROWS // 2), ["None", "Low", "High"] * (ROWS // 3)
    output, recipe = begun(capsys, pd.DataFrame({"country": country, "noise": NOISE, "y": kind}))
    assert "'None' is a value of y (20 rows); if it stands for a missing one, use --missing None" in output
    data = table_of(recipe)
    assert {"NA", "None"} & set(data.missing) == set()
    assert data.found is not None
    assert set(data.found.classes) == {"None", "Low", "High"}
    assert set(coding_of(data, places).columns[0].values) == {"NA", "DE"}
    _, recipe = begun(capsys, pd.DataFrame({"noise": NOISE, "y": kind}), "--missing", "None", "--drop-missing-target")
    data = table_of(recipe)
    assert data.found is not None
    assert data.drop_missing_target
    assert (set(data.found.classes), data.found.training_examples + data.found.test_examples) == ({"Low", "High"}, 40)


def test_a_target_with_marks_is_read_and_stays_a_number(capsys: pytest.CaptureFixture[str], places: Places) -> None:
    price = 10 ** (3 + NOISE)
    clock = [f"{hour:02}:{minute:02}" for hour, minute in zip(np.arange(ROWS) % 24, np.arange(ROWS), strict=True)]
    frame = pd.DataFrame({"noise": NOISE[::-1], "at": clock, "y": [f"${each:,.2f}" for each in price]})
    output, recipe = begun(capsys, frame)
    assert f"task: regression (y has 60 different numbers such as ${price[0]:,.2f})" in output
    assert table_of(recipe).target_format == "1,234.5"
    assert recipe.training.target_scale == "log"
    labels = training_set(recipe.data, places).examples.labels[:, 0]
    assert np.isin(labels, price.round(2).astype(np.float32)).all()
    inputs = training_set(recipe.data, places).examples.inputs[:, 1]
    assert 0 <= inputs.min() < inputs.max() < 1


@pytest.mark.parametrize("option", [["--missing", "?"], ["--drop-missing-target"], ["--dayfirst"]])
def test_options_of_cells_are_for_tables(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("a.npz", x=np.zeros((20, 2)), y=np.arange(20) % 2)
    assert run(["init", "mine", "--data", "a.npz", *option]) == 2
    assert capsys.readouterr().err == f"error: {option[0]}: has no meaning for arrays, which a.npz has\n"
