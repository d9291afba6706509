"""Ingesting own tables: what is found, stored and refused."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner.base.errors import DataError
from tuner.data.ingest.ingest import ingest, ingest_from_python, settings_of
from tuner.data.ingest.prepare import RawExamples
from tuner.data.load import coding_of, held_out, training_set
from tuner.data.sources import Places
from tuner.networks.columns import Column
from tuner.recipe import Cut, Table

NUMBERS = np.random.default_rng(0).normal(size=40)
DATA = Table(path="t.csv", target="y", columns=(Column(name="a", kind="number"),))


def frame_of(rows: int = 20) -> pd.DataFrame:
    """Two numbers, a name, and two classes."""
    numbers = np.arange(rows)
    return pd.DataFrame({"a": numbers, "b": numbers[::-1] * 0.5, "g": numbers // 4, "y": numbers % 2})


def ingest_file(folder: Path, frame: pd.DataFrame, data: Table = DATA) -> Table:
    """The data in a file with this table."""
    frame.to_csv(folder / "t.csv", index=False)
    return ingest(replace(data, found=None), folder, Places(None, folder / "cache"), lambda _: None)


def complaint(folder: Path, frame: pd.DataFrame, **settings: Any) -> str:
    """The message about a file with this table."""
    with pytest.raises(DataError) as error:
        ingest_file(folder, frame, replace(DATA, **settings))
    assert not list((folder / "cache").glob("prepared/*"))
    return str(error.value)


def test_ingesting_finds_what_a_network_must_know(tmp_path: Path) -> None:
    data, places = ingest_file(tmp_path, frame_of()), Places(None, tmp_path / "cache")
    training, test = training_set(data, places), held_out(data, places)
    found = data.found
    assert found is not None
    assert (found.training_examples, found.test_examples, found.classes, found.rarest) == (16, 4, ("0", "1"), 8)
    assert found.columns == coding_of(data, places).coded
    assert training.identity == test.identity == found.identity
    assert training.origin == f"from {tmp_path}/t.csv"
    assert training.folder == tmp_path / "cache" / "prepared" / f"own-{found.identity}"
    assert np.bincount(test.examples.labels).tolist() == [2, 2]
    together = np.concatenate([training.examples.inputs[:, 0], test.examples.inputs[:, 0]])
    assert sorted(together) == list(range(20))
    with pytest.raises(ValueError, match="read-only"):
        training.examples.inputs[0] = 1


def test_ingesting_again_reads_no_table_and_takes_milliseconds(tmp_path: Path) -> None:
    data = ingest_file(tmp_path, frame_of())
    lines: list[str] = []
    started = time.perf_counter()
    again = ingest(replace(data, found=None), tmp_path, Places(None, tmp_path / "cache"), lines.append)
    assert time.perf_counter() - started < 0.2  # 1 ms where nothing else runs
    assert again == data
    assert lines == []


def test_ingesting_again_loads_no_pandas(tmp_path: Path) -> None:
    ingest_file(tmp_path, frame_of())
    code = (
        "import sys; from pathlib import Path; from tuner.data.ingest.ingest import ingest; "
        "from tuner.data.sources import Places; from tuner.recipe import Table; "
        "from tuner.networks.columns import Column; "
        "data = Table(path='t.csv', target='y', columns=(Column(name='a', kind='number'),)); "
        f"folder = Path({str(tmp_path)!r}); "
        "found = ingest(data, folder, Places(None, folder / 'cache'), print).found; "
        "print('pandas' in sys.modules, found.training_examples)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "16"]


def test_a_changed_file_has_another_identity_and_the_same_one_again_its_own(tmp_path: Path) -> None:
    first = ingest_file(tmp_path, frame_of())
    changed = ingest_file(tmp_path, frame_of().replace({"a": {7: 700}}))
    os.utime(tmp_path / "t.csv", (1, 1))
    again = ingest_file(tmp_path, frame_of())
    identities = [each.found.identity for each in (first, changed, again) if each.found]
    assert identities[0] == identities[2] != identities[1]
    assert len(list((tmp_path / "cache" / "prepared").iterdir())) == 2


def test_data_that_has_moved_has_the_origin_where_it_was_read_last(tmp_path: Path) -> None:
    places = Places(None, tmp_path / "cache")
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        frame_of().to_csv(tmp_path / name / "t.csv", index=False)
        data = ingest(DATA, tmp_path / name, places, lambda _: None)
        assert training_set(data, places).origin == f"from {tmp_path}/{name}/t.csv"


def test_what_does_not_change_the_arrays_does_not_change_the_identity(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, moved = ingest_file(tmp_path, frame_of()), ingest_file(tmp_path / "other", frame_of())
    assert first.found == moved.found


@pytest.mark.parametrize(
    ("targets", "dtype"),
    [
        (1.7e9 + np.arange(20.0), np.float64),
        (1e-45 * np.arange(20.0), np.float64),
        (1e-30 * np.arange(20.0), np.float32),
        (2e9 * np.arange(20.0), np.float32),
        (1990 + np.arange(20.0) / 7, np.float32),
    ],
)
def test_numbers_to_predict_have_as_many_bits_as_their_differences_need(
    targets: Any, dtype: type[Any], tmp_path: Path
) -> None:
    frame = frame_of().assign(y=targets)
    data, places = ingest_file(tmp_path, frame, replace(DATA, task="regression")), Places(None, tmp_path / "cache")
    labels = training_set(data, places).examples.labels
    assert labels.dtype == dtype
    assert np.isin(labels[:, 0], targets.astype(dtype)).all()


def test_an_order_in_time_is_part_of_the_identity(tmp_path: Path) -> None:
    frame = frame_of()
    (frame.iloc[:16]).to_csv(tmp_path / "t.csv", index=False)
    (frame.iloc[16:]).to_csv(tmp_path / "u.csv", index=False)
    places = Places(None, tmp_path / "cache")
    plain = ingest(replace(DATA, test="u.csv"), tmp_path, places, lambda _: None)
    ordered = ingest(replace(DATA, test="u.csv", time="a"), tmp_path, places, lambda _: None)
    assert plain.found != ordered.found
    assert (training_set(plain, places).is_ordered, training_set(ordered, places).is_ordered) == (False, True)


def test_the_test_part_does_not_change_the_coding(tmp_path: Path) -> None:
    """What stands in the test part's rows is changed: the training part's arrays and the coding stay."""
    frame = frame_of(40).assign(a=[f"v{number % 7}" for number in range(40)])
    data = replace(DATA, columns=(Column(name="a", kind="category"), Column(name="b", kind="number")))
    places = Places(None, tmp_path / "cache")
    first = ingest_file(tmp_path, frame, data)
    tested = frame["b"].isin(held_out(first, places).examples.inputs[:, 1])
    changed = ingest_file(tmp_path, frame.assign(a=frame["a"].where(~tested, "new"), b=frame["b"] + 1e6 * tested), data)
    assert coding_of(changed, places) == coding_of(first, places)
    before, after = (training_set(each, places).examples.inputs for each in (first, changed))
    np.testing.assert_array_equal(before, after)
    assert set(held_out(changed, places).examples.inputs[:, 0]) == {1}


def test_rows_in_time_are_sorted_and_the_last_are_the_test_part(tmp_path: Path) -> None:
    frame = frame_of().assign(day=[f"2024-{1 + number % 12:02}-{1 + number:02}" for number in range(20)])
    data = replace(DATA, time="day", test=Cut(share=0.25))
    places = Places(None, tmp_path / "cache")
    found = ingest_file(tmp_path, frame, data)
    rows = [*training_set(found, places).examples.inputs[:, 0], *held_out(found, places).examples.inputs[:, 0]]
    assert rows == frame.sort_values("day")["a"].tolist()
    assert training_set(found, places).is_ordered


def test_groups_stay_whole(tmp_path: Path) -> None:
    data = replace(DATA, group="g", test=Cut(share=0.4))
    places = Places(None, tmp_path / "cache")
    found = ingest_file(tmp_path, frame_of(), data)
    training, test = training_set(found, places).examples, held_out(found, places).examples
    assert training.groups is not None
    assert test.groups is not None
    assert len(test) == 8
    assert not np.isin(training.groups, test.groups).any()
    np.testing.assert_array_equal(training.groups, training.inputs[:, 0] // 4)


def test_a_class_of_one_row_is_trained_on(tmp_path: Path) -> None:
    for seed in range(5):
        frame = frame_of().assign(y=["rare"] + ["often", "more"] * 9 + ["more"])
        found = ingest_file(tmp_path, frame, replace(DATA, test=Cut(seed=seed))).found
        assert found is not None
        assert (found.classes, found.rarest) == (("more", "often", "rare"), 1)


def test_classes_that_are_numbers_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    found = ingest_file(tmp_path, frame_of().assign(y=[10.0, 9.0] * 10)).found
    assert found is not None
    assert found.classes == ("9", "10")


def test_numbers_and_labels_are_kept_as_such(tmp_path: Path) -> None:
    places = Places(None, tmp_path / "cache")
    one = ingest_file(tmp_path, frame_of(), replace(DATA, target="b", task="regression"))
    assert training_set(one, places).examples.labels.shape == (16, 1)
    two = ingest_file(
        tmp_path, frame_of().assign(z=frame_of()["y"] == 0), replace(DATA, target=("y", "z"), task="multi_label")
    )
    labels = training_set(two, places).examples.labels
    assert labels.dtype == np.uint8
    assert labels.sum(axis=1).tolist() == [1] * 16
    assert training_set(two, places).classes == ("y", "z")


def test_missing_stored_arrays_are_reported(tmp_path: Path) -> None:
    data, places = ingest_file(tmp_path, frame_of()), Places(None, tmp_path / "elsewhere")
    assert data.found is not None
    with pytest.raises(DataError) as error:
        training_set(data, places)
    assert str(error.value) == (
        f"t.csv: its stored arrays {data.found.identity} are not in the cache {tmp_path}/elsewhere, "
        "or are damaged; load the study again"
    )
    with pytest.raises(DataError, match=r"^t\.csv: has not been ingested; load the study again$"):
        held_out(replace(data, found=None), places)


@pytest.mark.parametrize("file", ["train_inputs.npy", "test_labels.npy", "coding.json"])
@pytest.mark.parametrize("is_short", [True, False])
def test_damaged_arrays_are_prepared_again(file: str, is_short: bool, tmp_path: Path) -> None:
    data, places = ingest_file(tmp_path, frame_of()), Places(None, tmp_path / "cache")
    folder = training_set(data, places).folder
    assert folder is not None
    path = folder / file
    content = path.read_bytes()
    path.write_bytes(b"short" if is_short else bytes(len(content)))
    with pytest.raises(DataError, match=r"are not in the cache .*, or are damaged; load the study again$"):
        (training_set(data, places), held_out(data, places), coding_of(data, places))
    assert ingest(replace(data, found=None), tmp_path, places, lambda _: None) == data
    assert path.read_bytes() == content


def test_what_is_private_stays_private_in_the_cache(tmp_path: Path) -> None:
    frame_of().to_csv(tmp_path / "t.csv", index=False)
    frame_of(22).to_csv(tmp_path / "open.csv", index=False)
    (tmp_path / "t.csv").chmod(0o600)
    (tmp_path / "open.csv").chmod(0o644)
    places = Places(None, tmp_path / "cache")
    for path, rights in (("t.csv", 0o700), ("open.csv", 0o755)):
        folder = training_set(ingest(replace(DATA, path=path), tmp_path, places, lambda _: None), places).folder
        assert folder is not None
        assert folder.stat().st_mode & 0o777 == rights


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from tuner.data.ingest.ingest import ingest, ingest_from_python, settings_of
from tuner.data.ingest.prepare import RawExamples
from tuner.data.sources import Places
from tuner.networks.columns import Column
from tuner.recipe import Table
folder, left = Path(sys.argv[1]), int(sys.argv[2])
save = np.save
def save_or_die(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), 9)
    save(*arguments)
np.save = save_or_die
data = Table(path="t.csv", target="y", columns=(Column(name="a", kind="number"),))
ingest(data, folder, Places(None, folder / "cache"), lambda _: None)
"""


