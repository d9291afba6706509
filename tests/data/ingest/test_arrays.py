"""Arrays in NPZ files: what is kept, and the message about each bad file."""

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.base.errors import DataError
from tuner.data.ingest.arrays import profile_arrays
from tuner.data.ingest.ingest import ingest
from tuner.data.ingest.profile import Roles
from tuner.data.load import held_out, training_set
from tuner.data.sources import Places
from tuner.recipe import Arrays, Cut

X = np.arange(60, dtype=np.uint8).reshape(20, 3)
Y = np.arange(20) % 2
DATA = Arrays(path="a.npz")


def ingest_file(folder: Path, data: Arrays = DATA, **arrays: Any) -> Arrays:
    """The data in a file with these arrays."""
    np.savez(folder / "a.npz", **arrays)
    return ingest(data, folder, Places(None, folder / "cache"), lambda _: None)


def complaint(folder: Path, data: Arrays = DATA, **arrays: Any) -> str:
    """The message about a file with these arrays."""
    with pytest.raises(DataError) as error:
        ingest_file(folder, data, **arrays)
    return str(error.value).replace(str(folder), "")


@pytest.mark.parametrize(
    ("given", "kept"), [(np.uint8, np.uint8), (np.bool_, np.uint8), (np.int64, np.float32), (np.float64, np.float32)]
)
def test_inputs_are_bytes_or_float32(given: type, kept: type, tmp_path: Path) -> None:
    data = ingest_file(tmp_path, x=X.astype(given), y=Y)
    training = training_set(data, Places(None, tmp_path / "cache"))
    assert training.examples.inputs.dtype == kept
    assert training.examples.labels.dtype == np.uint8
    assert data.found is not None
    assert (data.found.shape, data.found.classes, data.found.rarest) == ((3,), ("0", "1"), 8)
    assert training.value_range == ((0, 255) if kept is np.uint8 else training.value_range)


def test_a_file_may_bring_its_test_part_along(tmp_path: Path) -> None:
    data = ingest_file(tmp_path, x_train=X, y_train=Y, x_test=X[:3], y_test=Y[:3])
    places = Places(None, tmp_path / "cache")
    np.testing.assert_array_equal(training_set(data, places).examples.inputs, X)
    np.testing.assert_array_equal(held_out(data, places).examples.labels, Y[:3])


