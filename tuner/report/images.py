"""Pictures as PNG files in memory."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.charts import BLUE, VERMILION
from tuner.charts.colors import LIGHT

FIRST, SECOND = (np.array(list(bytes.fromhex(LIGHT[name][1:]))) for name in (BLUE, VERMILION))
ENLARGED = 8


def png(image: Image.Image) -> bytes:
    """The image as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def decision_regions(regions: Sequence[str], inputs: NDArray[Any], labels: NDArray[Any], reach: float = 6.0) -> bytes:
    """The plane shaded by a network's outputs (digits 0 to 9, rows from the top), with points."""
    shares = np.array([[int(digit) for digit in row] for row in regions]) / 9
    large = np.kron(shares, np.ones((ENLARGED, ENLARGED)))[..., None]
    plane = 255 - 0.55 * (255 - (FIRST * (1 - large) + SECOND * large))
    size = len(plane)
    for (x, y), label in zip(inputs, labels, strict=True):
        column, row = (int((value + reach) / (2 * reach) * (size - 1)) for value in (x, -y))
        if 3 <= row < size - 3 and 3 <= column < size - 3:
            plane[row - 3 : row + 4, column - 3 : column + 4] = 255
            plane[row - 2 : row + 3, column - 2 : column + 3] = SECOND if label else FIRST
    return png(Image.fromarray(plane.astype(np.uint8)))