@pytest.mark.slow
@pytest.mark.parametrize("writes", [1, 3])
def test_a_process_killed_between_two_writes_leaves_nothing_half_written(writes: int, tmp_path: Path) -> None:
    frame_of().to_csv(tmp_path / "t.csv", index=False)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(writes)], check=False)
    assert killed.returncode == -9
    assert not list(tmp_path.glob("cache/prepared/own-*"))
    assert not list(tmp_path.glob("cache/looked/*"))
    (left,) = tmp_path.glob("cache/prepared/.*")
    os.utime(left, (1, 1))
    places = Places(None, tmp_path / "cache")
    assert len(training_set(ingest(DATA, tmp_path, places, lambda _: None), places).examples) == 16
    assert not left.exists()


def test_a_cache_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    frame_of().to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "cache").touch()
    with pytest.raises(DataError) as error:
        ingest(DATA, tmp_path, Places(None, tmp_path / "cache"), lambda _: None)
    assert str(error.value) == (
        f"the cache folder {tmp_path}/cache cannot be written: Not a directory; choose another with TUNER_CACHE"
    )


def holes(column: str, rows: list[int]) -> pd.DataFrame:
    """The table with nothing in these rows of a column."""
    frame = frame_of().astype({column: object})
    frame.loc[rows, column] = None
    return frame


