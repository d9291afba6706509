"""A data set's files: found on this machine or fetched, read, and compared with the catalogue."""

import gzip
import hashlib
import io
import logging
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np

from tuner.base.errors import DataError, data_errors
from tuner.base.writing import remove, temporary_folder
from tuner.data.catalogue import CATALOGUE, Entry
from tuner.data.examples import Array, Arrays

CONNECT_SECONDS = 10
APT_SECONDS = 180


@dataclass(frozen=True)
class Places:
    """The user's folder of data sets, if any, and the folder for downloads and decoded arrays."""

    data_dir: Path | None
    cache: Path

    @staticmethod
    def from_environment(data_dir: Path | None = None) -> "Places":
        """From --data-dir or TUNER_DATA, and from TUNER_CACHE or the user's cache folder. Raises `DataError` for a missing folder."""
        data_dir = data_dir or (Path(os.environ["TUNER_DATA"]) if os.environ.get("TUNER_DATA") else None)
        if data_dir is not None and not data_dir.is_dir():
            raise DataError(f"{data_dir}: this folder of data sets does not exist (--data-dir or TUNER_DATA)")
        if os.environ.get("TUNER_CACHE"):
            return Places(data_dir, Path(os.environ["TUNER_CACHE"]))
        import platformdirs

        return Places(data_dir, platformdirs.user_cache_path("tuner", appauthor=False))


@dataclass(frozen=True)
class Source:
    """A place that has all files of a data set, and its description."""

    path: Path
    origin: str

    def read(self, name: str) -> Arrays:
        """The four arrays. Raises `DataError` for a file that cannot be read, and for other contents than the catalogue's."""
        entry = CATALOGUE[name]
        if self.path.suffix == ".npz":
            arrays = read_npz(self.path)
        else:
            parts = (READERS[entry.format](_either(self.path, file)) for file in entry.files)
            arrays = cast(Arrays, tuple(chain.from_iterable(parts)))
        verify(name, arrays, self.origin)
        return arrays


def find_source(name: str, places: Places) -> Source | None:
    """The first place that has the data set, without any network; None where there is none."""
    entry = CATALOGUE[name]
    for path, origin in _candidates(name, entry, places):
        files = [path] if path.suffix == ".npz" else [_either(path, file) for file in entry.files]
        if all(file.is_file() for file in files):
            return Source(path, f"from {origin}, {path}")
    return None


def _candidates(name: str, entry: Entry, places: Places) -> Iterator[tuple[Path, str]]:
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    if places.data_dir is not None:
        own = [places.data_dir / name]
        if entry.format != "idx" or name == places.data_dir.name:  # MNIST and Fashion-MNIST have the same file names
            own.append(places.data_dir)
        if name == "mnist":
            own.append(places.data_dir / "mnist.npz")
        yield from ((path, "the folder of data sets") for path in own)
    if entry.system_folder:
        yield Path(entry.system_folder), "a system package"
    if entry.format == "idx":
        yield keras / ("mnist.npz" if name == "mnist" else name), "Keras's cache"
    yield places.cache / "downloads" / name, "an earlier download"


def download(name: str, places: Places, log: Callable[[str], None]) -> Source:
    """Fetch a data set and compare it with the catalogue before it enters the cache. Raises `DataError` with all that was tried."""
    entry, downloads = CATALOGUE[name], places.cache / "downloads"
    ways: list[tuple[str, Callable[[Path], None]]] = [
        (address, partial(_download, address, entry.files)) for address in entry.addresses
    ]
    if entry.debian_package and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        ways.append((f"the Debian package {entry.debian_package}", partial(_unpack_package, entry)))
    failures: list[str] = []
    for where, fetch in ways:
        log(f"fetching {name} from {where}")
        try:
            with temporary_folder(downloads) as folder:
                fetch(folder)
                Source(folder, f"from {where}").read(name)
                remove(downloads / name)
                folder.rename(downloads / name)
                return Source(downloads / name, f"fetched from {where}")
        except (DataError, OSError, subprocess.SubprocessError) as error:
            text = getattr(error, "stderr", None) or str(error)
            reason = (text.strip().splitlines() or [type(error).__name__])[0]
            failures.append(f"  {where}: {reason}")
            log(f"fetching {name} from {where} did not work: {reason}")
    listing, files = "\n".join(failures), ", ".join(entry.files)
    raise DataError(
        f"the data set {name} is not on this machine and could not be fetched:\n{listing}\n"
        f"Put its files ({files}) into a folder {name}, and name the folder around it with --data-dir or TUNER_DATA."
    )


