"""Copies of the user's files, for training processes on machines that may lack them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner.base.errors import Invalid
from tuner.networks.copies import Copy, make_copies, take_copies
from tuner.networks.sources import COPIES, file_at, load_function, source_at, unchanged


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


def copied(package: Path, source: str, sha256: str) -> tuple[Copy, ...]:
    """Copies of a source, whose package is another one from then on."""
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


def test_a_function_of_a_module_is_imported_from_its_copy(package: Path) -> None:
    sys.path.append(str(package.parent))
    source, sha256 = source_at("own_package.deep.nets:build", package)
    copies = copied(package, source, sha256)
    for name in [each for each in sys.modules if each.startswith("own_package")]:  # a node has not imported it
        del sys.modules[name]
    take_copies(copies)
    assert load_function(source, sha256)(None) == 8


def test_a_copy_that_is_not_the_file_of_the_hash_is_refused(package: Path) -> None:
    source, sha256 = source_at(f"{package / 'flat.py'}:build", package)
    copies = copied(package, source, sha256)
    take_copies(copies)
    copies[0].path.write_text("def build(trial): return 0\n")
    with pytest.raises(Invalid, match=r"flat.py has changed since this recipe was made"):
        load_function(source, sha256)


def test_a_damaged_copy_is_made_again_and_a_good_one_stays(package: Path) -> None:
    source, sha256 = source_at(f"{package / 'flat.py'}:build", package)
    (copy,) = make_copies({source: sha256}, package.parent / "sources")
    written = copy.path.stat().st_ino
    assert make_copies({source: sha256}, package.parent / "sources") == (copy,)
    assert copy.path.stat().st_ino == written
    copy.path.write_text("def build(trial): return 0\n")
    make_copies({source: sha256}, package.parent / "sources")
    assert copy.path.read_text() == (package / "flat.py").read_text()


def test_a_file_that_is_unchanged_at_its_own_place_is_read_there(package: Path) -> None:
    """A function may read other files beside it."""
    weights = package / "deep" / "trained.weights.h5"
    path, sha256 = file_at(str(weights), package)
    (copy,) = make_copies({path: sha256}, package.parent / "sources")
    take_copies([copy])
    assert unchanged(path, sha256) == weights
    weights.unlink()
    take_copies([copy])
    assert unchanged(path, sha256) == copy.path
    assert copy.path.read_bytes() == b"weights"


def test_a_module_of_an_installed_package_has_no_copy() -> None:
    source = "optuna.samplers:TPESampler"
    assert make_copies({source: source_at(source, Path())[1]}, Path("nowhere")) == ()
