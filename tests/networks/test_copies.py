"""Copies of the user's files, for training processes on machines that may lack them."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tuner.base.errors import Invalid
from tuner.networks.sources import COPIES, file_at, load_function, make_copies, source_at, take_copies, unchanged


@pytest.fixture(autouse=True)
def process() -> Iterator[None]:
    """What this process has imported and where it looks for modules and copies is as before at the end."""
    path, modules, copies = list(sys.path), set(sys.modules), dict(COPIES)
    yield
    sys.path[:] = path
    COPIES.clear()
    COPIES.update(copies)
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a package of two functions in files, which import a module in it."""
    folder = tmp_path / "here" / "own_package"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "deep" / "__init__.py").touch()
    (folder / "sizes.py").write_text("units = 8\n")
    (folder / "deep" / "nets.py").write_text("from own_package.sizes import units\n\ndef build(trial): return units\n")
    (folder / "flat.py").write_text("from sizes import units\n\ndef build(trial): return units + 1\n")
    (folder / "deep" / "trained.weights.h5").write_bytes(b"weights")
    return folder


def copied(package: Path, source: str, sha256: str) -> Mapping[str, tuple[Path, Path]]:
    """Copies of a source, a module of which is another one from then on."""
    copies = make_copies({source: sha256}, package.parents[1] / "study" / "sources")
    (package / "sizes.py").write_text("units = 1\n")
    return copies


@pytest.mark.parametrize(("name", "units"), [("deep/nets.py", 8), ("flat.py", 9)])
def test_a_function_is_imported_from_its_copy_with_what_it_imports(package: Path, name: str, units: int) -> None:
    source, sha256 = source_at(f"{package / name}:build", package)
    copies = copied(package, source, sha256)
    sys.path.append(str(package.parent))  # as the working folder is on the import path
    with pytest.raises(Invalid, match=r"sizes.py, which \S+ imports, has changed since this recipe was made"):
        load_function(source, sha256)
    take_copies(copies)
    assert load_function(source, sha256)(None) == units


def test_a_copy_that_is_not_the_file_of_the_hash_is_refused(package: Path) -> None:
    source, sha256 = source_at(f"{package / 'flat.py'}:build", package)
    copies = copied(package, source, sha256)
    take_copies(copies)
    copies[sha256][1].write_text("def build(trial): return 0\n")
    with pytest.raises(Invalid, match=r"flat.py has changed since this recipe was made"):
        load_function(source, sha256)


def test_copies_for_other_hashes_of_a_file_lie_side_by_side(package: Path) -> None:
    """A search that begins after a change, and is refused, leaves the copies that another one uses as they are."""
    source, sha256 = source_at(f"{package / 'flat.py'}:build", package)
    take_copies(copies := copied(package, source, sha256))
    assert copied(package, *source_at(source, package)).keys() != copies.keys()
    assert load_function(source, sha256)(None) == 9


def test_a_file_that_is_unchanged_at_its_own_place_is_read_there(package: Path) -> None:
    """A function may read other files beside it."""
    weights = package / "deep" / "trained.weights.h5"
    path, sha256 = file_at(str(weights), package)
    copies = make_copies({path: sha256}, package.parent / "sources")
    take_copies(copies)
    assert unchanged(path, sha256) == weights
    weights.unlink()
    take_copies(copies)
    assert unchanged(path, sha256) == copies[sha256][1]
    assert unchanged(path, sha256).read_bytes() == b"weights"


def test_modules_and_functions_without_a_file_have_no_copy(tmp_path: Path) -> None:
    assert make_copies({"optuna.samplers:TPESampler": "5ha256", "python:build": "0wn"}, tmp_path) == {}
