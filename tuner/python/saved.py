"""What an estimator keeps of a search: its model in memory, and a temporary folder for the search."""

import shutil
import weakref
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.deploy.predictor import Predictor


class SavedModel:
    """The bytes of a saved model and of its metadata, which can be pickled. The model is loaded when it is first needed."""

    def __init__(self, model: Path) -> None:
        self.files = {suffix: model.with_suffix(suffix).read_bytes() for suffix in (".keras", ".json")}

    @cached_property
    def predictor(self) -> "Predictor":
        """The loaded model."""
        from tuner.deploy.predictor import Predictor

        with TemporaryDirectory() as folder:
            for suffix, content in self.files.items():
                (Path(folder) / f"best{suffix}").write_bytes(content)
            return Predictor.load(Path(folder) / "best.keras")

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files}


class TemporaryFolder:
    """A folder that is deleted with the last reference to this object."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="tuner-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
