"""Test images that the winner takes for what they are not."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tuner.charts.content import Block, Picture, missing
from tuner.report.confusion import Matrix, confused_pairs
from tuner.report.images import grid, shrunk
from tuner.report.predictions import Predictions

PAIRS = 3
EXAMPLES = 10
HARD = 40
SHOWN = 50
"""Pixels of the page that an image takes, of its longer side."""


def pictures_of_pairs(winner: Predictions, matrix: Matrix) -> Iterator[Picture]:
    """Examples of the pairs that are confused most."""
    classes, predicted = winner.names, winner.classes[winner.best]
    for rank, (true, taken, count) in enumerate(confused_pairs(matrix)[:PAIRS], start=1):
        chosen = np.flatnonzero((winner.true == true) & (predicted == taken))[:EXAMPLES]
        title = f"{classes[true]}, taken for {classes[taken]}: {count} of {int(matrix[true].sum())}"
        yield _sheet(f"winner-pair-{rank}", title, winner, chosen, alt=f"Test images: {title}")


def hard_pictures(winner: Predictions) -> Block:
    """Images to which at least nine in ten of the confirmed networks give the same wrong class."""
    classes = winner.classes
    if len(classes) < 2:
        return missing("Images that all networks class wrong need several confirmed seeds.")
    votes = np.stack([(classes == each).sum(axis=0) for each in range(len(winner.names))], axis=1)
    common, agreed = votes.argmax(axis=1), votes.max(axis=1) >= 0.9 * len(classes)
    hard = np.flatnonzero(agreed & (common != winner.true))
    if not len(hard):
        return missing("There is no image that all confirmed networks class the same wrong.")
    sure = winner.outputs.mean(axis=0)[hard, common[hard]]
    chosen = hard[np.argsort(-sure, kind="stable")[:HARD]]
    names = winner.names
    words = ", ".join(f"{names[winner.true[each]]} as {names[common[each]]}" for each in chosen[:EXAMPLES])
    note = (
        f"{len(hard)} of {len(winner.true)} test images; the surest first: {words}. Some of their labels may be wrong."
    )
    most = "nearly all" if len(classes) >= 10 else "all"
    title = f"Images that {most} {len(classes)} confirmed networks class the same wrong"
    return _sheet("winner-hard", title, winner, chosen, title, note)


def _sheet(id_: str, title: str, winner: Predictions, chosen: NDArray[np.int64], alt: str, note: str = "") -> Picture:
    low, high = winner.value_range
    images = [shrunk(winner.examples.inputs[index]) for index in chosen]
    return Picture(
        id_, title, grid(images, min(EXAMPLES, len(images)), low, high), alt, note, SHOWN / max(images[0].shape[:2])
    )
