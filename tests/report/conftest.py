"""What the tests of reports share."""

from pathlib import Path

import pytest

from tests.support.searches import context_of, search, small
from tuner.data.load import Places
from tuner.refit.refit import refit_best
from tuner.storage import default_url, open_storage
from tuner.worker.executor import Setup
from tuner.worker.folder import Folder
from tuner.worker.inprocess import InProcess


@pytest.fixture
def studied(small_study: Path, places: Places, tmp_path: Path) -> tuple[str, Path]:
    """A storage with a small study of three finished trials and a confirmed winner; its URL and a folder."""
    url = default_url(tmp_path)
    storage = open_storage(url)
    search(storage, small(small_study), places, trials=3)
    context, folder = context_of(storage, small(small_study), places), Folder(tmp_path / "small")
    context.study.set_user_attr("data", {"xor": "abc"})
    refit_best(context, InProcess(Setup(places, folder=folder)), folder)
    return url, tmp_path
