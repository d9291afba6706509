"""Small pictures as PNG files in memory: example images of a data set, decision regions in the plane."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.charts import BLUE, VERMILION
from tuner.charts.colors import LIGHT

Pixels = NDArray[np.uint8]

FIRST, SECOND = (np.array(list(bytes.fromhex(LIGHT[name][1:]))) for name in (BLUE, VERMILION))
ENLARGED = 8
LARGEST = 100


def png(pixels: Pixels) -> bytes:
    """The file for grey (height, width) or coloured (height, width, 3) pixels."""
    height, width = pixels.shape[:2]
    kind = 2 if pixels.ndim == 3 else 0
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels))
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def grid(images: Sequence[NDArray[Any]], columns: int, low: float, high: float, gap: int = 2) -> bytes:
    """Grey or coloured images side by side, row by row; `low` and `high` are their darkest and brightest value."""
    rows = -(-len(images) // columns)
    height, width = images[0].shape[:2]
    is_colored = images[0].ndim == 3 and images[0].shape[2] == 3
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, *((3,) if is_colored else ()))
    sheet = np.full(shape, 128, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        pixels = np.asarray(image, dtype=np.float64).reshape(height, width, *shape[2:])
        sheet[top : top + height, left : left + width] = np.clip((pixels - low) / (high - low) * 255, 0, 255)
    return png(sheet)


def shrunk(image: NDArray[Any]) -> NDArray[Any]:
    """An image whose longer side has at most `LARGEST` pixels, each the mean of the square that it stands for."""
    every = -(-max(image.shape[:2]) // LARGEST)
    if every == 1:
        return image
    height, width = (max(1, side // every) for side in image.shape[:2])
    square = image[: height * every, : width * every].astype(np.float64)
    depth = square.shape[0] // height, square.shape[1] // width
    means: NDArray[Any] = square.reshape(height, depth[0], width, depth[1], *image.shape[2:]).mean(axis=(1, 3))
    return means


def decision_regions(regions: Sequence[str], inputs: NDArray[Any], labels: NDArray[Any], reach: float = 6.0) -> bytes:
    """The plane shaded by what a network says (digits 0 to 9, rows from the top), with points on it."""
    shares = np.array([[int(digit) for digit in row] for row in regions]) / 9
    large = np.kron(shares, np.ones((ENLARGED, ENLARGED)))[..., None]
    plane = 255 - 0.55 * (255 - (FIRST * (1 - large) + SECOND * large))
    size = len(plane)
    for (x, y), label in zip(inputs, labels, strict=True):
        column, row = (int((value + reach) / (2 * reach) * (size - 1)) for value in (x, -y))
        if 3 <= row < size - 3 and 3 <= column < size - 3:
            plane[row - 3 : row + 4, column - 3 : column + 4] = 255
            plane[row - 2 : row + 3, column - 2 : column + 3] = SECOND if label else FIRST
    return png(plane.astype(np.uint8))
