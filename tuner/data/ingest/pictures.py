"""Pictures in the columns of a table: a cell names a file, relative to the table's folder."""

import io
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from tuner.base.errors import DataError
from tuner.base.machine import cores
from tuner.data.examples import Array
from tuner.data.ingest.columns import ColumnCoding
from tuner.data.ingest.images import SUFFIXES, profile_of, read_image
from tuner.data.ingest.targets import TargetProfile
from tuner.networks.columns import Column, shape_of
from tuner.recipe import Images


def picture_formats(frame: pd.DataFrame, folder: Path) -> Mapping[str, str]:
    """The format of each column whose values are files of pictures in this folder. Raises `DataError` for a file that is no picture."""
    names = {str(name): [each for each in frame[name].dropna().unique() if each != ""] for name in frame}
    looking = {name: each for name, each in names.items() if each and all(map(_is_name, each))}
    files = {name: [path for each in texts if (path := folder / each).is_file()] for name, texts in looking.items()}
    return {name: _common_format(paths) for name, paths in files.items() if paths}


def with_pictures(
    frame: pd.DataFrame, columns: Sequence[Column | ColumnCoding], folder: Path, where: str
) -> pd.DataFrame:
    """The frame with pictures (height, width, channels) in place of the names of their files in the columns of pictures; what is no
    text stays. Raises `DataError` with column, row and file."""
    wanted = {column.name: column.format for column in columns if column.kind == "picture" and column.name in frame}
    return frame.assign(**{name: _pictures(frame[name], format, folder, where) for name, format in wanted.items()})


def picture(format: str, path: Path, content: bytes | None = None) -> Array:
    """A picture in its file, or its `content`, in the format of its column. Raises `DataError` as `read_image`."""
    height, width, channels = shape = shape_of("picture", format)
    bits = int(format.split()[-2]) if format.endswith(" bits") else 16
    wanted = Images(path=str(path), size=(height, width), color=channels == 3, bits=bits)
    return read_image(wanted, path, None if content is None else io.BytesIO(content)).reshape(shape)


def _common_format(files: Sequence[Path]) -> str:
    about = profile_of(files, TargetProfile("classification", "", (), (), ()))
    bits = f" {about.bits} bits" if about.bits != 16 else ""
    return f"{about.size[0]}x{about.size[1]}{' color' if about.color else ''}{bits}"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and Path(value).suffix.lower() in SUFFIXES


def _pictures(series: "pd.Series[Any]", format: str, folder: Path, where: str) -> "pd.Series[Any]":
    read = partial(_picture, series, format, folder, where)
    with ThreadPoolExecutor(cores()) as pool, warnings.catch_warnings(action="ignore"):
        return pd.Series(list(pool.map(read, range(len(series)))), index=series.index, name=series.name, dtype=object)


def _picture(series: "pd.Series[Any]", format: str, folder: Path, where: str, row: int) -> Any:
    value = series.iloc[row]
    if not (isinstance(value, str | Path) and str(value)):
        return value
    place, path = f"{where}: column {series.name!r}, row {series.index[row] + 1}", folder / value
    if not path.is_file():
        raise DataError(f"{place}: there is no file {path}")
    try:
        return picture(format, path)
    except DataError as error:
        raise DataError(f"{place}: {error}") from None
