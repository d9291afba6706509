"""Reading tables: CSV and TSV, compressed or not, Parquet, and those that come with scikit-learn."""

import csv
import io
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd

from tuner.base.errors import DataError, MissingPackage, first_line, near_miss
from tuner.data.ingest.files import (
    HARMLESS_BYTES,
    RATIO,
    SKLEARN,
    UNPACKED,
    is_packed,
    open_unpacked,
    require_unpackable,
)
from tuner.recipe.data import MISSING_TEXTS

BUNDLED = ("iris", "wine", "breast_cancer", "digits", "diabetes")
BLOCK_ROWS = 2**17
NO_TEXTS: Mapping[str, Collection[str]] = {}
SAMPLE_BYTES, SAMPLE_LINES = 2**16, 20

Choice = Callable[[Sequence[str]], list[str]]
Texts = Mapping[str, Collection[str]]
"""The columns that stay as they are written ("007"), each with the texts that are missing values in it."""
Reader = Callable[[Path, Texts, Choice, int | None], Iterator[pd.DataFrame]]
"""From a file, the columns `texts`, the choice of columns and the rows of a block (None: one block) to blocks of these columns."""


def read_table(path: str, texts: Texts = NO_TEXTS) -> pd.DataFrame:
    """The table of a file, or `sklearn:iris`.

    Only the columns `texts` stay as they are written. Raises `DataError` for what is no table, and `MissingPackage` for
    Parquet without pyarrow.
    """
    (frame,) = _blocks(path, texts, list, None)
    return frame


def table_blocks(
    path: str, columns: Sequence[str], texts: Texts, optional: Collection[str] = ()
) -> Iterator[pd.DataFrame]:
    """A table of any length in blocks: its `columns`, and the `optional` ones that it has; the index counts rows from 0. Raises
    `DataError` for a missing column before the first block."""

    def chosen(names: Sequence[str]) -> list[str]:
        for name in columns:
            if name not in names:
                raise DataError(f"{path}: has no column {name!r}; {near_miss(name, names)}")
        return [name for name in names if name in {*columns, *optional}]

    return _blocks(path, texts, chosen, BLOCK_ROWS)


def is_table(path: str) -> bool:
    """Whether the name is one of a table's."""
    return path.startswith(SKLEARN) or _suffix(Path(path)) in READERS


def _suffix(path: Path) -> str:
    """The suffix in small letters, without that of a compression."""
    return Path(path.stem if is_packed(path) else path).suffix.lower()


def _blocks(path: str, texts: Texts, choice: Choice, rows: int | None) -> Iterator[pd.DataFrame]:
    """Blocks of so many rows, of the chosen columns; one block where `rows` is None."""
    blocks = _bundled(path, choice) if path.startswith(SKLEARN) else _reader(path)(Path(path), texts, choice, rows)
    first = next((block for block in blocks if len(block)), None)
    if first is None:
        raise DataError(f"{path}: has no rows")
    for block in chain([first], blocks):
        for name in block.columns.intersection(list(texts)):  # formats with empty cells have no usual texts for them
            own = set(texts[name]) - set(MISSING_TEXTS)
            block[name] = block[name].mask(block[name].isin(own)) if own else block[name]
        yield block


def _reader(path: str) -> Reader:
    suffix = _suffix(Path(path))
    if suffix not in READERS or (is_packed(Path(path)) and suffix not in PACKABLE):
        packable = f"{', '.join(PACKABLE)} (also with {', '.join(UNPACKED)} after it)"
        others = " or ".join(each for each in READERS if each not in PACKABLE)
        raise DataError(f"{path}: must end in {packable} or {others}")
    return READERS[suffix]


