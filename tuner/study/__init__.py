"""The study file: a recipe with holes, what is optimized, the budget, and how to search."""

from tuner.study.file import StudyFile as StudyFile
from tuner.study.read import load as load
from tuner.study.read import setting as setting
from tuner.study.read import study_from as study_from
