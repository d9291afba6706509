"""`init` on time series: what it takes for windows, what it finds out about times, and its messages."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.demand import COLUMNS, write_demand
from tuner.__main__ import run
from tuner.data.sources import Places
from tuner.recipe import Holdout, KFold, Table
from tuner.study import load


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and the test session's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)


def init(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any], str]:
    """The exit status, the facts (empty without any) and the message of `init new --data demand.csv --time date`."""
    status = run(["init", "new", "--data", "demand.csv", "--time", "date", *options, "--json", "--force"])
    written = capsys.readouterr()
    return status, json.loads(written.out) if status == 0 else {}, written.err


def line(rows: int, times: Any, **columns: Any) -> None:
    """A file `demand.csv` of one series."""
    values = np.random.default_rng(0).normal(100, 10, rows).round(2)
    pd.DataFrame({"date": times[:rows], "y": values, **columns}).to_csv("demand.csv", index=False)


DAYS = list(pd.date_range("2024-01-01", periods=400).strftime("%Y-%m-%d"))


def test_the_study_of_a_forecast_can_be_searched(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, places: Places
) -> None:
    write_demand(tmp_path)
    status, facts, _ = init(capsys, "--target", "sales", "--series", "store", "--window", "14", "--horizon", "3")
    assert status == 0
    assert {name: facts[name] for name in ("task", "objective", "series", "window", "horizon", "season")} == {
        "task": "regression",
        "objective": "validation_rmse",
        "series": "store",
        "window": 14,
        "horizon": 3,
        "season": 7,
    }
    study = load(Path("studies/new.toml"), "new", places=places)
    recipe = study.corners[0][1]
    assert isinstance(recipe.data, Table)
    assert sorted(each.name for each in recipe.data.columns) == ["sales", "store"]  # visits are twice the sales
    assert {each.format for each in recipe.data.columns if each.name == "sales"} == {COLUMNS[0].format}
    assert (recipe.data.series, recipe.data.horizon, recipe.data.season) == ("store", 3, 7)
    assert recipe.protocol == KFold(folds=3, pick="last")
    assert {"data.encoding.window_filters.count", "network.dense.widths.count"} <= set(study.holes)


def test_window_and_season_follow_from_the_times(capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for name, times in {
        "days": DAYS,
        "hours": pd.date_range("2024-01-01", periods=400, freq="h").astype(str),
        "months": pd.date_range("1991-01-01", periods=400, freq="MS").astype(str),
        "numbers": range(400),
    }.items():
        line(400, times)
        _, facts, _ = init(capsys, "--target", "y", "--horizon", "2")
        found[name] = (facts["season"], facts["window"])
    assert found == {"days": (7, 28), "hours": (24, 48), "months": (12, 24), "numbers": (0, 28)}


def test_labels_have_no_horizon_and_numbers_one_step(capsys: pytest.CaptureFixture[str]) -> None:
    line(400, DAYS, state=np.array(["busy", "quiet"])[np.arange(400) // 3 % 2])
    assert init(capsys, "--target", "y", "--window", "5")[1]["horizon"] == 1
    status, facts, _ = init(capsys, "--target", "state", "--window", "5")
    assert (status, facts["horizon"], facts["task"]) == (0, 0, "classification")
    assert [(each["name"], each["kind"]) for each in facts["columns"]] == [("y", "window")]


def test_a_target_alone_with_its_times_is_forecast(capsys: pytest.CaptureFixture[str]) -> None:
    line(100, DAYS)
    status, facts, _ = init(capsys, "--target", "y")
    assert (status, facts["horizon"], facts["window"]) == (0, 1, 25)


def test_few_rows_are_validated_once(capsys: pytest.CaptureFixture[str], places: Places) -> None:
    line(120, DAYS)
    assert init(capsys, "--target", "y", "--horizon", "7")[0] == 0
    assert load(Path("studies/new.toml"), "new", places=places).corners[0][1].protocol == Holdout(pick="last")


def test_what_is_uneven_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    line(380, [*DAYS[:40], *DAYS[42:]])
    frame = pd.read_csv("demand.csv").assign(shop="a")
    pd.concat([frame, frame.iloc[:9].assign(shop="b")]).to_csv("demand.csv", index=False)
    _, facts, _ = init(capsys, "--target", "y", "--horizon", "2", "--series", "shop")
    assert facts["warnings"] == [
        "1 of 387 steps in time are longer than the usual one, the first before row 41 (2024-02-12): a window is 28 rows, whatever "
        "the time between them; add the rows that lack",
        "1 of 2 series have fewer than 28 + 2 rows, and so no window: b",
    ]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {},
            ["--target", "y", "--window", "3", "--drop-missing-target"],
            "--series, --window and --horizon need --time COLUMN, and exclude --drop-missing-target",
        ),
        (
            {"state": "busy"},
            ["--target", "state", "--horizon", "2"],
            "demand.csv: column 'state': a forecast needs numbers, got 'busy'; for the label of each window leave --horizon out",
        ),
        (
            {"gap": [None, *range(39)]},
            ["--target", "gap", "--horizon", "2"],
            "demand.csv: column 'gap': 1 of 40 rows have no value (row 1); a window has no gaps: fill them in, or take the column out",
        ),
        (
            {},
            ["--target", "y", "--horizon", "20", "--window", "30"],
            "demand.csv: has 40 rows, and 50 are needed for a window of 30 and 20 to forecast; choose a shorter window",
        ),
        (
            {"date": DAYS[:39] + DAYS[:1]},
            ["--target", "y", "--horizon", "2"],
            "demand.csv: column 'date', row 40: 2024-01-01 is there twice: row 1 has this time, too; name the column that tells several series apart (--series)",
        ),
        (
            {"date": "some day"},
            ["--target", "y", "--horizon", "2"],
            "demand.csv: column 'date', row 1: must be a number or a date such as 2024-12-31, got 'some day'",
        ),
        (
            {"state": "busy"},
            ["--target", "y", "--series", "stade", "--horizon", "2"],
            "demand.csv: has no column 'stade'; did you mean state?",
        ),
    ],
)
def test_bad_input_gets_one_message(
    columns: dict[str, Any], options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line(40, DAYS, **{name: values for name, values in columns.items() if name != "date"})
    pd.read_csv("demand.csv").assign(**columns).to_csv("demand.csv", index=False)
    status, _, written = init(capsys, *options)
    assert (status, written.strip().removeprefix("error: ")) == (2, message)
    assert not Path("studies").exists()
