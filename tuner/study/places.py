"""Paths: study files and documents by name, the folder of runs."""

import os
import re
import sysconfig
from fnmatch import fnmatch
from pathlib import Path

from tuner.base.errors import StudyError, near_miss

NAME = re.compile(r"\w[\w.-]*")
LONGEST_NAME = 200
"""File names have at most 255 bytes, and some of a study's have endings."""


def study_folders() -> tuple[Path, ...]:
    """Folders with study files: ./studies first, then those that come with the package."""
    shipped = (
        Path(__file__).parent.parent.parent / "studies",
        Path(sysconfig.get_path("data")) / "share" / "tuner" / "studies",
    )
    return tuple(dict.fromkeys(folder for folder in (Path("studies"), *shipped) if folder.is_dir()))


def study_files() -> dict[str, Path]:
    """The study files that can be named, by name; those in ./studies hide shipped ones."""
    files: dict[str, Path] = {}
    for folder in study_folders():
        for path in sorted(folder.glob("*.toml")):
            files.setdefault(path.stem, path)
    return files


def find_study(name: str) -> tuple[str, Path]:
    """The study's name and file, from a name or from a path that ends in .toml. Raises `StudyError`."""
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise StudyError(f"there is no study file {name}")
        return path.stem, path
    known = study_files()
    if name not in known:
        raise StudyError(f"there is no study {name!r}; {near_miss(name, known)}")
    return name, known[name]


def require_name(name: str) -> str:
    """The name of a new study. Raises `StudyError` where it cannot be a file's."""
    if not NAME.fullmatch(name) or name.endswith(".toml"):
        raise StudyError(f"{name}: must be a name for a file: letters, digits, -, _ and points, without .toml")
    if len(name.encode()) > LONGEST_NAME:
        raise StudyError(f"{name[:20]}…: must be a name of at most {LONGEST_NAME} bytes, got {len(name.encode())}")
    return name


def find_documents(pattern: str) -> dict[str, Path]:
    """The files of the documents whose names match, by name. Raises `StudyError` where none does."""
    known = {path.stem: path for folder in study_folders() for path in sorted((folder / "documents").glob("*.toml"))}
    files = {name: path for name, path in known.items() if fnmatch(name, pattern)}
    if not files:
        raise StudyError(f"there is no document {pattern!r}; {near_miss(pattern, known)}")
    return files


def runs_folder(option: Path | None) -> Path:
    """The folder for everything that searches write: --runs, else TUNER_RUNS, else ./runs."""
    return option or Path(os.environ.get("TUNER_RUNS") or "runs")
