"""Plain models beside a study's networks, trained on the same folds: what any network has to be better than.

`anchor` is what is told of one, `folds` trains and measures them, `models` is which ones there are, `seen` what they see.
"""

from tuner.anchors.anchor import MODELS as MODELS
from tuner.anchors.anchor import Anchor as Anchor
from tuner.anchors.anchor import best_first as best_first
from tuner.anchors.anchor import better as better
from tuner.anchors.anchor import seconds_for as seconds_for
