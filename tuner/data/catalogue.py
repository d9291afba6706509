"""The named data sets: shapes, classes, files, public addresses, and the SHA-256 of the decoded arrays (C order, little-endian)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ARRAYS = ("train_inputs", "train_labels", "test_inputs", "test_labels")
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
    """One data set. `hashes` are of the four `ARRAYS`; `addresses` are folders with the `files`, best first; a `family` shares a
    page. Data that is `made` comes from its formula or from a package (`bundled_with`)."""

    shape: tuple[int, ...]
    training_examples: int
    test_examples: int
    classes: tuple[str, ...]
    value_range: tuple[float, float]
    hashes: tuple[str, ...]
    format: Literal["idx", "usps", "made"]
    files: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    system_folder: str = ""
    family: str = ""
    debian_package: str = ""
    bundled_with: str = ""

    @property
    def identity(self) -> str:
        """16 hexadecimal digits for the four arrays together."""
        return hashlib.sha256("".join(self.hashes).encode()).hexdigest()[:16]


def _playground(classes: tuple[str, str], *hashes: str, inputs: int = 2) -> Entry:
    """A set of the TensorFlow Playground: 500 points in the plane, half of them for training."""
    return Entry(
        shape=(inputs,),
        training_examples=250,
        test_examples=250,
        classes=classes,
        value_range=(-6.0, 6.0) if inputs == 2 else (-25.0, 25.0),
        hashes=hashes,
        format="made",
        family="playground",
    )


CATALOGUE: dict[str, Entry] = {
    "fashion-mnist": Entry(
        shape=(28, 28),
        training_examples=60_000,
        test_examples=10_000,
        classes=FASHION,
        value_range=(0, 255),
        hashes=(
            "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
            "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
            "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
            "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
        ),
        format="idx",
        files=IDX,
        addresses=(
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        system_folder="/usr/share/datasets/fashion-mnist",
        debian_package="dataset-fashion-mnist",
    ),
    "mnist": Entry(
        shape=(28, 28),
        training_examples=60_000,
        test_examples=10_000,
        classes=DIGITS,
        value_range=(0, 255),
        hashes=(
            "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        ),
        format="idx",
        files=IDX,
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
        hashes=(
            "896622302e97b30684b4e40234f805387598229f7176959fe704dc4373747966",
            "ee5027fd47b76715ac18ca27e72fa1332bde98e0b8ce593b503bb2bdb6c03da0",
            "76d311277f53f68928bde4141fbdf72ce5aa8431a60e17de342a16d2b6bacc8f",
            "0b8b792b8ca1c5c704fd9d5bbd1b261623a359e6c8c65b23db428257beea7800",
        ),
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
        hashes=(
            "49e6b5ff3c06049d22107456f1bec003f43746a0ac1c12519726055adeed2fc5",
            "472176d28e5c3fca243ca84caf3e7efaa1d114f7bce75b90ef770ba6d23e6e7d",
            "342538e35bc5249d3b38fda72290ee7bdab962de1bda7a6e64e80d88c5204653",
            "da1a2ec12e5c2ed7d8850ca7ed88c3b71e3468151b1e545e5b75c80bed4925cf",
        ),
        format="made",
        bundled_with="scikit-learn",
    ),
    "circle": _playground(
        ("outside", "inside"),
        "4290c1097f9947f547de8917fe17162dfc826ad50f70e0e03964b237d50b1324",
        "e50b31aa97a42f853916c0115b53cef09faddc2e3148176b78c27d5e9a8ab232",
        "ce87fe20f75a2cdcc9b5b4857ad0caf66c5cafefddcfe1db48fbd8f5be6bd1ab",
        "7ffe21dcf66a8dc00e6c674497f0d4b4df679313c9e2528fb232b871246a21f5",
    ),
    "xor": _playground(
        ("unlike signs", "like signs"),
        "8d6b367edb2ce34fe8a248cca8c6a2c20ef60438468494fd3920452135470675",
        "a101512410ba26520c153bad34794b6e725ae358fb05bd6ebeb4f3cd411e634f",
        "28d2614b71d0c3a24918197fbf47d68f0d6ef18b8e29d543c2e187107f0dfba4",
        "be9f97f259d4bd9fc3d404735c23e352aa8f19219b3c8dc65c7a38ebc9e0f585",
    ),
    "spiral-features": _playground(
        ("one arm", "other arm"),
        "b7670945ceffa5066df280c94250c3e6c6f8b45a84e375a14090d48d04f960fc",
        "662a2d4d71ad72e1692bb1e281fa5bf58018a03fd58b48a536bddc02401fd52d",
        "8f53053ab5e681c7e07dbd8c11ca24c8aaa2a57c6c14fc47d8c9e3e979bc16f2",
        "f52962cade42c31b061e95229ced2da76b6c36ec30c64985a23a77f57cee2c35",
        inputs=7,
    ),
    "spiral": _playground(
        ("one arm", "other arm"),
        "aa1dd347e58772a18b083eb5cf92374dc416284f6a77861b0fb844ded5a0d3d2",
        "662a2d4d71ad72e1692bb1e281fa5bf58018a03fd58b48a536bddc02401fd52d",
        "2a9e1af829d6aa2e8356ca6d33c09d6eace057fffe365ebe55ac249c3b276086",
        "f52962cade42c31b061e95229ced2da76b6c36ec30c64985a23a77f57cee2c35",
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
