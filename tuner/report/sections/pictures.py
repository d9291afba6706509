"""Test images that the final model, or all refits, predict wrong."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.charts.confusion import Matrix, confused_pairs
from tuner.charts.content import Block, Picture, missing
from tuner.report.predictions import Predictions

PAIRS = 3
EXAMPLES = 10
HARD = 40
SHOWN = 50
"""Pixels of the page for the longer side of an image."""

LARGEST = 100
GAP = 2
"""Pixels between the images of a grid."""


def pictures_of_pairs(winner: Predictions, matrix: Matrix) -> Iterator[Picture]:
    """Examples of the most frequent confusions."""
    classes, predicted = winner.names, winner.classes[winner.best]
    for rank, (true, other, count) in enumerate(confused_pairs(matrix)[:PAIRS], start=1):
        chosen = np.flatnonzero((winner.true == true) & (predicted == other))[:EXAMPLES]
        title = f"{classes[true]}, taken for {classes[other]}: {count} of {sum(matrix[true])}"
        yield _picture(f"winner-pair-{rank}", title, winner, chosen)


def hard_pictures(winner: Predictions) -> Block:
    """Images for which at least nine in ten of the refits predict the same wrong class."""
    classes, names = winner.classes, winner.names
    if len(classes) < 2:
        return missing("Images that all networks predict wrong need several confirmed seeds.")
    votes = np.stack([(classes == each).sum(axis=0) for each in range(len(names))], axis=1)
    common, agreed = votes.argmax(axis=1), votes.max(axis=1) >= 0.9 * len(classes)
    hard = np.flatnonzero(agreed & (common != winner.true))
    if not len(hard):
        return missing("There is no image for which all confirmed networks predict the same wrong class.")
    confidence = winner.outputs.mean(axis=0)[hard, common[hard]]
    chosen = hard[np.argsort(-confidence, kind="stable")[:HARD]]
    words = ", ".join(f"{names[winner.true[each]]} as {names[common[each]]}" for each in chosen[:EXAMPLES])
    note = (
        f"{len(hard)} of {len(winner.true)} test images, the most confident first: {words}. Some labels may be wrong."
    )
    most = "nearly all" if len(classes) >= 10 else "all"
    title = f"Images for which {most} {len(classes)} confirmed networks predict the same wrong class"
    return _picture("winner-hard", title, winner, chosen, note)


def _picture(id_: str, title: str, winner: Predictions, chosen: NDArray[np.int64], note: str = "") -> Picture:
    images = [winner.examples.inputs[index] for index in chosen]
    sheet = image_grid(images, min(EXAMPLES, len(images)), *winner.value_range)
    return Picture(id_, title, sheet, f"Test images: {title}", note, SHOWN / min(LARGEST, max(images[0].shape[:2])))


def image_grid(images: Sequence[NDArray[Any]], columns: int, low: float, high: float) -> bytes:
    """A PNG of grey or coloured images, row by row, each shrunk to at most `LARGEST` pixels on its longer side; `low` and `high`
    are their darkest and brightest value."""
    tiles = [_tile(image, low, high) for image in images]
    (width, height), rows = tiles[0].size, -(-len(tiles) // columns)
    sheet = Image.new(tiles[0].mode, (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP), "#808080")
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet.paste(tile, (column * (width + GAP), row * (height + GAP)))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()


def _tile(image: NDArray[Any], low: float, high: float) -> Image.Image:
    pixels = np.clip((np.asarray(image, np.float64) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    tile = Image.fromarray(pixels if pixels.shape[2:] == (3,) else pixels.reshape(pixels.shape[:2]))
    tile.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    return tile
