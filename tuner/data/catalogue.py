"""The named data sets: shapes, classes, files, public addresses, and a hash of the decoded arrays."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

IDX = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
USPS = ("zip.train.gz", "zip.test.gz")
DIGITS = tuple("0123456789")
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One data set. `sha256` is `sources.hash_of` its arrays; `addresses` are folders with the `files`, best first; a `family` shares
    a page. Data that is `made` comes from its formula or from a package (`bundled_with`)."""

    shape: tuple[int, ...]
    training_examples: int
    test_examples: int
    classes: tuple[str, ...]
    value_range: tuple[float, float]
    sha256: str
    format: Literal["idx", "usps", "made"]
    files: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    system_folder: str = ""
    family: str = ""
    debian_package: str = ""
    bundled_with: str = ""

    @property
    def identity(self) -> str:
        """The first 16 digits of the hash."""
        return self.sha256[:16]


_mnist = partial(
    Entry, shape=(28, 28), training_examples=60_000, test_examples=10_000, value_range=(0, 255), format="idx", files=IDX
)
# The TensorFlow Playground: 500 points in the plane, half of them for training.
_playground = partial(Entry, training_examples=250, test_examples=250, format="made", family="playground")
_plane = partial(_playground, shape=(2,), value_range=(-6.0, 6.0))

CATALOGUE: dict[str, Entry] = {
    "fashion-mnist": _mnist(
        classes=FASHION,
        sha256="bc3b3a15d36c7b485ea35263b0681ebe33e6cccf024eff3445151fc798c21887",
        addresses=(
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        system_folder="/usr/share/datasets/fashion-mnist",
        debian_package="dataset-fashion-mnist",
    ),
    "mnist": _mnist(
        classes=DIGITS,
        sha256="c473ce9de4170e6fe7638543697b7512b19cc4b2c68279feabf4a085461033dd",
        addresses=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
    ),
    "usps": Entry(
        shape=(16, 16),
        training_examples=7291,
        test_examples=2007,
        classes=DIGITS,
        value_range=(-1, 1),
        sha256="58bc720b5a1293102d28dd3249c98b19202b883c9409c2540931ffa2ae5d90d3",
        format="usps",
        files=USPS,
        addresses=("https://hastie.su.domains/ElemStatLearn/datasets/",),
    ),
    "digits": Entry(
        shape=(8, 8),
        training_examples=1437,
        test_examples=360,
        classes=DIGITS,
        value_range=(0, 16),
        sha256="22db84c7e95d8c1473bea49463d6e1474d0b087bce84bf2196fee5c1e88307bb",
        format="made",
        bundled_with="scikit-learn",
    ),
    "circle": _plane(
        classes=("outside", "inside"), sha256="6263ffa84ef06967b1d890ae2d58d95c3c4521d112fbda17edbd2e7eba0649d9"
    ),
    "xor": _plane(
        classes=("unlike signs", "like signs"),
        sha256="1307202ac2e084a841625f1414d6176f0090123ce455e35790d917d8c6b8943f",
    ),
    "spiral-features": _playground(
        shape=(7,),
        classes=("one arm", "other arm"),
        value_range=(-25.0, 25.0),
        sha256="539760e7d571f6a1e2a71417a4c94f62a675b7c14d07515efe8b0ea8fa7af676",
    ),
    "spiral": _plane(
        classes=("one arm", "other arm"), sha256="f1851aa9f50582d5fdd41e615f237e3e9008b699d9611012067c39de191e7fa3"
    ),
}


def with_families(datasets: Iterable[str]) -> set[str]:
    """The data sets and all others of their families.

    >>> sorted(with_families(["mnist", "spiral"]))
    ['circle', 'mnist', 'spiral', 'spiral-features', 'xor']
    """
    named = set(datasets)
    families = {CATALOGUE[name].family for name in named & CATALOGUE.keys()} - {""}
    return named | {name for name, entry in CATALOGUE.items() if entry.family in families}
