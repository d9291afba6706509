"""Data sets: formats, the order of looking, hashes, the prepared cache."""

import gzip
import json
import multiprocessing
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuner.base.errors import DataError
from tuner.data import load
from tuner.data.catalogue import CATALOGUE, IDX
from tuner.data.load import catalogue_folder, held_out, status_of, training_set
from tuner.data.sources import Places, Source, find_source, read_idx, read_npz, read_usps
from tuner.recipe import Data


def idx(values: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    return b"\x00\x00\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def write_idx_folder(folder: Path) -> None:
    """A complete MNIST-like folder with a few wrong images."""
    folder.mkdir(parents=True)
    for name in IDX:
        shape = (3, 28, 28) if "images" in name else (3,)
        (folder / name).write_bytes(gzip.compress(idx(np.zeros(shape, np.uint8))))


def test_every_entry_of_the_catalogue_has_its_hash_and_may_stand_in_a_recipe() -> None:
    assert [Data(name=name).name for name in CATALOGUE] == list(CATALOGUE)
    assert all(len(entry.sha256) == 64 for entry in CATALOGUE.values())


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist", "usps"])
@pytest.mark.slow
def test_the_real_files_are_the_catalogues(name: str, real_places: Places) -> None:
    data, test = training_set(name, real_places), held_out(name, real_places)
    entry = CATALOGUE[name]
    assert len(data.examples) == entry.training_examples
    assert len(test.examples) == entry.test_examples
    assert data.examples.shape == entry.shape
    assert data.identity == test.identity == entry.identity
    assert data.origin.startswith("from the folder of data sets")
    assert (data.examples.inputs.min(), data.examples.inputs.max()) == entry.value_range


@pytest.mark.parametrize("name", ["digits", "circle", "xor", "spiral"])
def test_sets_that_need_no_file_are_there_at_once(name: str, places: Places) -> None:
    data, test = training_set(name, places), held_out(name, places)
    entry = CATALOGUE[name]
    assert (len(data.examples), len(test.examples)) == (entry.training_examples, entry.test_examples)
    assert set(np.unique(data.examples.labels)) == set(range(len(entry.classes)))


def test_the_playgrounds_points_lie_where_its_formulas_put_them(places: Places) -> None:
    circle, xor, spiral = (training_set(name, places).examples for name in ("circle", "xor", "spiral"))
    radius = np.hypot(*circle.inputs.T)
    assert radius[circle.labels == 1].max() <= 2.5001
    assert radius[circle.labels == 0].min() >= 3.4999
    assert radius.max() <= 5.0001
    assert np.abs(xor.inputs).min() >= 0.2999
    assert ((xor.inputs.prod(axis=1) > 0) == (xor.labels == 1)).all()
    turned = np.arctan2(*spiral.inputs.T) - np.hypot(*spiral.inputs.T) / 5 * 1.75 * 2 * np.pi
    off = np.abs(np.angle(np.exp(1j * (turned - np.where(spiral.labels == 1, 0, np.pi)))))
    assert off[np.hypot(*spiral.inputs.T) > 0.1].max() < 0.01


def test_the_training_part_is_loaded_without_the_test_files(places: Places) -> None:
    own = Places(None, places.cache / "apart")
    training_set("xor", own)
    folder = catalogue_folder("xor", own)
    for array in ("test_inputs", "test_labels"):
        path = folder / f"{array}.npy"
        path.write_bytes(b"?" * path.stat().st_size)
    assert len(training_set("xor", own).examples) == 250
    assert set(path.read_bytes()) == {ord("?")}
    assert len(held_out("xor", own).examples) == 250
    assert set(path.read_bytes()) != {ord("?")}


@pytest.mark.parametrize("damage", ["zeroed", "header", "index"])
@pytest.mark.parametrize("name", ["circle", "digits"])
def test_damaged_arrays_are_made_again(name: str, damage: str, tmp_path: Path) -> None:
    own = Places(None, tmp_path)
    labels, folder = np.array(training_set(name, own).examples.labels), catalogue_folder(name, own)
    path = folder / "train_labels.npy"
    content = path.read_bytes()
    if damage == "index":
        (folder / "index.json").write_text("[]")
    else:
        path.write_bytes(content[:128] + bytes(len(content) - 128) if damage == "zeroed" else b"?" * len(content))
    np.testing.assert_array_equal(training_set(name, own).examples.labels, labels)
    assert path.read_bytes() == content


def test_damaged_arrays_of_an_earlier_version_say_what_to_do(tmp_path: Path) -> None:
    own = Places(None, tmp_path)
    training_set("xor", own)
    folder = catalogue_folder("xor", own)
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({"origin": index["origin"], "sizes": index["sizes"]}))
    path = folder / "train_labels.npy"
    assert len(training_set("xor", own).examples) == 250
    path.write_bytes(b"?" * path.stat().st_size)
    with pytest.raises(DataError) as error:
        training_set("xor", own)
    assert str(error.value).startswith(f"{folder}: its stored arrays are damaged: ")
    assert str(error.value).endswith("; remove the folder, and they are made again")


