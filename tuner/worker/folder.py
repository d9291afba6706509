"""Where a study's files lie, as the process that asks sees them."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tuner.base.errors import StorageError


def mirrored(name: str) -> str:
    """The name of what a saved model gives for mirror images."""
    return f"{name}-mirrored"


def member(key: str) -> str:
    """The name of the model of a recipe with this key, which the study's model may be made of."""
    return f"members/{key}"


@dataclass(frozen=True)
class Folder:
    """The folder of one study: its checkpoints, models and logs by name."""

    path: Path

    def prepare(self) -> None:
        """Make it, and the folder of artifacts beside it. Raises `StorageError` where that cannot be."""
        runs = self.path.parent
        try:
            (runs / "artifacts").mkdir(parents=True, exist_ok=True)
            self.path.mkdir(exist_ok=True)
            tempfile.TemporaryFile(dir=self.path).close()  # two processes may prepare it at once
        except OSError as error:
            problem = f"the folder {runs} cannot be written: {error.strerror}; choose another with --runs"
            raise StorageError(problem) from error

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints."""
        return self.path / "checkpoints"

    def checkpoint(self, name: str) -> Path:
        """Where a training of that name is written down."""
        return self.checkpoints / f"{name}.npz"

    def model(self, name: str) -> Path:
        """A saved model."""
        return self.path / f"{name}.keras"

    def validated(self, name: str) -> Path:
        """What a saved model gives for each validation example."""
        return self.path / f"{name}.validation.npy"

    def forget(self, name: str) -> None:
        """Remove a saved model with all that it gave."""
        self.model(name).unlink(missing_ok=True)
        self.leave_no_answers(name)

    def outputs(self, name: str) -> Path:
        """What a saved model gives for each test example."""
        return self.path / f"{name}.npy"

    def leave_no_answers(self, name: str) -> None:
        """Remove what a saved model gave for validation and test examples."""
        for path in (self.outputs(name), self.validated(name), self.validated(mirrored(name))):
            path.unlink(missing_ok=True)

    def log(self, number: int) -> Path:
        """What the libraries of a training process print."""
        return self.path / f"worker-{number}.log"
