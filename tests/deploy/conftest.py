"""Trained models that tests of their use share. Tests that change a model's files copy them first."""

from pathlib import Path

import pytest

from tests.support.models import iris, pictures, xor
from tuner.data.sources import Places


@pytest.fixture(scope="session")
def iris_model(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Path:
    """A model on the columns of a table."""
    return iris(tmp_path_factory.mktemp("iris"), places)


@pytest.fixture(scope="session")
def xor_model(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Path:
    """A model on arrays; `xor.npz` in its folder has some."""
    return xor(tmp_path_factory.mktemp("xor"), places)


@pytest.fixture(scope="session")
def picture_model(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Path:
    """A model on pictures, which lie in `pictures` in its folder."""
    return pictures(tmp_path_factory.mktemp("pictures"), places)
