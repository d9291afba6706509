"""A study's folder: prepared by several processes at once, and refused where it cannot be written."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tuner.base.errors import StorageError
from tuner.worker.folder import Folder


def test_several_may_prepare_a_folder_at_the_same_moment(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        for number in range(50):
            folder = Folder(tmp_path / f"runs-{number}" / "small")
            for done in [pool.submit(folder.prepare) for _ in range(8)]:
                done.result()
            assert list(folder.path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StorageError, match=r"the folder .*runs cannot be written: .*; choose another with --runs"):
        Folder(tmp_path / "runs" / "small").prepare()


def test_a_name_that_is_too_long_for_a_folder_is_reported_as_such(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"/n+ cannot be written: File name too long; choose another with --name$"):
        Folder(tmp_path / ("n" * 300)).prepare()
