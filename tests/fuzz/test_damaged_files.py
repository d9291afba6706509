"""Files that are damaged, at chance: each is read, or refused in one line, and none takes more than 2 GiB.

Some examples in `make test`, 5,000 in `make test-long`.
"""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from PIL import Image

from tests.support.damage import EDITS, Edit, edited, edited_inside, require_refusal
from tuner.data.ingest.arrays import profile_arrays, read_arrays
from tuner.data.ingest.images import read_image
from tuner.data.ingest.profile import Roles, profile_table, read_as_written
from tuner.data.sources import Places, read_idx
from tuner.deploy.predictor import Predictor
from tuner.networks import Dense
from tuner.recipe import Arrays, Cut, Data, Images, Recipe
from tuner.study import load
from tuner.training.checkpoint import Checkpoint, Position, Progress

pytestmark = pytest.mark.filterwarnings("ignore")

TABLE = "a,b,when,c,y\n" + "".join(
    f'{row * 7 % 43 / 8},{row},2024-0{1 + row % 9}-1{row % 9},"w{row % 3}, ü",{"pq"[row % 2]}\n' for row in range(24)
)
STUDY = """
objective = "validation_accuracy"
[budget]
trials = 4
minutes = 5
[search]
sampler = "tpe"
pruner = "hyperband"
[recipe.data]
name = "xor"
[recipe.training]
batch_size = { choice = [16, 32] }
epochs = 2
optimizer = { one_of = [{ kind = "adam", learning_rate = { low = 1e-4, high = 1e-1, log = true } }, { kind = "sgd", momentum = { low = 0.0, high = 0.9 } }] }
[recipe.network]
kind = "dense"
widths = { repeat = { low = 1, high = 2 }, each = { low = 2, high = 8, log = true } }
"""
RECIPE = Recipe(data=Data(name="xor"), network=Dense(widths=(4,)))
PROGRESS = Progress(position=Position(steps=7, seconds=12.5), state=(np.arange(30, dtype=np.float32), np.array(5)))


def packed(content: bytes) -> bytes:
    """A ZIP archive with a table."""
    with zipfile.ZipFile(stream := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", content)
    return stream.getvalue()


def saved(write: Callable[[io.BytesIO], object]) -> bytes:
    """What it writes."""
    write(stream := io.BytesIO())
    return stream.getvalue()


def arrays() -> bytes:
    """Inputs and targets as NPZ."""
    x = np.random.default_rng(0).normal(size=(20, 3))
    return saved(partial(np.savez_compressed, x=x, y=np.arange(20) % 2))


def picture(format: str, _: Path) -> bytes:
    """A picture in this format."""
    values = np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8)
    return saved(lambda stream: Image.fromarray(values).save(stream, format))


def frame() -> pd.DataFrame:
    """The table."""
    return pd.read_csv(io.StringIO(TABLE))


def model(folder: Path) -> bytes:
    """A model with two inputs and three classes, of which nothing is trained."""
    layers = keras.layers
    chain = [keras.Input((4, 4, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3, activation="softmax")]
    keras.Sequential(chain).save(folder / "good.keras")
    return (folder / "good.keras").read_bytes()


def read_table(path: Path) -> None:
    profile_table(read_as_written(str(path)), Roles(("y",)), where=str(path))


def read_npz(path: Path) -> None:
    profile_arrays(path, Roles(()), "guess")
    read_arrays(Arrays(path=path.name), path, Cut())


def predict(path: Path) -> None:
    Predictor.load(path).predict(np.zeros((2, 4, 4, 1), np.float32), str(path))


def go_on(path: Path) -> None:
    position = Checkpoint(path, RECIPE).read().position
    assert position in (PROGRESS.position, Position())


def checkpoint(folder: Path) -> bytes:
    """A checkpoint of a training."""
    Checkpoint(folder / "good.npz", RECIPE).write(PROGRESS)
    return (folder / "good.npz").read_bytes()


@dataclass(frozen=True)
class Format:
    """The name of a file, its good content, and what reads it; whether it is an archive whose files are damaged, too."""

    name: str
    content: Callable[[Path], bytes]
    read: Callable[[Path], object]
    is_archive: bool = False


def table(ending: str, pack: Callable[[bytes], bytes]) -> Format:
    """The table, packed."""
    return Format(f"t.{ending}", lambda _: pack(TABLE.encode()), read_table)


def zstandard(content: bytes) -> bytes:
    return pytest.importorskip("zstandard").compress(content)  # type: ignore[no-any-return]


def records(_: Path) -> bytes:
    return frame().to_json(orient="records").encode()


def parquet(_: Path) -> bytes:
    pytest.importorskip("pyarrow")
    return saved(frame().to_parquet)


FORMATS: Mapping[str, Format] = {
    "study": Format("s.toml", lambda _: STUDY.encode(), lambda path: load(path, "s", places=Places(None, path.parent))),
    "csv": table("csv", bytes),
    "gz": table("csv.gz", gzip.compress),
    "bz2": table("csv.bz2", bz2.compress),
    "xz": table("csv.xz", lzma.compress),
    "zip": table("csv.zip", packed),
    "zst": table("csv.zst", zstandard),
    "json": Format("t.json", records, read_table),
    "parquet": Format("t.parquet", parquet, read_table),
    "npz": Format("a.npz", lambda _: arrays(), read_npz, is_archive=True),
    "idx": Format("x.gz", lambda _: gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 4, 0, 0, 0, 5]) + bytes(20)), read_idx),
    **{
        name: Format(f"p.{name}", partial(picture, name), partial(read_image, Images(path="p", size=(8, 8))))
        for name in ("png", "jpeg", "gif", "bmp", "webp", "tiff")
    },
    "keras": Format("m.keras", model, predict, is_archive=True),
    "checkpoint": Format("1.npz", checkpoint, go_on),
}
EXAMPLES, MANY = 10, 263  # by 19 formats: 190 and 5,000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all files."""
    return tmp_path_factory.mktemp("files")


def check(name: str, folder: Path, count: int) -> None:
    """Read so many damaged files of a format."""
    format = FORMATS[name]
    good, path = format.content(folder), folder / format.name
    path.write_bytes(good)
    format.read(path)

    @settings(max_examples=count)
    @given(EDITS)
    def damaged(edits: Sequence[Edit]) -> None:
        is_inside = format.is_archive and edits[0].number % 4 > 0
        path.write_bytes(edited_inside(good, edits) if is_inside else edited(good, edits))
        require_refusal(path, lambda: format.read(path))

    damaged()


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_read_or_refused_in_one_line(name: str, folder: Path) -> None:
    check(name, folder, EXAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_many_damaged_files_are_read_or_refused_in_one_line(name: str, folder: Path) -> None:
    check(name, folder, MANY)
