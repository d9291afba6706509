"""Reading text with separators (CSV, TSV): the separator is found, and a fault is named with its line."""

import csv
import io
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tuner.base.errors import DataError
from tuner.data.ingest.files import is_packed, opened, require_modest

SEPARATORS = ",;\t|"
SAMPLE_BYTES = 2**16
SAMPLE_LINES = 20


def read_separated(path: Path, separators: str, texts: Collection[str]) -> pd.DataFrame:
    """The table in a file, UTF-8 with a line of names first; its separator is one of `separators`. The columns `texts` are
    read as they are written, others as numbers where they are numbers.

    Raises `DataError` with the line for what is not such a table.
    """
    head = head_of(path, separators)
    (frame,) = separated_blocks(path, head, [name for name in head.names if name in texts])
    return frame


@dataclass(frozen=True)
class Head:
    """What stands before the rows: the separator, and the columns' names."""

    separator: str
    names: list[str]


def head_of(path: Path, separators: str) -> Head:
    """The head of a file. Raises `DataError` for what is no text, or has a name twice."""
    if is_packed(path):
        require_modest(path)
    separator = _separator(path, separators)
    return Head(separator, _names(path, separator))


def separated_blocks(path: Path, head: Head, texts: Collection[str], rows: int | None = None) -> Iterator[pd.DataFrame]:
    """The table in so many rows at a time (all at once where that is not said), with all columns: with some of them pandas
    passes over lines that are too long. Raises `DataError` as `read_separated`."""
    is_even = False
    with opened(path) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # whoever needs one kind of value looks for others
        warnings.simplefilter("error", pd.errors.ParserWarning)  # each line longer than the names
        try:
            with pd.read_csv(
                stream if is_packed(path) else path,
                sep=head.separator,
                encoding="utf-8-sig",
                index_col=False,
                dtype=dict.fromkeys(texts, object),  # texts, one object for equal ones
                iterator=True,
                chunksize=rows,
            ) as reader:
                for block in reader:
                    if not is_even and block.iloc[:, -1].isna().any():  # only there can a line have ended too early
                        _demand_even(path, head)
                        is_even = True
                    yield block
        except UnicodeDecodeError as error:
            raise _not_text(path) from error
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            _demand_even(path, head)
            raise DataError(f"{path}: cannot be read: {str(error).strip()}") from error


def _separator(path: Path, separators: str) -> str:
    """The one that cuts the names into most parts, of those that cut most of the first lines likewise."""
    with opened(path) as stream:
        content = stream.read(SAMPLE_BYTES)
    if not content.strip():
        raise DataError(f"{path}: is empty")
    if b"\0" in content:
        raise DataError(f"{path}: is no text with separators; save it as CSV with the encoding UTF-8")
    sample = content.decode("utf-8-sig", errors="replace").splitlines(keepends=True)[:SAMPLE_LINES]
    counts = {each: [len(row) for row in csv.reader(sample, delimiter=each) if row] for each in separators}
    alike = {each: sum(count == found[0] for count in found) for each, found in counts.items()}
    return max(separators, key=lambda each: (counts[each][0] > 1, alike[each], counts[each][0]))


def _names(path: Path, separator: str) -> list[str]:
    with _rows(path, separator) as rows:
        names = next((row for _, row in rows if row), [])
    for place, name in enumerate(names):
        if name in names[:place]:
            where = f"{names.index(name) + 1} and {place + 1}"
            raise DataError(f"{path}: the columns {where} have the same name {name!r}; rename one")
    return names


def _demand_even(path: Path, head: Head) -> None:
    """Raise `DataError` for the first line that has not as many values as there are names."""
    started, wanted = 0, len(head.names)
    with _rows(path, head.separator) as rows:
        for line, row in rows:
            if row and len(row) != wanted:
                hint = "; is a quotation mark not closed?" if line > started + 1 else ""
                raise DataError(f"{path}: line {started + 1}: must have {wanted} values, got {len(row)}{hint}")
            started = line


@contextmanager
def _rows(path: Path, separator: str) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Each row and the number of its last line. Raises `DataError` for what is not UTF-8."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with opened(path) as stream:
            reader = csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""), delimiter=separator)
            yield ((reader.line_num, row) for row in reader)
    except UnicodeDecodeError as error:
        raise _not_text(path) from error
    finally:
        csv.field_size_limit(limit)


def _not_text(path: Path) -> DataError:
    with opened(path) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = f"0x{line[error.start]:02x}"
                return DataError(f"{path}: line {number}: is not UTF-8 (byte {byte}); save the file as UTF-8")
    return DataError(f"{path}: is not UTF-8; save the file as UTF-8")
