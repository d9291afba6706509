"""The tuner with pictures that had no part in making its defaults: faces and pieces of pictures without one, 25×25, 100 of each,
which scikit-image ships (`lfw_subset`, from Labeled Faces in the Wild: Huang et al. 2007).

    python benchmarks/unseen.py optimize --study digits --name faces --set data.name=faces

All commands and options are the tuner's. A fifth of the pictures are the test part. The training processes read this file, too.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tuner.__main__ import main
from tuner.data.catalogue import CATALOGUE, Entry
from tuner.data.examples import Arrays
from tuner.data.sources import hash_of
from tuner.data.synthetic import SYNTHETIC

EACH = 100
CLASSES = ("face", "something else")


def faces() -> Arrays:
    """Training inputs and labels, test inputs and labels: every fifth picture is for the test."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise SystemExit("scikit-image has these pictures: pip install scikit-image")
    pictures = np.load(Path(package.origin).parent / "data" / "lfw_subset.npy")
    inputs = np.rint(255 * pictures).astype(np.uint8)
    labels = np.repeat(np.arange(len(CLASSES), dtype=np.uint8), EACH)
    is_test = np.arange(len(labels)) % 5 == 0
    return inputs[~is_test], labels[~is_test], inputs[is_test], labels[is_test]


def register() -> None:
    """Have the data set among those that can be named."""
    arrays = faces()
    CATALOGUE["faces"] = Entry(
        shape=arrays[0].shape[1:],
        training_examples=len(arrays[0]),
        test_examples=len(arrays[2]),
        classes=CLASSES,
        value_range=(0, 255),
        sha256=hash_of(arrays),
        format="made",
        bundled_with="scikit-image",
    )
    SYNTHETIC["faces"] = faces


register()

if __name__ == "__main__":
    main()
