"""Windows of time series: which values are in them, which rows have none, where splits lie, and messages about times."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.demand import COLUMNS, DAYS, DEMAND, write_demand
from tuner.base.errors import DataError, Invalid
from tuner.data.examples import TrainingSet
from tuner.data.ingest.ingest import ingest
from tuner.data.ingest.windows import latest, windowed
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.data.splits import folds_of
from tuner.networks.columns import Column
from tuner.recipe import Cut, Holdout, KFold, Protocol, Table

LINE = pd.DataFrame({"t": np.arange(30), "y": np.arange(30.0) ** 2})
SHORT = Table(
    path="t.csv",
    target="y",
    columns=(Column(name="y", kind="window", format="3"),),
    task="regression",
    time="t",
    horizon=2,
)


def stored(data: Table, folder: Path, places: Places) -> tuple[Table, TrainingSet]:
    found = ingest(data, folder, places, lambda text: None)
    return found, training_set(found, places)


def test_a_window_is_the_last_values_of_its_series(tmp_path: Path, places: Places) -> None:
    frame = write_demand(tmp_path).sort_values(["store", "date"])
    found, data = stored(DEMAND, tmp_path, places)
    sales = {store: rows["sales"].to_numpy(np.float32) for store, rows in frame.groupby("store")}
    assert found.found is not None
    assert data.examples.spans is not None
    assert found.found.classes == ("sales+1", "sales+2", "sales+3")
    assert data.examples.inputs.shape[1] == 14 + 14 + 1
    for row, labels, (first, last) in zip(data.examples.inputs, data.examples.labels, data.examples.spans, strict=True):
        store = sales["south" if row[0] > 200 else "north"]
        np.testing.assert_array_equal(row[:14], store[first - 14 : first])
        np.testing.assert_allclose(row[14:28], 2 * row[:14], rtol=1e-6)
        np.testing.assert_array_equal(labels, store[first : last + 1])


def test_what_is_tested_lies_after_what_is_trained_on(tmp_path: Path, places: Places) -> None:
    write_demand(tmp_path)
    found, data = stored(DEMAND, tmp_path, places)
    test = held_out(found, places).examples
    assert data.examples.spans is not None
    assert test.spans is not None
    assert test.spans[:, 0].min() > data.examples.spans[:, 1].max()
    assert test.spans[:, 1].max() == DAYS - 1
    assert {tuple(each) for each in np.unique(test.spans[:, 0], return_counts=True)[1].reshape(-1, 1)} == {(2,)}


@pytest.mark.parametrize("protocol", [Holdout(), Holdout(validation=30), KFold(folds=3), KFold(folds=3, pick="last")])
def test_each_fold_is_validated_on_what_follows(protocol: Protocol, tmp_path: Path, places: Places) -> None:
    write_demand(tmp_path)
    _, data = stored(DEMAND, tmp_path, places)
    spans, before = data.examples.spans, 0
    assert spans is not None
    for fold in folds_of(protocol, data):
        assert fold.validation is not None
        assert spans[fold.validation, 0].min() > spans[fold.training, 1].max() > before
        assert (
            spans[fold.validation, 0].min() - spans[fold.training, 1].max() == 1
        )  # nothing more than that is left out
        before = spans[fold.training, 1].max()
    assert fold.validation is not None
    assert fold.validation[-1] == len(spans) - 1


def test_folds_need_more_than_a_horizon_between_them(tmp_path: Path, places: Places) -> None:
    LINE.to_csv(tmp_path / "t.csv", index=False)
    _, data = stored(replace(SHORT, horizon=10, test=Cut(share=0)), tmp_path, places)
    with pytest.raises(Invalid, match=r"^protocol.folds: leaves a part of the 18 windows empty, .* choose fewer folds"):
        folds_of(KFold(folds=3, pick="last"), data)


def test_without_a_horizon_the_label_is_that_of_the_last_row() -> None:
    data = replace(SHORT, target="state", task="classification", horizon=0)
    frame = LINE.assign(state=np.where(LINE["t"] % 3 == 0, "up", "down"))
    inputs, labels, spans = windowed(data, frame, "t.csv")
    assert list(inputs["y"].iloc[1]) == [1.0, 4.0, 9.0]
    assert labels["state"].iloc[1] == "up"
    assert spans[1].tolist() == [3, 3]


def test_the_last_windows_are_forecast_from() -> None:
    frame = pd.concat([LINE.assign(shop="b"), LINE.iloc[:-4].assign(shop="a")], ignore_index=True)
    inputs, ahead = latest(replace(SHORT, series="shop"), frame, "t.csv")
    assert [list(each) for each in inputs["y"]] == [[27**2, 28**2, 29**2], [23**2, 24**2, 25**2]]
    assert ahead.to_numpy().tolist() == [["b", 30], ["b", 31], ["a", 26], ["a", 27]]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pd.date_range("2024-01-29", periods=30).strftime("%Y-%m-%d"), ["2024-02-28", "2024-02-29"]),
        (pd.date_range("2022-01-01", periods=30, freq="MS").strftime("%d.%m.%Y"), ["2024-07-01", "2024-08-01"]),
        (pd.date_range("2024-01-01", periods=30, freq="h").astype(str), ["2024-01-02 06:00:00", "2024-01-02 07:00:00"]),
        (pd.date_range("2024-01-01", periods=30, freq="B"), ["2024-02-12", "2024-02-13"]),
        (np.arange(30) * 0.5, [15.0, 15.5]),
    ],
)
def test_times_go_on_as_they_did(times: Any, expected: list[object]) -> None:
    data = replace(SHORT, columns=(Column(name="y", kind="window", format="20"),))
    _, ahead = latest(data, LINE.assign(t=times), "t.csv")
    assert ahead["t"].tolist() == expected


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            LINE.assign(t=[*range(29), 3]),
            "column 't', row 30: 3 is there twice: row 4 has this time, too; name the column that tells several series apart (--series)",
        ),
        (
            LINE.assign(t=["2024-01-05", "soon", *LINE["t"][2:]]),
            "column 't', row 2: must be a number or a date such as 2024-12-31, got 'soon'",
        ),
        (
            LINE.assign(t=[np.nan, *LINE["t"][1:]]),
            "column 't': 1 of 30 rows have no value (row 1); fill them in or take them out",
        ),
        (
            LINE.assign(y=[0.0, np.nan, *LINE["y"][2:]]),
            "column 'y': 1 of 30 rows have no value (row 2); a window has no gaps: fill them in, or take the column out",
        ),
        (LINE.assign(y=["low", *LINE["y"][1:]]), "column 'y', row 1: must be a number, got 'low'"),
        (LINE.iloc[:4], "has 4 rows, and 5 are needed for a window of 3 and 2 to forecast; choose a shorter window"),
    ],
)
def test_what_no_window_can_have_is_named(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError) as complaint:
        windowed(SHORT, frame, "t.csv")
    assert str(complaint.value) == f"t.csv: {message}"


def test_a_repeated_time_of_a_series_is_named() -> None:
    frame = pd.concat(
        [LINE.assign(shop="b"), LINE.iloc[:9].assign(shop="a"), LINE.iloc[4:5].assign(shop="a")], ignore_index=True
    )
    with pytest.raises(
        DataError, match=r"column 't', row 40: 4 is there twice: row 35 has another row of shop 'a' at that time$"
    ):
        windowed(replace(SHORT, series="shop"), frame, "t.csv")


def test_a_series_shorter_than_the_window_is_not_forecast() -> None:
    frame = pd.concat([LINE.assign(shop="b"), LINE.iloc[:2].assign(shop="a")], ignore_index=True)
    with pytest.raises(DataError, match=r"^t.csv: shop 'a' has 2 rows, and the window of the model has 3$"):
        latest(replace(SHORT, series="shop"), frame, "t.csv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"columns": (*COLUMNS, Column(name="more", kind="window", format="7"))},
            "columns: must have windows of one length, got [7, 14]",
        ),
        ({"time": ""}, "time: must name the column with the times, which order the rows of windows, got ''"),
        ({"columns": COLUMNS[2:]}, "horizon: must be 0 where no column is of the kind window, got 3"),
        (
            {"columns": COLUMNS[2:], "horizon": 0},
            "series: must be empty where no column is of the kind window, got 'store'",
        ),
        ({"horizon": 0}, "target: must not be one of the network's columns, got 'sales'"),
        ({"task": "classification"}, "task: must be 'regression' where horizon is more than 1, got 'classification'"),
        ({"drop_missing_target": True}, "drop_missing_target: must be false: windows have no gaps, got True"),
    ],
)
def test_a_table_that_is_no_time_series_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(Invalid) as complaint:
        replace(DEMAND, **change)  # type: ignore[arg-type]
    assert str(complaint.value) == message
