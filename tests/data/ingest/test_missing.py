"""Texts that stand for no value: which are, in which column, and what is said about them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas._libs.parsers import STR_NA_VALUES  # type: ignore[import-not-found]

from tuner.base.errors import DataError
from tuner.data.ingest.ingest import ingest
from tuner.data.ingest.missing import Written, decided
from tuner.data.ingest.tables import read_table
from tuner.data.load import coding_of, training_set
from tuner.data.sources import Places
from tuner.networks.columns import Column
from tuner.recipe import Cut, Table
from tuner.recipe.data import MISSING_TEXTS

ROWS = 40
COUNTRY = ["NA", "DE"] * (ROWS // 2)
KIND = [None if place % 4 == 0 else ("Low", "High")[place % 2] for place in range(ROWS)]


def written(folder: Path, *own: str, target: str = "y", **columns: Any) -> Written:
    """A file with these columns, as `init` reads it."""
    path = f"{folder}/t.csv"
    pd.DataFrame({"y": np.arange(ROWS) % 3, **columns}).to_csv(path, index=False)
    return decided(read_table(path), path, (target,), own)


def test_the_usual_texts_are_those_of_pandas() -> None:
    assert {"", *MISSING_TEXTS} == STR_NA_VALUES


def test_a_frequent_text_beside_other_texts_is_a_value(tmp_path: Path) -> None:
    found = written(tmp_path, country=COUNTRY)
    assert found.frame["country"].tolist() == COUNTRY
    assert "NA" not in found.missing
    assert found.notes == ("'NA' is a value of country (20 rows); if it stands for a missing one, use --missing NA",)


@pytest.mark.parametrize("name", ["None", "nan", "null"])
def test_a_class_may_have_the_name_of_nothing(name: str, tmp_path: Path) -> None:
    classes = [name, *["low", "high"] * (ROWS // 2)][:ROWS]
    found = written(tmp_path, target="kind", kind=classes)
    assert found.frame["kind"].tolist() == classes
    assert name not in found.missing


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        ({"a": ["NA", *map(str, range(ROWS - 1))]}, "taken for missing: 'NA' in 1 rows of a"),
        ({"a": COUNTRY, "b": ["NA", *map(str, range(ROWS - 1))]}, "'NA' in 20 rows of a, 'NA' in 1 rows of b"),
        ({"a": ["null", "", *["x", "z"] * (ROWS // 2 - 1)]}, "taken for missing: 'null' in 1 rows of a"),
        ({"a": ["n/a", *["2024-01-31"] * (ROWS - 1)]}, "taken for missing: 'n/a' in 1 rows of a"),
        ({"a": ["yes", "no", "NA", "NA"] * (ROWS // 4)}, "taken for missing: 'NA' in 20 rows of a"),
    ],
    ids=["numbers", "the same text in numbers", "beside empty cells", "dates", "truths"],
)
def test_other_texts_are_missing_and_counted(columns: dict[str, Any], note: str, tmp_path: Path) -> None:
    found = written(tmp_path, **columns)
    assert found.missing == MISSING_TEXTS
    assert found.frame["a"].isna().any()
    assert note in found.notes[-1]


def test_the_users_own_texts_are_missing_everywhere(tmp_path: Path) -> None:
    numbers = ["-999", "?", *map(str, range(ROWS - 2))]
    found = written(tmp_path, "?", "-999", "NA", a=numbers, b=[-999, *range(ROWS - 1)], country=COUNTRY)
    assert found.frame["b"].isna().sum() == 1
    assert found.frame["a"].isna().tolist() == [True, True] + [False] * (ROWS - 2)
    assert pd.api.types.is_numeric_dtype(found.frame["a"])
    assert found.frame["country"].isna().sum() == 20
    assert found.missing == (*MISSING_TEXTS, "?", "-999")


def stored(folder: Path, frame: pd.DataFrame, **settings: Any) -> Table:
    """A study's table, ingested."""
    frame.to_csv(folder / "t.csv", index=False)
    columns = (Column(name="a", kind="number"), Column(name="country", kind="category"))
    data = Table(path="t.csv", target="y", columns=columns, test=Cut(share=0), **settings)
    return ingest(data, folder, Places(None, folder / "cache"), lambda _: None)


def test_a_study_file_says_which_texts_are_missing(tmp_path: Path) -> None:
    places = Places(None, tmp_path / "cache")
    frame = pd.DataFrame(
        {"a": ["NA", "-", *"123456789"] * 2, "country": ["NA", "-", *"ABABABABC"] * 2, "y": [1, 0] * 11}
    )
    data = stored(tmp_path, frame, missing=("-",))
    inputs, (_, country) = training_set(data, places).examples.inputs, coding_of(data, places).columns
    assert np.isnan(inputs[:2, 0]).all()
    assert "NA" in country.values
    assert "-" not in country.values
    assert inputs[1, 1] == 0


def test_rows_without_a_target_are_left_out_if_the_study_says_so(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(22.0), "country": ["x", "z"] * 11, "y": [1, 0] * 11}).astype({"y": object})
    frame.loc[[3, 7], "y"] = None
    data = stored(tmp_path, frame, drop_missing_target=True)
    assert data.found is not None
    assert data.found.training_examples == 20
    frame = frame.astype({"a": object})
    frame.loc[20, "a"] = "x"
    with pytest.raises(DataError, match="column 'a', row 21: must be a number, got 'x'"):
        stored(tmp_path, frame, drop_missing_target=True)