def test_decoded_arrays_are_memory_mapped_and_read_only(places: Places) -> None:
    inputs = training_set("xor", places).examples.inputs
    assert isinstance(inputs, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        inputs[0] = 1


def test_a_damaged_prepared_copy_is_made_again(tmp_path: Path) -> None:
    own = Places(None, tmp_path)
    training_set("xor", own)
    (catalogue_folder("xor", own) / "train_inputs.npy").write_bytes(b"short")
    assert len(training_set("xor", own).examples) == 250
    assert not list((tmp_path / "prepared").glob(".*"))


def _prepare(cache: Path) -> None:
    training_set("circle", Places(None, cache))


@pytest.mark.slow
def test_two_processes_may_prepare_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_prepare, args=(tmp_path,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert [path.name for path in (tmp_path / "prepared").iterdir()] == [
        catalogue_folder("circle", Places(None, tmp_path)).name
    ]


def test_other_images_under_a_known_name_are_refused(tmp_path: Path) -> None:
    write_idx_folder(tmp_path / "data" / "mnist")
    with pytest.raises(DataError) as error:
        training_set("mnist", Places(tmp_path / "data", tmp_path / "cache"))
    assert str(error.value).startswith(
        f"from the folder of data sets, {tmp_path}/data/mnist: is not the data set mnist: SHA-256 "
    )
    assert not (tmp_path / "cache" / "prepared").exists()


def test_the_users_folder_comes_before_keras_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    own, bare = Places(tmp_path / "data", tmp_path / "cache"), Places(None, tmp_path / "cache")
    assert find_source("mnist", own) is None
    write_idx_folder(tmp_path / "cache" / "downloads" / "mnist")
    found = find_source("mnist", own)
    assert found is not None
    assert found.origin == f"from an earlier download, {tmp_path}/cache/downloads/mnist"
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    (tmp_path / "keras" / "datasets" / "mnist.npz").touch()
    assert find_source("mnist", own) == Source(
        tmp_path / "keras/datasets/mnist.npz", f"from Keras's cache, {tmp_path}/keras/datasets/mnist.npz"
    )
    write_idx_folder(tmp_path / "data" / "mnist")
    assert "the folder of data sets" in getattr(find_source("mnist", own), "origin", "")
    assert "Keras's cache" in getattr(find_source("mnist", bare), "origin", "")


def test_a_failed_download_lists_all_that_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    entry = replace(CATALOGUE["usps"], addresses=("http://127.0.0.1:9/nothing/",))
    monkeypatch.setitem(CATALOGUE, "usps", entry)
    with pytest.raises(DataError) as error:
        training_set("usps", Places(None, tmp_path))
    lines = str(error.value).splitlines()
    assert lines[0] == "the data set usps is not on this machine and could not be fetched:"
    assert lines[1] == "  http://127.0.0.1:9/nothing/: zip.train.gz: ConnectionError"
    assert lines[2] == (
        "Put its files (zip.train.gz, zip.test.gz) into a folder usps, "
        "and name the folder around it with --data-dir or TUNER_DATA."
    )
    assert not list((tmp_path / "downloads").iterdir())


@pytest.mark.slow
def test_a_set_is_downloaded_and_checked(real_places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real HTTP server on this machine serves the real USPS files; a damaged file is refused and leaves nothing."""
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    assert real_places.data_dir is not None
    served = tmp_path / "served"
    shutil.copytree(real_places.data_dir / "usps", served)
    served.chmod(0o755)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setitem(CATALOGUE, "usps", replace(CATALOGUE["usps"], addresses=(address,)))
    lines: list[str] = []
    data = training_set("usps", Places(None, tmp_path / "cache"), lines.append)
    assert lines == [f"fetching usps from {address}"]
    assert data.origin == f"fetched from {address}"
    (served / "zip.test.gz").chmod(0o644)
    (served / "zip.test.gz").write_bytes((served / "zip.test.gz").read_bytes()[:5000])
    with pytest.raises(DataError, match="could not be fetched"):
        training_set("usps", Places(None, tmp_path / "other"), lines.append)
    assert "zip.test.gz: cannot be read" in lines[-1]
    assert not list((tmp_path / "other" / "downloads").iterdir())
    server.shutdown()
    server.server_close()


def test_broken_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    for content, message in (
        (b"hello", "is not an IDX file of unsigned bytes"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], "is cut off or damaged: 5 values for the shape [2, 3]"),
        (gzip.compress(b"\x00" * 100)[:-20], "cannot be read: Compressed file ended before the end-of-stream marker"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError) as error:
            read_idx(path)
        assert str(error.value).startswith(f"{path}: {message}")
    with pytest.raises(DataError, match=r"x\.gz: is not Keras's mnist\.npz"):
        read_npz(path)


def test_idx_is_read_with_and_without_compression(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    for content in (idx(values), gzip.compress(idx(values))):
        (tmp_path / "x").write_bytes(content)
        np.testing.assert_array_equal(read_idx(tmp_path / "x"), values)


def test_usps_text_is_read(tmp_path: Path) -> None:
    line = "7.0000 " + " ".join(["-1.0000"] * 255 + ["0.5000"])
    (tmp_path / "zip.gz").write_bytes(gzip.compress(f"{line}\n{line}\n".encode()))
    inputs, labels = read_usps(tmp_path / "zip.gz")
    assert inputs.shape == (2, 16, 16)
    assert inputs[0, 15, 15] == 0.5
    assert labels.tolist() == [7, 7]
    (tmp_path / "zip.gz").write_bytes(gzip.compress(b"1 2 3\n"))
    with pytest.raises(DataError, match="a line must have a label and 256 values, got 3 numbers"):
        read_usps(tmp_path / "zip.gz")


def test_an_unwritable_cache_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        DataError, match=r"the cache folder .*file cannot be written: .*; choose another with TUNER_CACHE"
    ):
        training_set("xor", Places(None, tmp_path / "file"))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: this folder of data sets does not exist"):
        Places.from_environment(tmp_path / "nowhere")


def test_a_status_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(load, "download", lambda *_: pytest.fail("fetched"))
    states = {name: status_of(name, Places(None, tmp_path))[0] for name in CATALOGUE}
    assert states["xor"] == "made"
    assert states["mnist"] == "to be fetched"
    assert not list(tmp_path.iterdir())
