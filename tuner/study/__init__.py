"""The study file: a recipe with holes, the objectives, the budget, and how to search."""

from tuner.study.file import StudyFile
from tuner.study.read import load, setting, study_as_stored, study_from