def verify(name: str, arrays: Arrays, where: str) -> None:
    """Raise `DataError` unless the arrays are the catalogue's, to the byte."""
    actual, expected = hash_of(arrays), CATALOGUE[name].sha256
    if actual != expected:
        raise DataError(f"{where}: is not the data set {name}: SHA-256 {actual[:16]}…, expected {expected[:16]}…")


def hash_of(arrays: Arrays) -> str:
    """The SHA-256 of the hexadecimal SHA-256 of the four arrays' bytes (C order, little-endian)."""
    little = (np.ascontiguousarray(each).astype(each.dtype.newbyteorder("<"), copy=False) for each in arrays)
    return hashlib.sha256("".join(hashlib.sha256(each.data).hexdigest() for each in little).encode()).hexdigest()


def read_idx(path: Path) -> Array:
    """An IDX file of unsigned bytes, compressed or not."""
    content = _content(path)
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(f"{path}: is not an IDX file of unsigned bytes")
    axes = content[3]
    with data_errors(path, "is cut off or damaged"):
        shape = tuple(int(size) for size in np.frombuffer(content, ">u4", axes, 4))
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
        if values.size != math.prod(shape):
            raise ValueError(f"{values.size} values for the shape {list(shape)}")
        return values.reshape(shape)


def read_npz(path: Path) -> Arrays:
    """Keras's `mnist.npz`."""
    with data_errors(path, "is not Keras's mnist.npz"), np.load(path, allow_pickle=False) as content:
        return content["x_train"], content["y_train"], content["x_test"], content["y_test"]


def read_usps(path: Path) -> tuple[Array, Array]:
    """Inputs and labels of USPS as text: a line has a label and 256 grey values from -1 to 1."""
    import pandas as pd

    with data_errors(path, "is not USPS text"):
        table = pd.read_csv(io.BytesIO(_content(path)), sep=r"\s+", header=None, dtype=np.float64).to_numpy()
    if table.shape[1] != 257 or not np.isfinite(table).all():
        rule = "a line must have a label and 256 values"
        raise DataError(f"{path}: is not USPS text: {rule}, got {table.shape[1]} numbers")
    return table[:, 1:].astype(np.float32).reshape(-1, 16, 16), table[:, 0].astype(np.uint8)


READERS: dict[str, Callable[[Path], tuple[Array, ...]]] = {"idx": lambda path: (read_idx(path),), "usps": read_usps}
"""The arrays of one file of each format."""


def _content(path: Path) -> bytes:
    with data_errors(path, "cannot be read"):
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def _either(folder: Path, name: str) -> Path:
    """The compressed file, or the one without .gz."""
    compressed = folder / name
    return compressed if compressed.is_file() else folder / name.removesuffix(".gz")


def _download(address: str, files: tuple[str, ...], folder: Path) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    registry = pooch.create(folder, address, registry=dict.fromkeys(files), retry_if_failed=1)
    downloader = pooch.HTTPDownloader(timeout=CONNECT_SECONDS, progressbar=sys.stderr.isatty())
    for file in files:
        try:
            registry.fetch(file, downloader=downloader)
        except requests.RequestException as error:
            raise DataError(f"{file}: {type(error).__name__}") from error


def _unpack_package(entry: Entry, folder: Path) -> None:
    """Without root: `apt-get download`, with package lists of its own, since the machine's may be empty."""
    package, work = entry.debian_package, folder / "apt"
    (work / "lists" / "partial").mkdir(parents=True)
    (work / "cache" / "archives" / "partial").mkdir(parents=True)
    user = os.environ.get("USER", "root")
    own = [f"-oDir::State::Lists={work}/lists", f"-oDir::Cache={work}/cache", f"-oAPT::Sandbox::User={user}"]
    run = partial(subprocess.run, cwd=work, capture_output=True, text=True, timeout=APT_SECONDS, check=True)
    run(["apt-get", "-qq", *own, "update"])
    run(["apt-get", "-qq", *own, "download", package])
    run(["dpkg-deb", "-x", *work.glob(f"{package}_*.deb"), "unpacked"])
    for file in entry.files:
        (work / "unpacked" / entry.system_folder.lstrip("/") / file).replace(folder / file)
    remove(work)
