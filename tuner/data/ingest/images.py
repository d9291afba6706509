"""Folders of images: resized once and stored, and profiled."""

import statistics
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import IO, ClassVar

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from tuner.base.errors import DataError, data_errors, near_miss
from tuner.base.machine import cores
from tuner.data.examples import Array
from tuner.data.ingest.columns import Coding
from tuner.data.ingest.prepare import split_off_test
from tuner.data.ingest.profile import Roles
from tuner.data.ingest.targets import FEWEST_ROWS, TargetProfile, class_dtype, with_positive_last
from tuner.data.load import Facts
from tuner.recipe import Cut, Images

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WebP", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
LEFTOVERS = ("Thumbs.db", "desktop.ini", "__MACOSX")
LYING = (5, 6, 7, 8)
"""The values of EXIF's orientation of pictures whose height is stored as width."""
PARTS_HINT = '; for parts write path = ".../train" and test = ".../test"'
MOST_PIXELS = 89_478_485
"""A picture with more is refused before it is decoded, as Pillow advises. Decoding takes up to 13 bytes for each: 1.1 GiB."""
LARGE_PIXELS, ONE_LARGE = 2**24, Lock()
"""Of pictures with more, one at a time is decoded."""
AHEAD_BYTES = 2**26
LARGEST_SIDE = 64
PROFILED_IMAGES = 300
COMPRESSION = 8
"""The channels of a gray image that was saved as JPEG may differ by so much."""

Folders = Mapping[str, Sequence[Path]]
"""The files of each class."""


def save_images(data: Images, path: Path, test: Path | Cut, folder: Path) -> tuple[Facts, Coding]:
    """Write the arrays of both parts into `folder`. Raises `DataError` with the file that is no image, cut off or too large."""
    images = _training_images(path)
    classes = with_positive_last(tuple(images), data.positive, str(path))
    files, labels = _files_and_labels(images, classes)
    if isinstance(test, Cut):
        rows = split_off_test(test, labels, None, False, str(path))
        parts = [([files[row] for row in part], labels[part]) for part in rows]
    else:
        parts = [(files, labels), _files_and_labels(_class_folders(test, classes), classes)]
    for part, (chosen, numbers) in zip(("train", "test"), parts, strict=True):
        np.save(folder / f"{part}_labels.npy", numbers)
        _write(chosen, data, folder / f"{part}_inputs.npy")
    return Facts(classes=classes, value_range=(0.0, 255.0)), Coding()


def _training_images(path: Path) -> Folders:
    """The files of each class. Raises `DataError` where there are too few classes or files."""
    images = _class_folders(path)
    if len(images) < 2:
        raise DataError(f"{path}: must have a folder for each of at least two classes, got {len(images)}")
    count = sum(map(len, images.values()))
    if count < FEWEST_ROWS:
        raise DataError(f"{path}: has {count} pictures, and at least {FEWEST_ROWS} are needed")
    return images


def _class_folders(path: Path, classes: Sequence[str] = ()) -> Folders:
    """The files of the folders in it, by the folders' names. Raises `DataError` for an image in no folder of a class, an empty
    folder, and one that is not of these `classes`, if there are any."""
    images = {}
    for each in _visible(path):
        if each.is_dir():
            if classes and each.name not in classes:
                raise DataError(f"{each}: must be a class of the training part; {near_miss(each.name, classes)}")
            images[each.name] = _visible(each)
            if inside := next((file for file in images[each.name] if file.is_dir()), None):
                rule = f"is a folder in the folder of a class; pictures lie directly in it{PARTS_HINT}"
                raise DataError(f"{inside}: {rule}")
            if not images[each.name]:
                raise DataError(f"{each}: has no pictures; fill it, or take the folder away")
        elif each.suffix.lower() in SUFFIXES:
            raise DataError(f"{each}: is outside the folders of the classes; move it into one")
    if not images:
        raise DataError(f"{path}: has no folders with pictures")
    return images


def _visible(folder: Path) -> list[Path]:
    """What is in a folder but for what systems leave there."""
    return sorted(each for each in folder.iterdir() if not each.name.startswith(".") and each.name not in LEFTOVERS)


def _files_and_labels(images: Folders, classes: tuple[str, ...]) -> tuple[list[Path], Array]:
    """The files in the order of their names, and which of `classes` each belongs to."""
    numbers = [classes.index(name) for name, files in images.items() for _ in files]
    return [file for files in images.values() for file in files], np.array(numbers, class_dtype(classes))


