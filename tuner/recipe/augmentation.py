"""Random changes of training images, and the views over which a model averages after them."""

from tuner.base.errors import require
from tuner.base.ranges import CountOrZero, NotNegative, Rate, record


@record
class Views:
    """What a final model averages over in place of an image alone: its mirror image, the image shifted by a pixel toward each of two
    corners, or both."""

    is_mirrored: bool = False
    is_shifted: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The kinds of views by the endings of their names; each counts the same. A shifted one is two images."""
        mirrored, shifted = ("", "-mirrored")[: 1 + self.is_mirrored], ("", "-shifted")[: 1 + self.is_shifted]
        return tuple(first + second for second in shifted for first in mirrored)

    @property
    def images(self) -> int:
        """How many images a network computes for one."""
        return sum(2 if each.endswith("-shifted") else 1 for each in self.parts)

    @property
    def text(self) -> str:
        """What follows "the model averages three networks"; empty for images alone."""
        if not self.is_shifted:
            return ", each on an image and its mirror image" if self.is_mirrored else ""
        images = "an image, its mirror image and both" if self.is_mirrored else "an image and it"
        return f", each on {images} shifted by a pixel"


@record
class Augmentation:
    """Random changes of each training image, drawn anew for each epoch; the defaults change nothing.

    An image is moved by up to `shift` pixels each way, mirrored left to right with `flip` (half of the images), rotated by up
    to `rotate` degrees, scaled up or down by up to the share `zoom`, and bent: points move by `elastic` pixels (standard
    deviation), neighbours alike (Simard et al. 2003). Pixels from outside repeat the edge. Then a square with the share
    `erase` of the image's side is erased at a random place (cutout, DeVries & Taylor 2017, arXiv 1708.04552).

    With `mixup` each batch is blended with a permutation of itself, images and targets alike, by a weight from
    Beta(mixup, mixup) (Zhang et al. 2017, arXiv 1710.09412). It needs a loss with one-hot targets and works on inputs of any
    kind; the other fields are for images.
    """

    shift: CountOrZero = 0
    flip: bool = False
    rotate: NotNegative = 0.0
    zoom: Rate = 0.0
    elastic: NotNegative = 0.0
    erase: Rate = 0.0
    mixup: NotNegative = 0.0

    def __post_init__(self) -> None:
        require(self.rotate <= 180, "rotate", "be at most 180 degrees", self.rotate)

    @property
    def bends(self) -> bool:
        """Whether points move by parts of a pixel, so that values are interpolated."""
        return bool(self.rotate or self.zoom or self.elastic)

    @property
    def views(self) -> Views:
        """The views that a network has been trained on."""
        return Views(is_mirrored=self.flip, is_shifted=self.shift > 0)

    @property
    def is_for_images(self) -> bool:
        """Whether it changes anything that only images have."""
        return bool(self.shift or self.flip or self.erase or self.bends)