CASES: dict[str, tuple[pd.DataFrame, dict[str, Any], str]] = {
    "no target": (frame_of(), {"target": "yy"}, "t.csv: has no column 'yy'; did you mean y?"),
    "no column": (
        frame_of(),
        {"columns": (Column(name="A1", kind="number"),)},
        "t.csv: has no column 'A1'; allowed: a, b, g, y",
    ),
    "no weight": (frame_of(), {"weight": "w"}, "t.csv: has no column 'w'; allowed: a, b, g, y"),
    "empty": (holes("y", list(range(20))), {}, "t.csv: column 'y': has no values"),
    "holes": (
        holes("y", [3, 4, 9, 12]),
        {},
        "t.csv: column 'y': 4 of 20 rows have no value (row 4, 5, 10, …); fill them in, or leave such rows out with "
        "--drop-missing-target (in a study file drop_missing_target = true)",
    ),
    "one class": (
        frame_of().assign(y="x"),
        {},
        "t.csv: column 'y': has only one value, 'x': there is nothing to predict",
    ),
    "constant": (
        frame_of().assign(b=2.5),
        {"target": "b", "task": "regression"},
        "t.csv: column 'b': has only one value, '2.5': there is nothing to predict",
    ),
    "identifier": (
        frame_of(),
        {"target": "b"},
        "t.csv: column 'b': 20 different values in 20 rows are numbers or identifiers, not classes; "
        'say task = "regression", or name another target',
    ),
    "names": (
        frame_of().assign(y=["x", "z"] * 10),
        {"task": "regression"},
        "t.csv: column 'y', row 1: must be a number, got 'x'",
    ),
    "no label": (
        frame_of(),
        {"task": "multi_label", "target": ("y", "g")},
        "t.csv: column 'g', row 9: must be 0 or 1, got 2",
    ),
    "few rows": (frame_of(9), {}, "t.csv: has 9 rows, and at least 10 are needed"),
    "negative weight": (
        frame_of().assign(w=-frame_of()["b"]),
        {"weight": "w"},
        "t.csv: column 'w', row 1: must be at least 0, got -9.5",
    ),
    "no weights": (
        holes("b", [2]),
        {"weight": "b"},
        "t.csv: column 'b': 1 of 20 rows have no value (row 3); fill them in or take them out",
    ),
    "zero weight": (
        frame_of().assign(w=0),
        {"weight": "w"},
        "t.csv: column 'w': is 0 everywhere: no row would count",
    ),
    "no group": (
        holes("g", [2]),
        {"group": "g"},
        "t.csv: column 'g': 1 of 20 rows have no value (row 3); fill them in or take them out",
    ),
    "one group": (
        frame_of().assign(g=1),
        {"group": "g"},
        "t.csv: has only one group, so no test part can be split off; name a test file",
    ),
    "no time": (
        frame_of().assign(day=["2024-01-01", "soon"] * 10),
        {"time": "day"},
        "t.csv: column 'day', row 2: must be a number or a date such as 2024-12-31, got 'soon'",
    ),
    "class at the end": (
        frame_of().assign(y=["x", "z"] * 9 + ["new"] * 2),
        {"time": "a"},
        "t.csv: the class 'new' is in the test part only; make that smaller, or name a test file",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_table_that_cannot_be_used_says_why(case: str, tmp_path: Path) -> None:
    frame, settings, message = CASES[case]
    assert complaint(tmp_path, frame, **settings) == message


@pytest.mark.parametrize(
    ("test", "settings", "message"),
    [
        (frame_of().drop(columns="a"), {}, "u.csv: has no column 'a'; allowed: b, g, y"),
        (frame_of().drop(columns="y"), {}, "u.csv: has no column 'y'; allowed: a, b, g"),
        (
            frame_of().assign(y=[0, 5] * 10),
            {},
            "u.csv: column 'y', row 2: must be a class of the training part; allowed: 0, 1, got '5'",
        ),
        (frame_of(), {"group": "g"}, "u.csv: column 'g': the group '0' is in t.csv too; keep it in one of them"),
    ],
)
def test_a_test_file_that_does_not_fit_says_why(
    test: pd.DataFrame, settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    test.to_csv(tmp_path / "u.csv", index=False)
    assert complaint(tmp_path, frame_of(), test="u.csv", **settings) == message


def test_data_may_lie_in_the_folder_of_data_sets(tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    frame_of().to_csv(tmp_path / "sets" / "t.csv", index=False)
    found = ingest(DATA, tmp_path, Places(tmp_path / "sets", tmp_path / "cache"), lambda _: None)
    assert found.found is not None


def test_what_python_does_not_use_or_may_read_wrongly_is_told(tmp_path: Path) -> None:
    frame = pd.DataFrame({"customer_id": np.arange(40) * 7, "when": ["01/02/2004", "02/03/2005"] * 20, "a": NUMBERS})
    raw = RawExamples(x=frame, y=pd.DataFrame({"y": ["p", "q"] * 20}))
    with pytest.warns(
        UserWarning, match=r"the column (customer_id: left out: an identifier|when: 01/02/2004 is read)"
    ) as told:
        data = ingest_from_python(raw, Cut(), "classification", Places(None, tmp_path))
    assert len(told) == 2
    assert isinstance(data, Table)
    assert [column.name for column in data.columns] == ["when", "a"]
    assert data.columns[0].format == "%m/%d/%Y"


def test_fields_that_earlier_versions_lack_are_left_out_at_their_defaults() -> None:
    plain = settings_of(DATA)
    earlier = {"kind", "path", "target", "columns", "task", "test", "group", "time", "weight", "encoding", "found"}
    assert set(plain) == earlier
    assert plain["columns"] == [{"name": "a", "kind": "number"}]
    assert settings_of(replace(DATA, missing=("?",)))["missing"] == ["?"]
