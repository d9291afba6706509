"""Reading tables: CSV and TSV, compressed or not, Parquet, and those that come with scikit-learn."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from tuner.base.errors import DataError, MissingPackage, near_miss
from tuner.data.ingest.files import HARMLESS_BYTES, RATIO, UNPACKED, found_file
from tuner.data.ingest.separated import SEPARATORS, read_separated

BUNDLED = ("iris", "wine", "breast_cancer", "digits", "diabetes")
PREFIX = "sklearn:"
SUFFIXES = {".csv": SEPARATORS, ".tsv": "\t"}


def read_table(path: str, where: Sequence[Path], texts: Collection[str] = ()) -> pd.DataFrame:
    """The table that `path` names, from the root or from the first of the folders `where` that has it; `sklearn:iris` is one
    that comes with scikit-learn, its last column `target`. Rows are counted from 1, the names not among them.

    What a file writes in the columns `texts` stays as it is written ("007"); others are numbers where they are numbers.
    Raises `DataError` for what is no table, and `MissingPackage` for Parquet without pyarrow.
    """
    if path.startswith(PREFIX):
        return _bundled(path)
    found = found_file(path, where)
    suffixes = [suffix.lower() for suffix in found.suffixes]
    packed = suffixes[-1:] if suffixes[-1:] and suffixes[-1] in UNPACKED else []
    kind = "".join(suffixes[-2:-1] if packed else suffixes[-1:])
    if kind in SUFFIXES:
        frame = read_separated(found, SUFFIXES[kind], texts)
    elif kind == ".parquet" and not packed:
        frame = _parquet(found)
    else:
        allowed = f"{', '.join(SUFFIXES)} (also with {', '.join(UNPACKED)} after it) or .parquet"
        raise DataError(f"{path}: must end in {allowed}")
    if frame.empty:
        raise DataError(f"{path}: has no rows")
    return frame


def _bundled(path: str) -> pd.DataFrame:
    from sklearn import datasets

    name = path.removeprefix(PREFIX)
    if name not in BUNDLED:
        raise DataError(f"{path}: scikit-learn has no such table; {near_miss(name, BUNDLED)}")
    bundle = getattr(datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = bundle.frame
    if name != "diabetes":
        names = [str(each) for each in bundle.target_names]
        frame["target"] = [names[number] for number in frame["target"]]
    return frame


def _parquet(path: Path) -> pd.DataFrame:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingPackage(str(path), "pyarrow") from None
    try:
        file = parquet.ParquetFile(path)
        about, names = file.metadata, file.schema_arrow.names
        _demand_modest(path, 8 * about.num_rows * about.num_columns)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DataError(f"{path}: has two columns with the name {twice[0]!r}; rename one")
        frame: pd.DataFrame = file.read().to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    except (ArrowException, OSError) as error:
        raise DataError(f"{path}: is not Parquet, or damaged: {str(error).splitlines()[0]}") from error
    return frame


def _demand_modest(path: Path, unpacked: int) -> None:
    if unpacked > HARMLESS_BYTES and unpacked > RATIO * path.stat().st_size:
        raise DataError(f"{path}: unpacks to more than {RATIO} times its size, which no real table does")
