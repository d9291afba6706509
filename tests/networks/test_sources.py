"""Where a function of the user's comes from: a file, a module, or the Python process that has it."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from tuner.base.errors import Invalid
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
