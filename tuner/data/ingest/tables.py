"""Reading tables: text with separators and JSON, compressed or not, Excel, Parquet, and those that come with scikit-learn."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd

from tuner.base.errors import DataError, MissingPackage, data_errors, near_miss
from tuner.data.ingest import separated
from tuner.data.ingest.files import HARMLESS_BYTES, SKLEARN, UNPACKED, is_packed, require_unpackable
from tuner.data.ingest.separated import NO_TEXTS, Choice, Texts, require_different
from tuner.recipe.data import MISSING_TEXTS

BUNDLED = ("iris", "wine", "breast_cancer", "digits", "diabetes")
BLOCK_ROWS = 2**17
MOST_COLUMNS = 1000
PACKED_RATIO = 1000
"""The same for Parquet, which stores a value of a few in some bits and equal ones in none."""

Reader = Callable[[Path, Texts, Choice, int | None, bool], Iterator[pd.DataFrame]]
"""From a file, the columns `texts`, the choice of columns, the rows of a block (None: one block) and whether the file has a
`header` to blocks of these columns."""

EntireReader = Callable[[Path, Texts, bool], pd.DataFrame]


def read_table(path: str, texts: Texts = NO_TEXTS, *, header: bool = True) -> pd.DataFrame:
    """The table of a file, or `sklearn:iris`. Without `header` a file has no names, and its columns are called 1, 2, 3.

    Only the columns `texts` stay as they are written. Raises `DataError` for what is no table, and `MissingPackage` for
    Excel or Parquet without its package.
    """
    (frame,) = _blocks(path, texts, list, None, header)
    return frame


def table_blocks(
    path: str, columns: Sequence[str], texts: Texts, optional: Collection[str] = (), *, header: bool = True
) -> Iterator[pd.DataFrame]:
    """A table of any length in blocks: its `columns`, and the `optional` ones that it has; the index counts rows from 0. Raises
    `DataError` for a missing column before the first block."""
    wanted = {name.strip(): name for name in (*optional, *columns)}

    def chosen(names: Sequence[str]) -> list[str]:
        for name in columns:
            if name.strip() not in names:
                raise DataError(f"{path}: has no column {name!r}; {near_miss(name, names)}")
        return [name for name in names if name in wanted]

    blocks = _blocks(path, texts, chosen, BLOCK_ROWS, header)
    return (block.rename(columns=wanted) for block in blocks)


def has_padding(path: str) -> bool:
    """Whether the first lines of a text have blanks around values, which are left out when it is read."""
    return _suffix(Path(path)) in (".csv", ".tsv") and separated.is_padded(Path(path))


def require_narrow(frame: pd.DataFrame, target: str, where: str) -> None:
    """Raise `DataError` for a table with too many columns, with the code that makes arrays of its numbers."""
    if frame.shape[1] <= MOST_COLUMNS:
        return
    path, filled = Path(where).with_suffix(".npz"), "d.fillna(d.median())" if frame.isna().to_numpy().any() else "d"
    code = f"import numpy, pandas; d = pandas.read_csv('{where}'); y = d.pop('{target}'); numpy.savez('{path}', x={filled}, y=y)"
    most = f"has {frame.shape[1]:,} columns, and at most {MOST_COLUMNS:,} can be described one by one"
    raise DataError(f'{where}: {most}; save the numbers as arrays, and name {path} with --data: python -c "{code}"')


def is_table(path: str) -> bool:
    """Whether the name is one of a table's."""
    return path.startswith(SKLEARN) or _suffix(Path(path)) in READERS


def _suffix(path: Path) -> str:
    """The suffix in small letters, without that of a compression."""
    return Path(path.stem if is_packed(path) else path).suffix.lower()


def _blocks(path: str, texts: Texts, choice: Choice, rows: int | None, header: bool) -> Iterator[pd.DataFrame]:
    """Blocks of so many rows, of the chosen columns; one block where `rows` is None."""
    plain = {name.strip(): gaps for name, gaps in texts.items()}
    if path.startswith(SKLEARN):
        blocks = _bundled(path, choice)
    else:
        blocks = _reader(path)(Path(path), plain, choice, rows, header)
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
    require_unpackable(Path(path))
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


def _entire(
    path: Path, texts: Texts, choice: Choice, rows: int | None, header: bool, read: EntireReader
) -> Iterator[pd.DataFrame]:
    """The chosen columns, in blocks, of a file that pandas reads as one."""
    try:
        with data_errors(path, "is not a table in this format, or damaged"):
            frame = read(path, texts, header)
    except ImportError as error:
        missing = getattr(error.__cause__, "name", None) or "openpyxl"
        raise MissingPackage(str(path), {"odf": "odfpy"}.get(missing, missing)) from error
    names = [str(name).strip() for name in frame.columns]
    require_different(path, names)
    frame = frame.set_axis(names, axis=1).reset_index(drop=True)[choice(names)]
    for name in frame.columns[[not pd.api.types.is_numeric_dtype(each) for each in frame.dtypes]]:
        gaps = dict.fromkeys(("", *texts.get(name, MISSING_TEXTS)))
        cells = [gaps.get(value, value) if isinstance(value, str) else value for value in frame[name]]
        frame[name] = pd.Series(cells, dtype=object).infer_objects()
    length = rows or max(1, len(frame))
    yield from (frame.iloc[start : start + length] for start in range(0, len(frame), length))


def _excel(path: Path, texts: Texts, header: bool) -> pd.DataFrame:
    """The first sheet of a workbook."""
    frame = pd.read_excel(path, header=0 if header else None, dtype=dict.fromkeys(texts, object), keep_default_na=False)
    return frame if header else frame.rename(columns=lambda place: place + 1)


def _json(path: Path, _: Texts, header: bool) -> pd.DataFrame:
    """A list of records, a list for each column, or a record on each line."""
    as_written = {"encoding": "utf-8-sig", **dict.fromkeys(("dtype", "convert_dates", "convert_axes"), False)}
    with suppress(ValueError):
        return pd.read_json(path, **as_written)  # type: ignore[call-overload, no-any-return]
    return pd.read_json(path, lines=True, **as_written)  # type: ignore[call-overload, no-any-return]


def _parquet(path: Path, _: Texts, choice: Choice, rows: int | None, header: bool) -> Iterator[pd.DataFrame]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingPackage(str(path), "pyarrow") from None
    with data_errors(path, "is not Parquet, or damaged"):
        file = parquet.ParquetFile(path)
        require_different(path, file.schema_arrow.names)
        columns, start = choice(file.schema_arrow.names), 0
        if rows is None:
            unpacked = 8 * file.metadata.num_rows * file.metadata.num_columns
            if unpacked > HARMLESS_BYTES and unpacked > PACKED_RATIO * path.stat().st_size:
                raise DataError(f"{path}: unpacks to more than {PACKED_RATIO} times its size, which no real table does")
        blocks = [file.read()] if rows is None else file.iter_batches(batch_size=rows, columns=columns)
        for block in blocks:
            frame: pd.DataFrame = block.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
            frame.index = pd.RangeIndex(start, start + len(frame))
            start += len(frame)
            yield frame


READERS: dict[str, Reader] = {
    ".csv": partial(separated.separated_blocks, separators=separated.SEPARATORS),
    ".tsv": partial(separated.separated_blocks, separators="\t"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), partial(_entire, read=_json)),
    ".parquet": _parquet,
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), partial(_entire, read=_excel)),
}
PACKABLE = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
"""The formats that are also read from compressed files."""