def _write(files: Sequence[Path], data: Images, target: Path) -> None:
    """One array of all images; only some are in memory at once. A full disk raises `OSError`, which a mapped file would not."""
    shape = (*data.size, 3) if data.color else data.size
    ahead = max(cores(), AHEAD_BYTES // int(np.prod(shape)))
    with target.open("wb") as file, ThreadPoolExecutor(cores()) as pool:
        header = {"descr": "|u1", "fortran_order": False, "shape": (len(files), *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(files), ahead):
            for values in pool.map(partial(read_image, data), files[start : start + ahead]):
                file.write(values.tobytes())


def read_image(data: Images, path: Path, content: IO[bytes] | None = None, most: int = MOST_PIXELS) -> Array:
    """An image, or its `content`, in the size and color of `data`: uint8 (height, width) or (height, width, 3). Raises `DataError`
    with its path for what is no image, is cut off or has more than `most` pixels."""
    height, width = data.size
    with _open_image(path, content, most) as image:
        ImageOps.exif_transpose(image, in_place=True)
        plain = _plain(image, "RGB" if data.color else "L", data.bits, path)
        return np.asarray(plain.resize((width, height), Image.Resampling.BILINEAR))


@contextmanager
def _open_image(path: Path, content: IO[bytes] | None = None, most: int = MOST_PIXELS) -> Iterator[Image.Image]:
    """An open image. Raises `DataError` with its path for what is no image, is cut off or has more than `most` pixels."""
    warnings.simplefilter(
        "ignore", Image.DecompressionBombWarning
    )  # we raise; no `catch_warnings`, which threads do not survive
    too_large = DataError(f"{path}: has more than {most:,} pixels; make it smaller, or take it out")
    with data_errors(path, "cannot be decoded", "; is it cut off?"), content or path.open("rb") as stream:
        try:
            image = Image.open(stream, formats=[each.upper() for each in FORMATS])
        except Image.DecompressionBombError:
            raise too_large from None
        except UnidentifiedImageError:
            raise DataError(f"{path}: is no picture ({', '.join(FORMATS)}); take it out of the folder") from None
        pixels = image.width * image.height
        if pixels > most:
            raise too_large
        with image, ONE_LARGE if pixels > LARGE_PIXELS else nullcontext():
            yield image


def _plain(image: Image.Image, mode: str, bits: int, path: Path) -> Image.Image:
    """In 8 bits a channel, on white where it is transparent; of 16 bits the highest of those that are used. Raises `DataError`."""
    if image.mode == "F":
        raise DataError(f"{path}: has numbers with fractions in place of 8 or 16 bits; save it as 16 bits")
    if image.mode.startswith("I"):  # of which Pillow would keep the low ones
        values = np.asarray(image)
        if values.max() >= 2**bits:
            cure = f"write bits = {int(values.max()).bit_length()} in recipe.data"
            raise DataError(f"{path}: has values up to {values.max()}, which {bits} bits cannot hold; {cure}")
        image = Image.fromarray((values >> (bits - 8)).astype(np.uint8))
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


@dataclass(frozen=True)
class ImagesProfile:
    """A folder of images with a folder for each class: `sizes` are the smallest, median and largest height and width; `size` and
    `color` are those that a study should use."""

    rows: int
    target: TargetProfile
    sizes: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    size: tuple[int, int]
    color: bool
    bits: int = 16
    warnings: tuple[str, ...] = ()
    kind: ClassVar[str] = "images"
    groups: ClassVar[int] = 0
    test_rows: ClassVar[int] = 0

    @property
    def roles(self) -> Roles:
        """The folders are the targets."""
        return Roles(self.target.targets)


def profile_images(path: Path) -> ImagesProfile:
    """The profile of a folder of images; of many, a sample is opened. Raises `DataError` for what is none."""
    images = _training_images(path)
    counts = tuple(map(len, images.values()))
    target = TargetProfile("classification", "each folder is a class", ("folder",), tuple(images), counts)
    return profile_of([file for files in images.values() for file in files], target)


def profile_of(files: Sequence[Path], target: TargetProfile) -> ImagesProfile:
    """The profile of images with such a target. Raises `DataError` for what is no image."""
    sample = [_size_color_and_depth(file) for file in files[:: -(-len(files) // PROFILED_IMAGES)]]
    heights, widths = zip(*(size for size, _, _ in sample), strict=True)
    median = (statistics.median_low(heights), statistics.median_low(widths))
    sizes = ((min(heights), min(widths)), median, (max(heights), max(widths)))
    common, times = Counter(size for size, _, _ in sample).most_common(1)[0]
    height, width = common if times > len(sample) / 2 else median
    factor = min(1.0, LARGEST_SIDE / max(height, width))
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    is_color, bits, warnings = any(color for _, color, _ in sample), 16, []
    if any(depth for *_, depth in sample):
        bits = max(8, *(_size_color_and_depth(file)[2] for file in files))
        what = f"values of 16 bits use {bits} of them in these pictures"
        warnings = [f"{what}: they are scaled by the range of {bits} bits"]
    return ImagesProfile(len(files), target, sizes, size, is_color, bits, tuple(warnings))


def _size_color_and_depth(path: Path) -> tuple[tuple[int, int], bool, int]:
    """Height and width, whether any of its points has a color, and how many bits its values use where it has more than 8 of them.
    Raises `DataError` for what is no image."""
    with _open_image(path) as image:
        is_lying = image.getexif().get(ExifTags.Base.Orientation) in LYING
        size = (image.width, image.height) if is_lying else (image.height, image.width)
        if image.mode.startswith("I"):
            return size, False, int(np.asarray(image).max()).bit_length()
        if image.mode in ("1", "L", "LA", "F"):
            return size, False, 0
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        values = np.asarray(image.convert("RGB"), np.int16)
    return size, bool(np.ptp(values, axis=-1).max() > COMPRESSION), 0


def image_parts(path: Path) -> tuple[Path, Path | None, tuple[str, ...]]:
    """The training part, the test part and notes on the rest of a folder with the parts `train` and `test`, which have the folders of
    the classes; other folders are a training part."""
    folders = sorted(each for each in path.iterdir() if each.is_dir())
    parts = {PARTS[each.name.lower()]: each for each in folders if each.name.lower() in PARTS}
    if "train" not in parts or not any(each.is_dir() for each in parts["train"].iterdir()):
        return path, None, ()
    rest = [each.name for each in folders if each not in parts.values()]
    notes = tuple(f"{name} is not used: {parts['train'].name} is divided for training and validation" for name in rest)
    return parts["train"], parts.get("test"), notes
