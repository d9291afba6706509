"""Reading text with separators (CSV, TSV): the separator is detected, and a fault is named with its line."""

import csv
import io
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from tuner.base.errors import DataError
from tuner.data.ingest.files import is_packed, open_unpacked, require_unpackable

SEPARATORS = ",;\t|"
SAMPLE_BYTES = 2**16
SAMPLE_LINES = 20


def separated_blocks(
    path: Path,
    texts: Collection[str],
    choice: Callable[[Sequence[str]], list[str]],
    rows: int | None,
    separators: str,
) -> Iterator[pd.DataFrame]:
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
        raise DataError(f"{path}: is no text with separators; save it as CSV with the encoding UTF-8")
    sample = content.decode("utf-8-sig", errors="replace").splitlines(keepends=True)[:SAMPLE_LINES]
    counts = {each: [len(row) for row in csv.reader(sample, delimiter=each) if row] for each in separators}
    alike = {each: sum(count == rows[0] for count in rows) for each, rows in counts.items()}
    return max(separators, key=lambda each: (counts[each][0] > 1, alike[each], counts[each][0]))


def _names(path: Path, separator: str) -> list[str]:
    with _rows(path, separator) as rows:
        names = next((row for _, row in rows if row), [])
    for place, name in enumerate(names):
        if name in names[:place]:
            where = f"{names.index(name) + 1} and {place + 1}"
            raise DataError(f"{path}: the columns {where} have the same name {name!r}; rename one")
    return names


def _require_even(path: Path, separator: str, width: int) -> None:
    """Raise `DataError` for the first line that has not as many values as there are names."""
    started = 0
    with _rows(path, separator) as rows:
        for line, row in rows:
            if row and len(row) != width:
                hint = "; is a quotation mark not closed?" if line > started + 1 else ""
                raise DataError(f"{path}: line {started + 1}: must have {width} values, got {len(row)}{hint}")
            started = line


@contextmanager
def _rows(path: Path, separator: str) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Each row and the number of its last line. Raises `DataError` for what is not UTF-8."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with open_unpacked(path) as stream:
            reader = csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""), delimiter=separator)
            yield ((reader.line_num, row) for row in reader)
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
