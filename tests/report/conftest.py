"""What the tests of reports share."""

from pathlib import Path

import optuna
import pytest

from tests.search.test_search import Notes, search, small
from tuner.data.load import Places
from tuner.search.confirmation import confirm
from tuner.storage import default_url, open_storage, read_study
from tuner.worker.executor import Setup
from tuner.worker.inprocess import InProcess


@pytest.fixture
def studied(small_study: Path, places: Places, tmp_path: Path) -> tuple[str, Path]:
    """A storage with a small study of three finished trials and a confirmed winner; its URL and a folder."""
    url = default_url(tmp_path)
    storage = open_storage(url)
    search(storage, small(small_study), places, trials=3)
    winner = read_study(storage, "small").best
    assert winner is not None
    study = optuna.load_study(study_name="small", storage=storage)
    study.set_user_attr("data", {"xor": "abc"})
    confirm(study, winner, 2, InProcess(Setup(places)), Notes(), tmp_path / "small", 250, {})
    return url, tmp_path
