"""What an estimator holds of a search: its model in memory, and the folder that it was made in."""

import shutil
import weakref
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.deploy.predictor import Predictor

MODEL, PAPERS = "best.keras", "best.json"


class Saved:
    """A model as it was saved, in memory, so that it can be pickled; loaded where it is asked."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    @staticmethod
    def of(model: Path) -> "Saved":
        """The model in a file, with its papers."""
        return Saved({MODEL: model.read_bytes(), PAPERS: model.with_suffix(".json").read_bytes()})

    @cached_property
    def predictor(self) -> "Predictor":
        """The model, ready to be asked."""
        from tuner.deploy.predictor import Predictor

        with TemporaryDirectory() as folder:
            for name, content in self.files.items():
                (Path(folder) / name).write_bytes(content)
            return Predictor.load(Path(folder) / MODEL)

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files}


class Temporary:
    """A folder that goes when nobody holds this any more."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="tuner-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
