"""Caches that are damaged, at chance: the arrays are always those of the source."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from tests.support.damage import EDITS, Edit, edited
from tuner.data.ingest.ingest import ingest
from tuner.data.load import coding_of, held_out, training_set
from tuner.data.sources import Places
from tuner.networks.columns import Column
from tuner.recipe import AnyData, Data, Table

COLUMNS = (Column(name="a", kind="number"), Column(name="b", kind="category"))
TABLE = "a,b,y\n" + "".join(f"{row * 7 % 43 / 8},{row % 3},{'yn'[row % 2]}\n" for row in range(24))


def found(name: str, places: Places) -> AnyData:
    """The data set of the catalogue, or the table in the folder of the cache."""
    if name == "circle":
        return Data(name="circle")
    return ingest(Table(path="t.csv", target="y", columns=COLUMNS), places.cache, places, lambda _: None)


def content(name: str, places: Places) -> list[bytes]:
    """All arrays of a data set, and its coding."""
    data = found(name, places)
    parts = training_set(data, places).examples, held_out(data, places).examples
    coding = [repr(coding_of(data, places)).encode()] if isinstance(data, Table) else []
    return [np.asarray(each).tobytes() for part in parts for each in (part.inputs, part.labels)] + coding


def check(name: str, folder: Path, count: int) -> None:
    """Damage one file of the cache so many times."""
    places = Places(None, folder)
    (folder / "t.csv").write_text(TABLE)
    right = content(name, places)

    @settings(max_examples=count)
    @given(EDITS)
    def damaged(edits: Sequence[Edit]) -> None:
        files = sorted(path for path in folder.rglob("*/*") if path.is_file())
        path = files[edits[0].number % len(files)]
        path.write_bytes(edited(path.read_bytes(), edits))
        assert content(name, places) == right

    damaged()


@pytest.mark.parametrize("name", ["circle", "own"])
def test_a_damaged_cache_is_made_again(name: str, tmp_path: Path) -> None:
    check(name, tmp_path, 10)


@pytest.mark.long
@pytest.mark.parametrize("name", ["circle", "own"])
def test_any_damage_to_a_cache_is_repaired(name: str, tmp_path: Path) -> None:
    check(name, tmp_path, 250)
