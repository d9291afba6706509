"""Reading text with separators: the separator, the names, the message about a line that does not fit."""

import csv
import io
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tuner.base.errors import DataError
from tuner.data.ingest.columns import shorten
from tuner.data.ingest.files import is_packed, open_unpacked
from tuner.data.ingest.values import is_number
from tuner.recipe.data import MISSING_TEXTS

SEPARATORS = ",;\t|"
SAMPLE_BYTES, SAMPLE_LINES = 2**16, 20
NO_NAMES = "if the file has no line of names, use --no-header"

Texts = Mapping[str, Collection[str]]
"""The columns that stay as they are written ("007"), each with the texts that are missing values in it."""
NO_TEXTS: Texts = {}
Choice = Callable[[Sequence[str]], list[str]]
"""From the names of all columns to those that are read."""


@dataclass(frozen=True)
class _Layout:
    """A text's separator, the lines that are `skipped` before its names or rows, and whether it has names."""

    separator: str
    skipped: int
    header: bool


def separated_blocks(
    path: Path, texts: Texts, choice: Choice, rows: int | None, header: bool, separators: str
) -> Iterator[pd.DataFrame]:
    """The chosen columns in blocks of so many rows (None: in one). Raises `DataError` with the line for what is not a UTF-8 table
    with a line of names and one of the `separators`."""
    layout = _layout(path, separators, header)
    names = _names(path, layout)
    chosen, is_even = choice(names), False
    with open_unpacked(path) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # values of two types are checked by who needs one
        warnings.simplefilter("error", pd.errors.ParserWarning)  # each line longer than the names
        try:
            with pd.read_csv(
                stream if is_packed(path) else path,
                sep=layout.separator,
                skiprows=layout.skipped,
                header=0 if header else None,
                names=names,
                skipinitialspace=True,
                encoding="utf-8-sig",
                index_col=False,
                dtype={name: object for name in chosen if name in texts},  # texts, one object for equal ones
                keep_default_na=False,
                na_values={
                    str(len(names)): [""],  # what follows a separator at the end of each line
                    **{name: ["", *texts.get(name, MISSING_TEXTS)] for name in names},
                },
                iterator=True,
                chunksize=rows,
            ) as reader:
                for block in reader:  # with all columns: with `usecols` pandas passes over lines that are too long
                    if not is_even and block.iloc[:, -1].isna().any():  # only there can a line have ended too early
                        _require_even(path, layout, len(names))
                        is_even = True
                    yield _without_blanks(block[chosen])
        except UnicodeDecodeError as error:
            raise _not_text(path) from error
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            _require_even(path, layout, len(names))
            raise DataError(f"{path}: cannot be read: {str(error).strip()}") from error


def _without_blanks(block: pd.DataFrame) -> pd.DataFrame:
    for name in block.columns[[not pd.api.types.is_numeric_dtype(each) for each in block.dtypes]]:
        texts = (value for value in block[name].unique() if isinstance(value, str))
        if padded := {text: text.strip() or None for text in texts if text != text.strip()}:
            block[name] = block[name].map(lambda value, plain=padded: plain.get(value, value))
    return block


def is_padded(path: Path) -> bool:
    """Whether one of the first lines has blanks around a name or a value."""
    rows = csv.reader(_sample(path), delimiter=_layout(path, SEPARATORS, header=True).separator)
    return any(value != value.strip(" \t") for row in rows for value in row)


def require_names(frame: pd.DataFrame, path: str) -> None:
    """Raise `DataError` where the names of columns are numbers that do not rise or fall, or first values of the same columns."""
    names = list(map(str, frame.columns))
    numbers = np.array([float(name) for name in names if is_number(name)])
    steps, is_whole = np.diff(numbers), bool((numbers == np.floor(numbers)).all())
    is_scale = len(set(np.sign(steps))) < 2 and (is_whole or len(steps) > 1)
    recurs = frame.head(SAMPLE_LINES).astype(str).eq([None if is_number(name) else name for name in names]).to_numpy()
    is_value = recurs.any() and not recurs.all(axis=1).any()
    if is_value or (not is_scale and (not is_whole or len(numbers) == len(names))):
        cure = "--no-header reads it as data and calls the columns 1, 2, 3; --header reads it as names"
        raise DataError(f"{path}: the first line looks like data: {shorten(', '.join(names))}; {cure}")


def _layout(path: Path, separators: str, header: bool) -> _Layout:
    """The separator that a first line such as `sep=;` names, as Excel writes it; or that cuts most of the first lines into the same
    number of parts, and the names into most parts."""
    sample = _sample(path)
    if named := re.fullmatch(r'"?sep=(.)"?\s*', sample[0]):
        return _Layout(named[1], 1, header)
    counts = {each: [len(row) for row in csv.reader(sample, delimiter=each) if row] for each in separators}
    alike = {each: sum(count == rows[0] for count in rows) for each, rows in counts.items()}
    for widths in map(Counter, counts.values()):
        (width, times), *_ = widths.most_common()
        if width > 1 and times > len(sample) / 2 and {each[0] for each in counts.values()} == {1}:
            title = shorten(sample[0])
            raise DataError(f"{path}: line 1 has no names but {title!r}; take out what is above the line of names")
    separator = max(separators, key=lambda each: (counts[each][0] > 1, alike[each], counts[each][0]))
    return _Layout(separator, 0, header)


def _sample(path: Path) -> list[str]:
    """The first lines. Raises `DataError` for an empty file and for what is no text."""
    with open_unpacked(path) as stream:
        content = stream.read(SAMPLE_BYTES)
    if not content.strip():
        raise DataError(f"{path}: is empty")
    if b"\0" in content:
        raise DataError(f"{path}: is not text with separators; save it as CSV with the encoding UTF-8")
    return content.decode("utf-8-sig", errors="replace").splitlines(keepends=True)[:SAMPLE_LINES]


def _names(path: Path, layout: _Layout) -> list[str]:
    row = next((row for _, row in _rows(path, layout) if row), None)
    if row is None:
        raise DataError(f"{path}: has no rows")
    if not layout.header:
        return [str(place) for place in range(1, len(row) + 1)]
    names = [name.strip() or f"Unnamed: {place}" for place, name in enumerate(row)]  # as pandas calls it
    require_different(path, names)
    return names


def require_different(path: Path, names: Sequence[str]) -> None:
    """Raise `DataError` for two columns of one name."""
    places: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        if places.setdefault(name, place) != place:
            cure = NO_NAMES if is_number(name) else "rename one"
            raise DataError(f"{path}: the columns {places[name]} and {place} have the same name {name!r}; {cure}")


def _require_even(path: Path, layout: _Layout, width: int) -> None:
    """Raise `DataError` for the first line that has not as many values as there are names."""
    started = layout.skipped
    for line, row in _rows(path, layout):
        if row and len(row) != width:
            hint = "; is a quotation mark not closed?" if line > started + 1 else ""
            raise DataError(f"{path}: line {started + 1}: must have {width} values, got {len(row)}{hint}")
        started = line


def _rows(path: Path, layout: _Layout) -> Iterator[tuple[int, list[str]]]:
    """Each row and the number of its last line. Raises `DataError` for what is not UTF-8."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with open_unpacked(path) as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
            skipped = sum(bool(text.readline()) for _ in range(layout.skipped))
            reader = csv.reader(text, delimiter=layout.separator, skipinitialspace=True)
            yield from ((reader.line_num + skipped, row) for row in reader)
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
