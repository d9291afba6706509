"""A file or a folder as a model's inputs, block by block, with what else stands there beside them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.errors import DataError
from tuner.data.ingest.arrays import array_of, inputs_of, names_in
from tuner.data.ingest.blocks import is_table, table_blocks
from tuner.data.ingest.files import found_file
from tuner.data.ingest.images import SUFFIXES, brought_to
from tuner.deploy.predictor import Predictor
from tuner.recipe import Arrays, Data, Images, Table, described

PICTURES = 256
"""So many pictures are in one block."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some examples: inputs as the network takes them, the pictures' `files` where they are such, and other columns of the
    table or arrays of the file by their names."""

    inputs: NDArray[Any]
    files: tuple[str, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)


def blocks_of(
    predictor: Predictor, data: str, wanted: Sequence[str] = (), beside: Sequence[str] = ()
) -> Iterator[Block]:
    """The examples in a table, an NPZ or NPY file, a picture or a folder of pictures, with the columns or arrays `wanted`,
    and those `beside` them that are there. Raises `DataError` for what does not fit the model."""
    path = Path(data)
    if predictor.coding is not None:
        if not is_table(data):
            raise DataError(f"{data}: must be a table, since the model takes {predictor.takes}")
        return _rows(predictor, data, wanted, beside)
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return _pictures(predictor, path)
    if path.suffix.lower() in (".npz", ".npy"):
        return iter([_arrays(predictor, found_file(str(path.absolute()), ()), wanted, beside)])
    rule = "must end in .npz or .npy, be a picture or a folder of pictures"
    raise DataError(f"{data}: {rule}, since the model takes {predictor.takes}")


def _rows(predictor: Predictor, data: str, wanted: Sequence[str], beside: Sequence[str]) -> Iterator[Block]:
    assert predictor.coding is not None
    columns = predictor.coding.columns
    path = data if data.startswith("sklearn:") else str(Path(data).absolute())
    texts = {column.name for column in columns if column.kind != "number"}
    texts |= set(wanted if predictor.meaning.task == "classification" else ()) | _groups(predictor)
    for frame in table_blocks(path, [*predictor.columns, *wanted], texts, beside):
        try:
            inputs = predictor.coded(frame, data)
        except DataError as error:
            raise _in_whole_file(error, [column.name for column in columns], int(frame.index[0])) from None
        yield Block(inputs, beside={name: frame[name] for name in (*wanted, *beside) if name in frame.columns})


def _groups(predictor: Predictor) -> set[str]:
    said = predictor.recipe.data if predictor.recipe else None
    return {said.group} if isinstance(said, Table) and said.group else set()


def _in_whole_file(error: DataError, columns: Sequence[str], rows_before: int) -> DataError:
    """The same complaint, with the row's place in the whole file and not in the block."""
    names = "|".join(re.escape(repr(name)) for name in columns)
    pattern = rf"(column (?:{names}), row )(\d+)"
    return DataError(re.sub(pattern, lambda found: found[1] + str(int(found[2]) + rows_before), str(error), count=1))


def _arrays(predictor: Predictor, path: Path, wanted: Sequence[str], beside: Sequence[str]) -> Block:
    said = predictor.recipe.data if predictor.recipe else None
    name = said.x if isinstance(said, Arrays) else "x"
    if path.suffix.lower() == ".npy":
        if wanted:
            raise DataError(f"{path}: has one array only, and {wanted[0]!r} is wanted; give an .npz file with both")
        return Block(_fitting(predictor, _single(path), name, path))
    ending = "_test" if name not in (known := names_in(path)) and f"{name}_test" in known else ""
    inputs = _fitting(predictor, array_of(path, name + ending), name + ending, path)
    there = [each for each in beside if each + ending in known]
    return Block(inputs, beside={each: array_of(path, each + ending) for each in (*wanted, *there)})


def _single(path: Path) -> NDArray[Any]:
    try:
        values: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: is not an NPY file: {error}") from error
    return values


def _fitting(predictor: Predictor, values: NDArray[Any], name: str, path: Path) -> NDArray[Any]:
    predictor.require_fitting(values, f"{path}: {name}")
    return inputs_of(values, name, path)


def _pictures(predictor: Predictor, path: Path) -> Iterator[Block]:
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES)
    if not files:
        raise DataError(f"{path}: has no pictures (PNG, JPEG)")
    form = pictures_of(predictor)
    for start in range(0, len(files), PICTURES):
        some = files[start : start + PICTURES]
        values = np.stack([brought_to(form, each) for each in some])
        names = tuple(str(each.relative_to(path) if each != path else each.name) for each in some)
        yield Block(as_stored(predictor, values), names)


def pictures_of(predictor: Predictor) -> Images:
    """How pictures are brought to what the model takes. Raises `DataError` where it takes no pictures."""
    if predictor.recipe and isinstance(predictor.recipe.data, Images):
        return predictor.recipe.data
    height, width, *channels = (*predictor.shape, 0, 0)[: max(2, len(predictor.shape))]
    if not (len(predictor.shape) in (2, 3) and height and width and channels in ([], [1], [3])):
        raise DataError(f"the model takes {predictor.takes}, and no pictures")
    return Images(path="pictures", size=(height, width), color=channels == [3])


def as_stored(predictor: Predictor, values: NDArray[np.uint8]) -> NDArray[Any]:
    """Pictures in the shape and range that the model's own data is stored in."""
    shaped: NDArray[Any] = values.reshape(len(values), *predictor.shape) if None not in predictor.shape else values
    if predictor.recipe is None or not isinstance(predictor.recipe.data, Data):
        return shaped
    low, high = described(predictor.recipe.data).value_range
    return shaped if (low, high) == (0.0, 255.0) else (low + shaped * ((high - low) / 255)).astype(np.float32)


def prefetched(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same, each read while the one before is in use."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, blocks, None)
            yield block
