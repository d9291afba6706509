"""Folders of images prepared: every picture brought to one size, once, and written as it comes."""

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tuner.base.errors import DataError, near_miss
from tuner.base.machine import cores
from tuner.data.examples import Array
from tuner.data.ingest.cut import cut_off
from tuner.data.ingest.files import found_folder
from tuner.data.ingest.labels import FEWEST_ROWS
from tuner.data.store import Facts
from tuner.recipe import Cut, Images

FORMATS = ("PNG", "JPEG")
SUFFIXES = (".png", ".jpg", ".jpeg")
AHEAD_BYTES = 2**26


@dataclass(frozen=True, eq=False)
class _Pictures:
    files: tuple[Path, ...]
    labels: Array

    def of(self, rows: Array) -> "_Pictures":
        return _Pictures(tuple(self.files[row] for row in rows), self.labels[rows])


def image_parts(data: Images, where: Sequence[Path], folder: Path) -> Facts:
    """What is known of the images; their arrays are written into `folder`, training part and test part. Raises `DataError`
    with the file for what is no picture, is cut off or too large."""
    path = found_folder(data.path, where)
    classes = _classes(path)
    if len(classes) < 2:
        raise DataError(f"{path}: must have a folder for each of at least two classes, got {len(classes)}")
    pictures = _pictures(path, classes, classes)
    if len(pictures.files) < FEWEST_ROWS:
        raise DataError(f"{path}: has {len(pictures.files)} pictures, and at least {FEWEST_ROWS} are needed")
    if isinstance(data.test, Cut):
        parts = [pictures.of(rows) for rows in cut_off(data.test, pictures.labels, None, False, str(path))]
    else:
        other = found_folder(data.test, where)
        parts = [pictures, _pictures(other, _classes(other), classes)]
    for part, chosen in zip(("train", "test"), parts, strict=True):
        np.save(folder / f"{part}_labels.npy", chosen.labels)
        _write(chosen.files, data, folder / f"{part}_inputs.npy")
    return Facts(classes=classes, value_range=(0.0, 255.0))


def _classes(path: Path) -> tuple[str, ...]:
    """The folders in it. Raises `DataError` for a picture beside them."""
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    for each in inside:
        if each.suffix.lower() in SUFFIXES and not each.is_dir():
            raise DataError(f"{each}: stands in no folder of a class; move it into one")
    return tuple(each.name for each in inside if each.is_dir())


def _pictures(path: Path, names: Sequence[str], classes: tuple[str, ...]) -> _Pictures:
    """The files of the classes' folders in the order of their names, and which of `classes` each belongs to."""
    files: list[Path] = []
    labels: list[int] = []
    for name in names:
        if name not in classes:
            known = near_miss(name, classes)
            raise DataError(f"{path / name}: must be a class that the training part has; {known}")
        found = sorted(each for each in (path / name).iterdir() if not each.name.startswith("."))
        if not found:
            raise DataError(f"{path / name}: has no pictures; fill it, or take the folder away")
        files += found
        labels += [classes.index(name)] * len(found)
    if not files:
        raise DataError(f"{path}: has no folders with pictures")
    return _Pictures(tuple(files), np.array(labels, np.uint8 if len(classes) <= 256 else np.int32))


def _write(files: Sequence[Path], data: Images, target: Path) -> None:
    """One array of all pictures; no more than some are in memory."""
    shape = (*data.size, 3) if data.color else data.size
    ahead = max(cores(), AHEAD_BYTES // int(np.prod(shape)))
    with target.open("wb") as file, ThreadPoolExecutor(cores()) as pool, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(files), *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(files), ahead):
            for values in pool.map(partial(brought_to, data), files[start : start + ahead]):
                file.write(values.tobytes())


def brought_to(data: Images, path: Path, content: IO[bytes] | None = None) -> Array:
    """A picture's values, uint8 (height, width) or (height, width, 3); from its `content` where that was read before. Raises
    `DataError` with its path for what is no picture, is cut off or too large."""
    height, width = data.size
    with opened_picture(path, content) as image:
        upright = ImageOps.exif_transpose(image)
        plain = _plain(upright, "RGB" if data.color else "L")
        return np.asarray(plain.resize((width, height), Image.Resampling.BILINEAR))


@contextmanager
def opened_picture(path: Path, content: IO[bytes] | None = None) -> Iterator[Image.Image]:
    """A picture to be decoded within. Raises `DataError` with its path for what is no picture, is cut off or too large."""
    try:
        with Image.open(content or path, formats=FORMATS) as image:
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = f"{Image.MAX_IMAGE_PIXELS or 0:_} pixels"
        raise DataError(f"{path}: has more than {limit}; make it smaller, or take it out") from None
    except (UnidentifiedImageError, IsADirectoryError):
        raise DataError(f"{path}: is no PNG or JPEG picture; take it out of the folder") from None
    except (OSError, EOFError, SyntaxError, ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{path}: cannot be decoded: {error}; is it cut off?") from error


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """In 8 bits a channel; what is transparent lies on white."""
    if image.mode.startswith("I"):  # 16 bits, of which Pillow would keep the low ones
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)
