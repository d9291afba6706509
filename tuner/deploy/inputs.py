"""A file or a folder as a model's inputs, block by block, with labels and other columns."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.base.errors import DataError, data_errors
from tuner.data.ingest.arrays import array_columns, array_shapes, inputs_of, read_array
from tuner.data.ingest.coding import code_rows
from tuner.data.ingest.files import SKLEARN, find_path
from tuner.data.ingest.images import FORMATS, SUFFIXES, read_image
from tuner.data.ingest.missing import texts_of
from tuner.data.ingest.pictures import with_pictures
from tuner.data.ingest.prepare import read_frame
from tuner.data.ingest.tables import is_table, table_blocks
from tuner.data.ingest.windows import latest, windowed
from tuner.deploy.predictor import Predictor
from tuner.recipe import Arrays, Data, Images, Table, describe
from tuner.recipe.data import MISSING_TEXTS

PICTURES = 256
"""The number of pictures in a block."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some examples: coded rows or arrays as stored, the `files` of pictures, and `others`: columns with labels, weights, groups;
    where windows are predicted the series and times of the predictions, a row for each step."""

    inputs: NDArray[Any]
    files: tuple[str, ...] = ()
    others: pd.DataFrame = field(default_factory=pd.DataFrame)


def blocks_of(
    predictor: Predictor, data: str, required: Sequence[str] = (), optional: Sequence[str] = ()
) -> Iterator[Block]:
    """The examples in a table, an NPZ or NPY file, a picture or a folder of pictures, with other columns or arrays: the `required`
    ones, and those of the `optional` ones that exist. Pictures have the column `folder`, if any is required. Raises `DataError`
    for data that do not fit the model."""
    path = Path(data)
    if predictor.coding is not None:
        if not is_table(data):
            raise DataError(f"{data}: must be a table, since the model takes {predictor.input_text}")
        if any(column.kind == "window" for column in predictor.coding.columns):
            return iter([_windows(predictor, data, required, optional)])
        return _rows(predictor, data, required, optional)
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return _pictures(predictor, path, required)
    if path.suffix.lower() in (".npz", ".npy"):
        return iter([_arrays(predictor, find_path(str(path.absolute()), ()), required, optional)])
    rule = "must end in .npz or .npy, be a picture or a folder of pictures"
    raise DataError(f"{data}: {rule}, since the model takes {predictor.input_text}")


def prefetched(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks, each read while the one before is in use."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, blocks, None)
            yield block


def picture_format(predictor: Predictor) -> Images:
    """The size and color of the pictures that a model takes. Raises `DataError` where it takes none."""
    if isinstance(predictor.data, Images):
        return predictor.data
    height, width, *channels = (*predictor.shape, 0, 0)[: max(2, len(predictor.shape))]
    if not (len(predictor.shape) in (2, 3) and height and width and channels in ([], [1], [3])):
        raise DataError(f"the model takes {predictor.input_text}, and no pictures")
    return Images(path="pictures", size=(height, width), color=channels == [3])


def as_stored(predictor: Predictor, pictures: NDArray[np.uint8]) -> NDArray[Any]:
    """Pictures in the shape and value range of the model's data set."""
    shaped = pictures if None in predictor.shape else pictures.reshape(len(pictures), *predictor.shape)
    if not isinstance(predictor.data, Data):
        return shaped
    low, high = describe(predictor.data).value_range
    return shaped if (low, high) == (0.0, 255.0) else (low + shaped * ((high - low) / 255)).astype(np.float32)


def _rows(predictor: Predictor, data: str, required: Sequence[str], optional: Sequence[str]) -> Iterator[Block]:
    assert predictor.coding is not None
    path = data if data.startswith(SKLEARN) else str(find_path(str(Path(data).absolute()), ()))
    names = [column.name for column in predictor.coding.columns if column.kind != "number"]
    names += required if predictor.output.task == "classification" else ()
    texts, header = dict[str, Sequence[str]](dict.fromkeys(names, MISSING_TEXTS)), True
    if isinstance(predictor.data, Table):
        texts, header = {**texts, **texts_of(predictor.data)}, predictor.data.header
    for frame in table_blocks(path, [*predictor.columns, *required], texts, optional, header=header):
        others = [name for name in (*required, *optional) if name in frame.columns]
        frame = with_pictures(frame, predictor.coding.columns, Path(path).parent, data)
        yield Block(predictor.coded(frame, data), others=frame[others])


def _windows(predictor: Predictor, data: str, required: Sequence[str], optional: Sequence[str]) -> Block:
    """The windows whose targets are known where these are required, else those that are predicted."""
    source = predictor.data
    if not isinstance(source, Table) or predictor.coding is None:
        missing = (
            f"{predictor.path.with_suffix('.json').name}, which names the columns of time and series, is not there"
        )
        raise DataError(f"{predictor.path}: takes windows, and {missing}")
    path = data if data.startswith(SKLEARN) else str(find_path(str(Path(data).absolute()), ()))
    frame = read_frame(source, data, path, required)
    inputs, others = windowed(source, frame, data)[:2] if required else latest(source, frame, data)
    if required:
        others = others.assign(**{name: inputs[name] for name in optional if name in inputs})
    inputs = with_pictures(inputs, predictor.coding.columns, Path(path).parent, data)
    return Block(code_rows(predictor.coding, inputs, data), others=others)


def _arrays(predictor: Predictor, path: Path, required: Sequence[str], optional: Sequence[str]) -> Block:
    name = predictor.data.x if isinstance(predictor.data, Arrays) else "x"
    if path.suffix.lower() == ".npy":
        if required:
            raise DataError(f"{path}: has one array only, and {required[0]!r} is needed; give an .npz file with both")
        return Block(_checked(predictor, _npy(path), name, path))
    known = array_shapes(path)
    ending = "_test" if name not in known and f"{name}_test" in known else ""
    inputs = _checked(predictor, read_array(path, name + ending), name + ending, path)
    others = [*required, *(each for each in optional if each + ending in known)]
    columns = [array_columns(read_array(path, each + ending), each, path) for each in others]
    return Block(inputs, others=pd.concat(columns, axis=1) if columns else pd.DataFrame())


def _npy(path: Path) -> NDArray[Any]:
    with data_errors(path, "is not an NPY file"):
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _checked(predictor: Predictor, values: NDArray[Any], name: str, path: Path) -> NDArray[Any]:
    predictor.require_shape(values, f"{path}: {name}")
    return inputs_of(values, name, str(path))


def _pictures(predictor: Predictor, path: Path, required: Sequence[str]) -> Iterator[Block]:
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES)
    if not files:
        raise DataError(f"{path}: has no pictures ({', '.join(FORMATS)})")
    format = picture_format(predictor)
    for start in range(0, len(files), PICTURES):
        block = files[start : start + PICTURES]
        pictures = np.stack([read_image(format, each) for each in block])
        names = tuple(str(each.relative_to(path) if each != path else each.name) for each in block)
        folders = pd.DataFrame({"folder": [_class_folder(name, path) for name in names]} if required else {})
        yield Block(as_stored(predictor, pictures), names, folders)


def _class_folder(file: str, path: Path) -> str:
    folder, _, _ = file.rpartition("/")
    if not folder:
        raise DataError(f"{path}/{file}: must lie in a folder with the name of its class")
    return folder.rpartition("/")[2]
