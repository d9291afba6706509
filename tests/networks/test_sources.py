"""Where a function of the user's comes from: a file, a module, or the Python process that has it."""

import hashlib
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from tuner.base.errors import Invalid
from tuner.networks.hashing import file_hash
from tuner.networks.sources import load_function, source_at, source_of


def closure(units: int) -> Callable[..., Any]:
    """A function that no file has by its name."""

    def build(trial: Any) -> int:
        return units

    return build


def test_a_closure_is_known_by_its_text_and_the_values_that_it_encloses() -> None:
    source, sha256 = source_of(closure(8))
    assert source.startswith("python:closure.<locals>.build")
    assert source_of(closure(8)) == (source, sha256)
    assert source_of(closure(9))[1] != sha256
    assert load_function(source, sha256)(None) == 8


def test_a_function_at_the_top_of_a_module_is_used_from_its_file() -> None:
    source, _ = source_of(closure)
    assert source.endswith("test_sources.py:closure")


def test_a_function_that_only_another_process_had_is_asked_for_again() -> None:
    with pytest.raises(
        Invalid, match=r"build only existed in the Python process that began the study: pass it to tuner.optimize"
    ):
        load_function("python:build", "0" * 64)
    with pytest.raises(Invalid, match=r"must be in a file: pass build to tuner.optimize\(network=…\)"):
        source_at("python:build", Path())


def test_what_cannot_be_sent_is_told() -> None:
    lock = Lock()
    with pytest.raises(Invalid, match="cannot be sent to training processes: TypeError"):
        source_of(lambda trial: lock)


def test_a_module_is_found_by_its_name() -> None:
    source, sha256 = source_at("tests.networks.test_sources:closure", Path())
    assert load_function(source, sha256)(3)(None) == 3
    with pytest.raises(Invalid, match="there is no module 'no_such_module'"):
        source_at("no_such_module:build", Path())


def test_a_changed_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "nets.py"
    path.write_text("def build(trial): return 1\n")
    source, sha256 = source_at(f"{path}:build", tmp_path)
    assert load_function(source, sha256)(None) == 1
    path.write_text("def build(trial): return 2\n")
    with pytest.raises(Invalid, match=r"nets.py has changed since this recipe was made; restore it"):
        load_function(source, sha256)
    assert load_function(*source_at(f"{path}:build", tmp_path))(None) == 2


NETS = """
import os
import os.path
from blocks import units
from parts.deep import more

def build(trial):
    return units + more
"""


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    """A file with a function that uses modules beside it, one of which imports another; and a module that nothing imports."""
    (tmp_path / "parts").mkdir()
    for name, text in {
        "nets.py": NETS,
        "blocks.py": "units = 1\n",
        "parts/__init__.py": "",
        "parts/deep.py": "from .deeper import more\n",
        "parts/deeper.py": "more = 10\n",
        "unused.py": "units = 7\n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path / "nets.py"


def test_the_hash_is_also_that_of_the_modules_that_a_file_imports(nets: Path) -> None:
    own, *modules = file_hash(nets).split(" ")
    assert own == hashlib.sha256(nets.read_bytes()).hexdigest()
    assert [each.partition(":")[0] for each in modules] == [
        "blocks.py", "parts/__init__.py", "parts/deep.py", "parts/deeper.py",
    ]  # fmt: skip


def test_a_file_that_imports_no_module_beside_it_has_the_hash_that_it_had(nets: Path) -> None:
    nets.write_text("import keras, os\n\ndef build(trial): return 1\n")
    assert file_hash(nets) == hashlib.sha256(nets.read_bytes()).hexdigest()


def test_a_changed_module_is_told_and_imported_anew(nets: Path) -> None:
    source, sha256 = source_at(f"{nets}:build", nets.parent)
    assert load_function(source, sha256)(None) == 11
    (nets.parent / "unused.py").write_text("units = 70\n")
    assert load_function(source, sha256)(None) == 11
    (nets.parent / "parts" / "deeper.py").write_text("more = 200\n")
    with pytest.raises(
        Invalid, match=r"parts/deeper.py, which .*nets.py imports, has changed since this recipe was made"
    ):
        load_function(source, sha256)
    assert load_function(*source_at(f"{nets}:build", nets.parent))(None) == 201


def test_a_closure_has_the_hash_of_the_modules_that_it_uses(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(nets.parent)
    monkeypatch.delitem(sys.modules, "blocks", raising=False)
    blocks = importlib.import_module("blocks")
    before = source_of(lambda trial: blocks.units)[1]
    assert before.endswith(f"blocks.py:{hashlib.sha256((nets.parent / 'blocks.py').read_bytes()).hexdigest()[:16]}")
    monkeypatch.delitem(sys.modules, "blocks")
