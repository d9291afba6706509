"""Where a data set's files are on this machine already, in the order in which they are looked for."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuner.base.errors import DataError
from tuner.data import formats
from tuner.data.catalogue import CATALOGUE, Entry


@dataclass(frozen=True)
class Places:
    """The folder that the user named, if any, and the folder for downloads and decoded arrays."""

    data_dir: Path | None
    cache: Path

    @staticmethod
    def from_environment(data_dir: Path | None = None) -> "Places":
        """From --data-dir or TUNER_DATA, and TUNER_CACHE or the user's cache folder. Raises `DataError` where the named
        folder does not exist."""
        said = data_dir or (Path(os.environ["TUNER_DATA"]) if os.environ.get("TUNER_DATA") else None)
        if said is not None and not said.is_dir():
            raise DataError(f"{said}: there is no such folder of data sets (--data-dir or TUNER_DATA)")
        if os.environ.get("TUNER_CACHE"):
            return Places(said, Path(os.environ["TUNER_CACHE"]))
        import platformdirs

        return Places(said, platformdirs.user_cache_path("tuner", appauthor=False))

    @property
    def downloads(self) -> Path:
        return self.cache / "downloads"


@dataclass(frozen=True)
class Source:
    """A place that has all files of a data set, and how to say so."""

    path: Path
    origin: str

    def read(self, entry: Entry) -> formats.Arrays:
        """The four arrays. Raises `DataError` naming the file that cannot be read."""
        if self.path.suffix == ".npz":
            return formats.read_npz(self.path)
        if entry.format == "usps":
            return formats.read_usps_folder(self.path, entry.files)
        return formats.read_idx_folder(self.path, entry.files)


def look(name: str, places: Places) -> Source | None:
    """The first place that has the data set, without any network; None where there is none."""
    entry = CATALOGUE[name]
    for path, origin in _candidates(name, entry, places):
        if path.suffix == ".npz":
            if path.is_file():
                return Source(path, f"from {origin}, {path}")
        elif formats.is_complete(path, entry.files):
            return Source(path, f"from {origin}, {path}")
    return None


def _candidates(name: str, entry: Entry, places: Places) -> Iterator[tuple[Path, str]]:
    if places.data_dir is not None:
        for folder in (places.data_dir / name, places.data_dir):
            if folder == places.data_dir and name != folder.name and entry.format == "idx":
                continue  # MNIST and Fashion-MNIST have the same file names: a folder tells them apart
            yield folder, "the folder of data sets"
        if name == "mnist":
            yield places.data_dir / "mnist.npz", "the folder of data sets"
    if entry.system_folder:
        yield Path(entry.system_folder), "a system package"
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    if name == "mnist":
        yield keras / "mnist.npz", "Keras's cache"
    elif entry.format == "idx":
        yield keras / name, "Keras's cache"
    yield places.downloads / name, "an earlier download"
