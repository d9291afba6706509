"""Optuna's storage, the only state: opening it, what a trial keeps there, who holds a trial, reading it all as records."""

from tuner.storage.opening import load_study as load_study
from tuner.storage.opening import open_storage as open_storage
from tuner.storage.opening import raising_storage_errors as raising_storage_errors
from tuner.storage.outages import Patience as Patience
from tuner.storage.records import StudyRecord as StudyRecord
from tuner.storage.records import TrialRecord as TrialRecord
from tuner.storage.records import read_study as read_study
from tuner.storage.records import study_record as study_record
from tuner.storage.records import trial_record as trial_record
from tuner.storage.urls import default_url as default_url
from tuner.storage.urls import hide_password as hide_password
