"""Reading tables: CSV and TSV, compressed or not, Parquet, and those that come with scikit-learn."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from tuner.base.errors import DataError, MissingPackage, near_miss
from tuner.data.ingest.files import HARMLESS_BYTES, RATIO, UNPACKED, find_file, is_packed
from tuner.data.ingest.separated import SEPARATORS, separated_blocks

BUNDLED = ("iris", "wine", "breast_cancer", "digits", "diabetes")
PREFIX = "sklearn:"
BLOCK_ROWS = 2**17

Choice = Callable[[Sequence[str]], list[str]]
Reader = Callable[[Path, Collection[str], Choice, int | None], Iterator[pd.DataFrame]]
"""From a file, the columns `texts`, the choice of columns and the rows of a block (None: one block) to blocks of these columns."""


def read_table(path: str, where: Sequence[Path], texts: Collection[str] = ()) -> pd.DataFrame:
    """The table at `path`, from the root or from the first of the folders `where` that has it, or `sklearn:iris`.

    Only the columns `texts` stay as they are written ("007"). Raises `DataError` for what is no table, and `MissingPackage` for
    Parquet without pyarrow.
    """
    (frame,) = _blocks(path, where, texts, list, None)
    return frame


def table_blocks(
    path: str, columns: Sequence[str], texts: Collection[str], optional: Collection[str] = ()
) -> Iterator[pd.DataFrame]:
    """A table of any length in blocks: its `columns`, and the `optional` ones that it has; the index counts rows from 0. Raises
    `DataError` for a missing column before the first block."""

    def chosen(names: Sequence[str]) -> list[str]:
        for name in columns:
            if name not in names:
                raise DataError(f"{path}: has no column {name!r}; {near_miss(name, names)}")
        return [name for name in names if name in {*columns, *optional}]

    return _blocks(path, (), texts, chosen, BLOCK_ROWS)


def is_table(path: str) -> bool:
    """Whether the name is one of a table's."""
    return path.startswith(PREFIX) or _suffix(Path(path)) in READERS


def _suffix(path: Path) -> str:
    """The suffix in small letters, without that of a compression."""
    return Path(path.stem if is_packed(path) else path).suffix.lower()


def _blocks(
    path: str, where: Sequence[Path], texts: Collection[str], choice: Choice, rows: int | None
) -> Iterator[pd.DataFrame]:
    """Blocks of so many rows, of the chosen columns; one block where `rows` is None."""
    is_empty = True
    for frame in _read(path, where, texts, choice, rows):
        is_empty = is_empty and len(frame) == 0
        if not is_empty:
            yield frame
    if is_empty:
        raise DataError(f"{path}: has no rows")


def _read(
    path: str, where: Sequence[Path], texts: Collection[str], choice: Choice, rows: int | None
) -> Iterator[pd.DataFrame]:
    if path.startswith(PREFIX):
        frame = _bundled(path)
        yield frame[choice(list(map(str, frame.columns)))]
        return
    file = find_file(path, where)
    suffix = _suffix(file)
    if suffix not in READERS or (is_packed(file) and suffix not in PACKABLE):
        packable = f"{', '.join(PACKABLE)} (also with {', '.join(UNPACKED)} after it)"
        others = " or ".join(each for each in READERS if each not in PACKABLE)
        raise DataError(f"{path}: must end in {packable} or {others}")
    yield from READERS[suffix](file, texts, choice, rows)


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


def _parquet(path: Path, _: Collection[str], choice: Choice, rows: int | None) -> Iterator[pd.DataFrame]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingPackage(str(path), "pyarrow") from None
    try:
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise DataError(f"{path}: has two columns with the name {repeated[0]!r}; rename one")
        columns, start = choice(names), 0
        if rows is None:
            unpacked = 8 * file.metadata.num_rows * file.metadata.num_columns
            if unpacked > HARMLESS_BYTES and unpacked > RATIO * path.stat().st_size:
                raise DataError(f"{path}: unpacks to more than {RATIO} times its size, which no real table does")
            yield file.read().to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
            return
        for batch in file.iter_batches(batch_size=rows, columns=columns):
            frame: pd.DataFrame = batch.to_pandas()[columns]
            frame.index = pd.RangeIndex(start, start + len(frame))
            start += len(frame)
            yield frame
    except (ArrowException, OSError) as error:
        raise DataError(f"{path}: is not Parquet, or damaged: {str(error).splitlines()[0]}") from error


READERS: dict[str, Reader] = {
    ".csv": partial(separated_blocks, separators=SEPARATORS),
    ".tsv": partial(separated_blocks, separators="\t"),
    ".parquet": _parquet,
}
PACKABLE = (".csv", ".tsv")
"""The formats that are also read from compressed files."""
