"""The study file: a recipe with holes, what is optimized, the budget, and how to search."""

from tuner.study.file import StudyFile as StudyFile
from tuner.study.file import load as load
from tuner.study.file import setting as setting
from tuner.study.file import study_from as study_from
