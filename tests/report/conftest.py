"""Fixtures of the tests of reports."""

import shutil
from pathlib import Path

import pytest

from tests.support.searches import context_of, search, small
from tuner.data.sources import Places
from tuner.refit.refit import refit_best
from tuner.storage import default_url, open_storage
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study that `studied` trains once."""
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def studied(small_study: Path, places: Places, trained_folder: Path, tmp_path: Path) -> tuple[str, Path]:
    """A storage with a small study of three finished trials and a confirmed winner; its URL and a folder. A copy for each
    test."""
    if not (trained_folder / "small").exists():
        storage = open_storage(default_url(trained_folder))
        search(storage, small(small_study), places, trials=3)
        folder = Folder(trained_folder / "small")
        context = context_of(storage, small(small_study), places, folder=folder)
        context.study.set_user_attr("data", {"xor": "abc"})
        refit_best(context, InProcess(Setup(places, folder=folder)))
    shutil.copytree(trained_folder, tmp_path, dirs_exist_ok=True)
    return default_url(tmp_path), tmp_path
