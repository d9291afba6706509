"""Plain models beside a study's networks, trained on the same folds: what any network has to be better than.

`anchor` is what is told of one, `folds` trains and measures them, `models` is which ones there are, `seen` what they see.
"""

from tuner.references.anchor import MODELS as MODELS
from tuner.references.anchor import ReferenceModel as ReferenceModel
from tuner.references.anchor import best_first as best_first
from tuner.references.anchor import better as better
from tuner.references.anchor import seconds_for as seconds_for