def _bundled(path: str, choice: Choice) -> Iterator[pd.DataFrame]:
    from sklearn import datasets

    name = path.removeprefix(SKLEARN)
    if name not in BUNDLED:
        raise DataError(f"{path}: scikit-learn has no such table; {near_miss(name, BUNDLED)}")
    bundle = getattr(datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = bundle.frame
    if name != "diabetes":
        names = [str(each) for each in bundle.target_names]
        frame["target"] = [names[number] for number in frame["target"]]
    yield frame[choice(list(frame.columns))]


def _separated(path: Path, texts: Texts, choice: Choice, rows: int | None, separators: str) -> Iterator[pd.DataFrame]:
    """The chosen columns in blocks of so many rows (None: in one). Raises `DataError` with the line for what is not a UTF-8 table
    with a line of names and one of the `separators`."""
    if is_packed(path):
        require_unpackable(path)
    separator = _separator(path, separators)
    names = _names(path, separator)
    chosen, is_even = choice(names), False
    with open_unpacked(path) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # values of two types are checked by who needs one
        warnings.simplefilter("error", pd.errors.ParserWarning)  # each line longer than the names
        try:
            with pd.read_csv(
                stream if is_packed(path) else path,
                sep=separator,
                encoding="utf-8-sig",
                index_col=False,
                dtype={name: object for name in chosen if name in texts},  # texts, one object for equal ones
                keep_default_na=False,
                na_values={name: ["", *texts.get(name, MISSING_TEXTS)] for name in names},
                iterator=True,
                chunksize=rows,
            ) as reader:
                for block in reader:  # with all columns: with `usecols` pandas passes over lines that are too long
                    if not is_even and block.iloc[:, -1].isna().any():  # only there can a line have ended too early
                        _require_even(path, separator, len(names))
                        is_even = True
                    yield block[chosen]
        except UnicodeDecodeError as error:
            raise _not_text(path) from error
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            _require_even(path, separator, len(names))
            raise DataError(f"{path}: cannot be read: {str(error).strip()}") from error


def _separator(path: Path, separators: str) -> str:
    """The separator that cuts most of the first lines into the same number of parts, and the names into most parts."""
    with open_unpacked(path) as stream:
        content = stream.read(SAMPLE_BYTES)
    if not content.strip():
        raise DataError(f"{path}: is empty")
    if b"\0" in content:
        raise DataError(f"{path}: is not text with separators; save it as CSV with the encoding UTF-8")
    sample = content.decode("utf-8-sig", errors="replace").splitlines(keepends=True)[:SAMPLE_LINES]
    counts = {each: [len(row) for row in csv.reader(sample, delimiter=each) if row] for each in separators}
    alike = {each: sum(count == rows[0] for count in rows) for each, rows in counts.items()}
    return max(separators, key=lambda each: (counts[each][0] > 1, alike[each], counts[each][0]))


def _names(path: Path, separator: str) -> list[str]:
    row = next((row for _, row in _rows(path, separator) if row), [])
    names = [name or f"Unnamed: {place}" for place, name in enumerate(row)]  # as pandas calls it
    _require_different(path, names)
    return names


def _require_different(path: Path, names: Sequence[str]) -> None:
    """Raise `DataError` for two columns of one name."""
    for place, name in enumerate(names):
        if name in names[:place]:
            where = f"{names.index(name) + 1} and {place + 1}"
            raise DataError(f"{path}: the columns {where} have the same name {name!r}; rename one")


def _require_even(path: Path, separator: str, width: int) -> None:
    """Raise `DataError` for the first line that has not as many values as there are names."""
    started = 0
    for line, row in _rows(path, separator):
        if row and len(row) != width:
            hint = "; is a quotation mark not closed?" if line > started + 1 else ""
            raise DataError(f"{path}: line {started + 1}: must have {width} values, got {len(row)}{hint}")
        started = line


def _rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each row and the number of its last line. Raises `DataError` for what is not UTF-8."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with open_unpacked(path) as stream:
            reader = csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""), delimiter=separator)
            yield from ((reader.line_num, row) for row in reader)
    except UnicodeDecodeError as error:
        raise _not_text(path) from error
    finally:
        csv.field_size_limit(limit)


def _not_text(path: Path) -> DataError:
    with open_unpacked(path) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = f"0x{line[error.start]:02x}"
                return DataError(f"{path}: line {number}: is not UTF-8 (byte {byte}); save the file as UTF-8")
    return DataError(f"{path}: is not UTF-8; save the file as UTF-8")


def _parquet(path: Path, _: Texts, choice: Choice, rows: int | None) -> Iterator[pd.DataFrame]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingPackage(str(path), "pyarrow") from None
    try:
        file = parquet.ParquetFile(path)
        _require_different(path, file.schema_arrow.names)
        columns, start = choice(file.schema_arrow.names), 0
        if rows is None:
            unpacked = 8 * file.metadata.num_rows * file.metadata.num_columns
            if unpacked > HARMLESS_BYTES and unpacked > RATIO * path.stat().st_size:
                raise DataError(f"{path}: unpacks to more than {RATIO} times its size, which no real table does")
        blocks = [file.read()] if rows is None else file.iter_batches(batch_size=rows, columns=columns)
        for block in blocks:
            frame: pd.DataFrame = block.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
            frame.index = pd.RangeIndex(start, start + len(frame))
            start += len(frame)
            yield frame
    except (ArrowException, OSError) as error:
        raise DataError(f"{path}: is not Parquet, or damaged: {first_line(error)}") from error


READERS: dict[str, Reader] = {
    ".csv": partial(_separated, separators=",;\t|"),
    ".tsv": partial(_separated, separators="\t"),
    ".parquet": _parquet,
}
PACKABLE = (".csv", ".tsv")
"""The formats that are also read from compressed files."""
