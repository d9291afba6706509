"""The outcome of a study: one frozen value, its texts, and the model card."""

from tuner.outcome.outcome import Estimate as Estimate
from tuner.outcome.outcome import Outcome as Outcome
from tuner.outcome.outcome import read_outcome as read_outcome
from tuner.outcome.outcome import store_references as store_references
from tuner.outcome.outcome import stored_references as stored_references
