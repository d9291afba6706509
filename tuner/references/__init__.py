"""Reference models: scikit-learn estimators at their defaults, fitted on the same folds as a study's networks."""

from tuner.references.record import MODELS as MODELS
from tuner.references.record import ReferenceModel as ReferenceModel
from tuner.references.record import best_first as best_first
from tuner.references.record import better_parts as better_parts
from tuner.references.record import model_names as model_names
from tuner.references.record import seconds_for as seconds_for