def test_another_file_may_be_the_test_part(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", x=X[:4], y=Y[:4])
    data = ingest_file(tmp_path, Arrays(path="a.npz", test="b.npz"), x=X, y=Y)
    assert len(held_out(data, Places(None, tmp_path / "cache")).examples) == 4
    np.savez(tmp_path / "b.npz", x=X[:4, :2], y=Y[:4])
    message = complaint(tmp_path, replace(data, found=None), x=X, y=Y)
    assert message == "/b.npz: must have examples like the training part's, [3] uint8, got [2] uint8"


def test_numbers_and_labels_have_names_with_places(tmp_path: Path) -> None:
    many = np.stack([Y, 1 - Y], axis=1)
    for task, dtype in (("multi_label", np.uint8), ("regression", np.float32)):
        data = ingest_file(tmp_path, Arrays(path="a.npz", task=task), x=X, y=many)  # type: ignore[arg-type]
        assert data.found is not None
        assert (data.found.classes, data.found.rarest) == (("y[0]", "y[1]"), 16)
        assert training_set(data, Places(None, tmp_path / "cache")).examples.labels.dtype == dtype
    one = ingest_file(tmp_path, Arrays(path="a.npz", task="regression"), x=X, y=Y)
    assert training_set(one, Places(None, tmp_path / "cache")).examples.labels.shape == (16, 1)


def test_groups_and_weights_come_along(tmp_path: Path) -> None:
    data = Arrays(path="a.npz", groups="g", weights="w", test=Cut(share=0.25))
    data = ingest_file(tmp_path, data, x=X, y=Y, g=np.arange(20) // 4, w=np.arange(20) / 2)
    places = Places(None, tmp_path / "cache")
    training, test = training_set(data, places).examples, held_out(data, places).examples
    assert training.groups is not None
    assert test.groups is not None
    assert training.weights is not None
    assert not np.isin(training.groups, test.groups).any()
    np.testing.assert_array_equal(training.weights, training.inputs[:, 0] / 6)


PLAIN = {"x": X, "y": Y}
COMPLEX = np.zeros((20, 2), complex)
HOLE = np.where(np.arange(60).reshape(20, 3) == 7, np.nan, 1.0)


@pytest.mark.parametrize(
    ("data", "arrays", "message"),
    [
        ({"x": "X"}, PLAIN, "/a.npz: has no array 'X'; did you mean x?"),
        ({}, {"x": X}, "/a.npz: has no array 'y'; allowed: x"),
        ({}, {"x": X, "y": Y[:9]}, "/a.npz: y: must have as many entries as x, 20, got 9"),
        ({}, {"x": X[:, 0], "y": Y}, "/a.npz: x: must have the examples first, then their values, got [20]"),
        ({}, {"x": COMPLEX, "y": Y}, "/a.npz: x: must be numbers, got complex128"),
        (
            {},
            {"x": HOLE, "y": Y},
            "/a.npz: x, row 3: must be finite numbers that float32 can hold; "
            "fill missing ones, for instance with the median of their column",
        ),
        (
            {},
            {"x": X, "y": np.eye(20)},
            "/a.npz: column 'y[0]': 20 different values in 20 rows are numbers or identifiers, not classes; "
            'say task = "regression", or name another target',
        ),
        (
            {},
            {"x": X, "y": np.ones((20, 2))},
            "/a.npz: column 'y[0]', row 1: must have a single 1 in y[0], y[1] to be a class, got [1.0, 1.0]",
        ),
        ({"task": "multi_label"}, PLAIN, "/a.npz: y: must be several labels for each example, got [20]"),
        ({}, {"x": X, "y": np.array(5)}, "/a.npz: y: must have an entry for each example, got a single one"),
        (
            {},
            {"x": X, "y": np.array(["a"] * 20, object)},
            "/a.npz: y: cannot be read: Object arrays cannot be loaded when allow_pickle=False",
        ),
        ({}, {"x": X[:9], "y": Y[:9]}, "/a.npz: has 9 rows, and at least 10 are needed"),
        ({"weights": "w"}, {**PLAIN, "w": -Y}, "/a.npz: column 'w', row 2: must be at least 0, got -1"),
    ],
)
def test_a_bad_file_has_a_message(data: Any, arrays: Any, message: str, tmp_path: Path) -> None:
    assert complaint(tmp_path, Arrays(path="a.npz", **data), **arrays) == message


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (36000000000,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '|S0', 'fortran_order': False, 'shape': (99999999999999,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 9, }",
        "{'descr': 1, 'fortran_order': False, 'shape': (9,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9,), ",
        "((((((((" * 20,
        "\0" * 90,
    ],
)
def test_a_damaged_header_is_named_before_anything_is_allocated(header: str, tmp_path: Path) -> None:
    content = f"\x93NUMPY\1\0{chr(len(header) + 1)}\0{header}\n".encode("latin-1") + bytes(80)
    (tmp_path / "x.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
        archive.writestr("y.npy", content)
    for name in ("a.npz", "x.npy"):
        with pytest.raises(DataError) as error:
            profile_arrays(tmp_path / name, Roles(("y",)), "guess")
        assert str(error.value).startswith(f"{tmp_path}/{name}: is not an NPZ or NPY file: ")
        assert "\n" not in str(error.value)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"no")
    with pytest.raises(DataError) as error:
        ingest(Arrays(path="a.npz"), tmp_path, Places(None, tmp_path / "cache"), lambda _: None)
    assert str(error.value) == f"{tmp_path}/a.npz: is not an NPZ or NPY file: File is not a zip file"


def test_a_training_part_alone_is_read_by_its_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X_train=X, y_train=Y)
    profile = profile_arrays(tmp_path / "a.npz", Roles(()), "guess")
    assert (profile.x, profile.y, profile.test_rows) == ("X", "y", 0)
    places = Places(None, tmp_path / "cache")
    data = ingest_file(tmp_path, replace(DATA, x="X"), X_train=X, y_train=Y)
    assert (len(training_set(data, places).examples), len(held_out(data, places).examples)) == (16, 4)
    np.savez(tmp_path / "b.npz", X_test=X[:3], y_test=Y[:3])
    data = ingest_file(tmp_path, replace(DATA, x="X", test="b.npz"), X_train=X, y_train=Y)
    assert (len(training_set(data, places).examples), len(held_out(data, places).examples)) == (20, 3)


@pytest.mark.parametrize("ending", ["", "_train"])
def test_two_npy_files_are_inputs_and_targets(ending: str, tmp_path: Path) -> None:
    np.save(tmp_path / f"images{ending}.npy", X)
    np.save(tmp_path / f"y{ending}.npy", Y)
    path, places = tmp_path / f"images{ending}.npy", Places(None, tmp_path / "cache")
    profile = profile_arrays(path, Roles(()), "guess")
    assert (profile.x, profile.y, profile.shape) == ("images", "y", (3,))
    data = Arrays(path=path.name, x="images")
    first = ingest(data, tmp_path, places, lambda _: None)
    assert len(training_set(first, places).examples) == 16
    np.save(tmp_path / f"y{ending}.npy", 1 - Y)
    again = ingest(data, tmp_path, places, lambda _: None)
    assert first.found != again.found, "the other file has changed"
    np.save(tmp_path / "images_test.npy", X[:3])
    np.save(tmp_path / "y_test.npy", Y[:3])
    data = replace(data, test="images_test.npy")
    assert len(held_out(ingest(data, tmp_path, places, lambda _: None), places).examples) == 3
