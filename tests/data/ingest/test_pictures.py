"""Pictures in a column of a table: found by `init`, read once, and messages about their files."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.parcels import COLUMNS, PARCELS, write_parcels
from tuner.__main__ import run
from tuner.base.errors import DataError
from tuner.data.ingest.ingest import ingest
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.recipe import Table
from tuner.study import load


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the table and its pictures, and the test session's cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE", str(places.cache))
    monkeypatch.delenv("TUNER_DATA", raising=False)
    write_parcels(tmp_path)


def read(data: Table, folder: Path, places: Places) -> Table:
    return ingest(data, folder, places, lambda text: None)


def test_init_takes_names_of_files_for_pictures(capsys: pytest.CaptureFixture[str], places: Places) -> None:
    assert run(["init", "shop", "--data", "parcels.csv", "--target", "shelf", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["kind"], each["format"]) for each in facts["columns"]] == [
        ("photo", "picture", "8x8"),
        ("weight", "number", ""),
    ]
    study = load(Path("studies/shop.toml"), "shop", places=places)
    recipe = study.corners[0][1]
    assert recipe.data.columns == COLUMNS  # type: ignore[union-attr]
    assert {"data.encoding.picture_size", "data.encoding.filters[0]"} <= set(study.holes)
    examples = training_set(recipe.data, places).examples
    assert examples.inputs.shape == (48, 65)
    assert examples.inputs[:, :64].max() > 150


def test_names_without_files_are_no_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    frame = write_parcels(tmp_path)
    frame.assign(photo=[f"elsewhere/{each % 9}.png" for each in range(60)]).to_csv("parcels.csv", index=False)
    assert run(["init", "shop", "--data", "parcels.csv", "--target", "shelf", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][0]["kind"] == "category"


def test_a_missing_file_is_named_with_its_row(tmp_path: Path, places: Places) -> None:
    (tmp_path / "photos/7.png").unlink()
    with pytest.raises(DataError) as complaint:
        read(PARCELS, tmp_path, places)
    path = tmp_path / "photos/7.png"
    assert str(complaint.value) == f"parcels.csv: column 'photo', row 8: there is no file {path}"


def test_a_file_that_is_no_picture_is_named_with_its_row(tmp_path: Path, places: Places) -> None:
    (tmp_path / "photos/7.png").write_text("no picture")
    with pytest.raises(DataError, match=r"^parcels.csv: column 'photo', row 8: .*photos/7.png: is no picture \(PNG, "):
        read(PARCELS, tmp_path, places)


def test_an_empty_cell_is_a_missing_picture(tmp_path: Path, places: Places) -> None:
    frame = write_parcels(tmp_path)
    frame.loc[frame.index % 5 == 0, "photo"] = None
    frame.to_csv("parcels.csv", index=False)
    data = read(PARCELS, tmp_path, places)
    assert data.found is not None
    assert data.found.columns[0].lacks
    inputs = training_set(data, places).examples.inputs
    assert np.isnan(inputs[:, :64]).all(axis=1).sum() == np.isnan(inputs[:, 0]).sum() > 0


def test_a_changed_picture_is_read_again(tmp_path: Path, places: Places) -> None:
    before = read(PARCELS, tmp_path, places).found
    assert read(PARCELS, tmp_path, places).found == before
    (tmp_path / "photos/0.png").write_bytes((tmp_path / "photos/1.png").read_bytes())
    os.utime(tmp_path / "photos/0.png", (1, 1))
    after = read(PARCELS, tmp_path, places).found
    assert before is not None
    assert after is not None
    assert after.identity != before.identity


def test_the_test_part_may_lie_in_another_folder(tmp_path: Path, places: Places) -> None:
    write_parcels(tmp_path / "later", rows=20)
    data = read(replace(PARCELS, test="later/parcels.csv"), tmp_path, places)
    assert data.found is not None
    assert (data.found.training_examples, data.found.test_examples) == (60, 20)
