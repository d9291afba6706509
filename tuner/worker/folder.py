"""Paths of a study's files, as this process sees them."""

import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from errno import ENAMETOOLONG
from pathlib import Path

import numpy as np

from tuner.base.errors import StorageError
from tuner.recipe import Views


def member(key: str) -> str:
    """The name of the refitted model of a recipe with this key."""
    return f"members/{key}"


def is_damaged(model: Path) -> bool:
    """Whether a saved model fails its checksums, or its outputs for validation examples cannot be read."""
    try:
        for outputs in model.parent.glob(f"{model.stem}*.validation.npy"):
            np.lib.format.open_memmap(outputs, mode="r")
        with zipfile.ZipFile(model) as archive:
            return archive.testzip() is not None
    except Exception:  # NumPy and `zipfile` raise any exception for a damaged file
        return True


@dataclass(frozen=True)
class Folder:
    """The folder of one study: its checkpoints, models and logs by name."""

    path: Path

    def prepare(self) -> None:
        """Create it and the folder of artifacts next to it. Raises `StorageError` if that fails."""
        runs = self.path.parent
        try:
            (runs / "artifacts").mkdir(parents=True, exist_ok=True)
            self.path.mkdir(exist_ok=True)
            tempfile.TemporaryFile(dir=self.path).close()  # two processes may prepare it at once
        except OSError as error:
            place, option = (self.path, "name") if error.errno == ENAMETOOLONG else (runs, "runs")
            problem = f"the folder {place} cannot be written: {error.strerror}; choose another with --{option}"
            raise StorageError(problem) from error

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints."""
        return self.path / "checkpoints"

    def checkpoint(self, name: str) -> Path:
        """The checkpoint of the training with this name."""
        return self.checkpoints / f"{name}.npz"

    def checkpoint_sizes(self) -> dict[int, int]:
        """The bytes of each trial's checkpoint by the trial's number."""
        sizes: dict[int, int] = {}
        for path in self.checkpoints.glob("*.npz"):
            with suppress(FileNotFoundError):  # another process may have just removed it
                sizes |= {int(path.stem): path.stat().st_size} if path.stem.isdigit() else {}
        return sizes

    def forget_checkpoint(self, first: int) -> None:
        """Remove the checkpoint of the training that began as this trial."""
        self.checkpoint(str(first)).unlink(missing_ok=True)

    def model(self, name: str) -> Path:
        """A saved model."""
        return self.path / f"{name}.keras"

    def validated(self, name: str, part: str = "") -> Path:
        """A saved model's outputs for the validation examples, or for views of them (see `Views.parts`)."""
        return self.path / f"{name}{part}.validation.npy"

    def forget(self, name: str) -> None:
        """Remove a saved model and its outputs."""
        self.model(name).unlink(missing_ok=True)
        self.remove_outputs(name)

    def outputs(self, name: str) -> Path:
        """A saved model's outputs for the test examples."""
        return self.path / f"{name}.npy"

    def remove_outputs(self, name: str) -> None:
        """Remove a saved model's outputs for validation and test examples."""
        parts = Views(is_mirrored=True, is_shifted=True).parts
        for path in (self.outputs(name), *(self.validated(name, each) for each in parts)):
            path.unlink(missing_ok=True)

    def log(self, number: int) -> Path:
        """The output of a training process's libraries."""
        return self.path / f"worker-{number}.log"
