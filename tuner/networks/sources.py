"""Functions of the user's: from a file, a module, or the Python process that has defined them. Importing this loads no Keras.

A function that no file has reaches training processes as bytes of cloudpickle from the process that it was passed to. Such bytes are
never written and never read from a storage.
"""

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import textwrap
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from tuner.base.errors import Invalid, near_miss
from tuner.networks import hashing
from tuner.networks.function import is_model
from tuner.networks.hashing import NOT_THEIRS, file_hash

PYTHON = "python"
"""In place of the file of a function that only a Python process has."""

PICKLED: dict[str, bytes] = {}
"""The functions that this process was passed, by their hash. Training processes get them with their setup."""

COPIES: dict[str, Path] = {}
"""The copies of files that this process reads, by their hash."""


def source_at(source: str, folder: Path) -> tuple[str, str]:
    """The source as this process finds it, and the hash of its file. A path is relative to the `folder` (or its parent, where it is
    called `studies`). Raises `Invalid` where there is no such file."""
    place, _, name = source.partition(":")
    if place == PYTHON:
        raise Invalid(
            "source", f"must be in a file: pass {name} to tuner.optimize(network=…), or save it and name the file"
        )
    if is_model(source):
        return file_at(source, folder)
    if not name:
        rule = "must be a file and a function, such as my_nets.py:build, or a trained model, such as base.keras"
        raise Invalid("source", f"{rule}, got {source!r}")
    if not place.endswith(".py"):
        return source, file_hash(_module_file(place))
    path, sha256 = file_at(place, folder)
    return f"{path}:{name}", sha256


def file_at(place: str, folder: Path, address: str = "source") -> tuple[str, str]:
    """The path of a file as this process finds it, and its hash; `place` is relative to the `folder` (or its parent, where it is called
    `studies`). Raises `Invalid` with the address where there is none."""
    folders = [folder, *([folder.parent] if folder.resolve().name == "studies" else []), Path()]
    path = next((each / place for each in folders if (each / place).is_file()), None)
    if path is None:
        raise Invalid(address, f"there is no file {place} in {folder.resolve()}")
    here, known = Path().resolve(), path.resolve()
    return str(known.relative_to(here) if known.is_relative_to(here) else known), file_hash(known)


def source_of(function: Callable[..., Any], definition: str = "") -> tuple[str, str]:
    """The source of a function from Python, and its hash. A function at the top of a module's file is named by it; others (of a
    notebook, a script, a closure, a method) are kept as bytes for the training processes of this process. Their hash is that of their
    text, or of another `definition` of what they do, and of the modules of the user's that they use."""
    name, module = getattr(function, "__qualname__", type(function).__qualname__), getattr(function, "__module__", None)
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    is_plain = file and module != "__main__" and name.isidentifier() and hasattr(sys.modules[str(module)], name)
    if is_plain and inspect.isfunction(function):
        return source_at(f"{file}:{name}", Path())
    try:
        content: bytes = cloudpickle.dumps(function)
    except Exception as error:  # whatever the objects around the function raise
        raise Invalid(
            "network", f"{name} cannot be sent to training processes: {type(error).__name__}: {error}"
        ) from None
    sha256 = hashlib.sha256((definition or _definition(function)).encode()).hexdigest()
    sha256 = hashing.with_modules(sha256, hashing.modules_of(_around(function)), Path())
    PICKLED[sha256] = content
    return f"{PYTHON}:{name}", sha256


def load_function(source: str, sha256: str) -> Callable[..., Any]:
    """The function of a recipe. Raises `Invalid` where its file is missing, has changed or cannot be imported."""
    place, _, name = source.partition(":")
    if place == PYTHON:
        return _unpickled(name, sha256)
    path = unchanged(place if place.endswith(".py") else str(_module_file(place)), sha256)
    module = _imported(path, sha256) if place.endswith(".py") else importlib.import_module(place)
    function = getattr(module, name, None)
    if not callable(function):
        known = [each for each, value in vars(module).items() if inspect.isfunction(value)]
        raise Invalid("network.source", f"{place} has no function {name!r}; {near_miss(name, known)}")
    return function  # type: ignore[no-any-return]


def make_copies(sources: Mapping[str, str], folder: Path) -> dict[str, tuple[Path, Path]]:
    """Files and their copies in a folder, by their hash, except modules named without a path. Raises `StorageError` as `output_path`."""
    files = {sha256: Path(source.partition(":")[0]).resolve() for source, sha256 in sources.items()}
    folders = {sha256: folder / hashlib.sha256(sha256.encode()).hexdigest()[:16] for sha256 in files}
    return {each: (path, hashing.copied(path, folders[each])) for each, path in files.items() if path.is_file()}


def take_copies(copies: Mapping[str, tuple[Path, Path]]) -> None:
    """Read copies from now on, except those of files that are unchanged here. Modules beside a copy come before others of their name."""
    for sha256, (path, copy) in copies.items():
        if not (path.is_file() and file_hash(path) == sha256):
            COPIES[sha256] = copy
            sys.path[:0] = map(str, hashing.import_folders(copy))


def unchanged(place: str, sha256: str) -> Path:
    """The file of a recipe, or its copy. Raises `Invalid` where it is missing or has changed."""
    path = COPIES.get(sha256, Path(place))
    if not path.is_file():
        raise Invalid("network.source", f"there is no file {place} in {Path().resolve()}")
    if sha256 and (now := file_hash(path)) != sha256:
        problem = f"{hashing.changed_file(sha256, now, place)} has changed since this recipe was made"
        raise Invalid("network.source", f"{problem}; restore it, or search again under another name")
    return path


def names_around(source: str, sha256: str) -> dict[str, Any]:
    """The classes and functions that a recipe's function finds around it, by name. Raises `Invalid` as `load_function`."""
    if is_model(source):
        return {}
    function = inspect.unwrap(load_function(source, sha256))
    around = {**getattr(getattr(function, "__func__", function), "__globals__", {}), **_around(function)}
    return {name: value for name, value in around.items() if callable(value)}


def own_lines(error: BaseException) -> list[str]:
    """The lines of the user's own code on the way to an error, the last one first."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if not each.filename.startswith(NOT_THEIRS)]
    return [f"{os.path.relpath(each.filename)}:{each.lineno}, in {each.name}: {each.line}" for each in reversed(own)]


def described(error: BaseException, doing: str) -> str:
    """One message on an error in the user's code: what failed, where, and the own lines that led to it."""
    lines = own_lines(error)
    text = str(error).strip() or "no message"
    what = (
        f"called sys.exit({error.code!r})"
        if isinstance(error, SystemExit)
        else f"raised {type(error).__name__}: {text}"
    )
    return "\n  ".join([f"{doing} {what}", *lines])


def _unpickled(name: str, sha256: str) -> Callable[..., Any]:
    if sha256 not in PICKLED:
        cure = "pass it to tuner.optimize(network=…) again, or save it in a file and search with that"
        raise Invalid("network.source", f"{name} only existed in the Python process that began the study: {cure}")
    return cloudpickle.loads(PICKLED[sha256])  # type: ignore[no-any-return]


def _imported(path: Path, sha256: str) -> ModuleType:
    """The module in a file; one that has changed is imported anew, and so are the modules of the user's that it imports. Its folder is
    on the import path, as for a script."""
    sha256 = sha256 or file_hash(path)
    known = sys.modules.get(path.stem)
    name = path.stem if known is None or hasattr(known, "sha256_of_source") else f"{path.stem}_{sha256[:8]}"
    if name in sys.modules and getattr(sys.modules[name], "sha256_of_source", "") == sha256:
        return sys.modules[name]
    if str(path.resolve().parent) not in sys.path:
        sys.path.append(str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    hashes = {str(each): hashing.hash_alone(each) for each in hashing.imported_files(path)}
    before = _modules_in(hashes)
    if any(getattr(known, "sha256_of_source", own) != own for known, own in before.values()):
        for other in before:  # all of them, since they import each other
            del sys.modules[other]
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        raise Invalid("network.source", described(error, path.name)) from None
    module.sha256_of_source = sha256  # type: ignore[attr-defined]
    for known, own in _modules_in(hashes).values():
        known.sha256_of_source = own  # type: ignore[attr-defined]
    return module


def _modules_in(hashes: Mapping[str, str]) -> dict[str, tuple[ModuleType, str]]:
    """The imported modules among these files by their names, with the hashes of their files."""
    files = {name: str(getattr(module, "__dict__", {}).get("__file__")) for name, module in list(sys.modules.items())}
    return {name: (sys.modules[name], hashes[file]) for name, file in files.items() if file in hashes}


def _around(function: Callable[..., Any]) -> dict[str, Any]:
    """The values that a function uses by name, of its module and of the functions around it."""
    try:
        variables = inspect.getclosurevars(getattr(inspect.unwrap(function), "__func__", function))
    except TypeError:  # an object that can be called
        return {}
    return {**variables.globals, **variables.nonlocals}


def _module_file(name: str) -> Path:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin:
        raise Invalid("source", f"there is no module {name!r}; name a file such as my_nets.py:build")
    return Path(spec.origin)


def _definition(function: Callable[..., Any]) -> str:
    """The text of a function and the plain values that it encloses: equal where the same script runs again."""
    owner = getattr(function, "__self__", None)
    what = function if owner is None else type(owner)
    try:
        text = textwrap.dedent(inspect.getsource(what))
    except (OSError, TypeError):
        text = str(getattr(getattr(function, "__code__", None), "co_code", what))
    cells = [each.cell_contents for each in getattr(function, "__closure__", None) or ()]
    values = [*cells, *vars(owner).items()] if hasattr(owner, "__dict__") else cells
    return "\n".join([text, *(_plain(each) for each in values)])


def _plain(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_plain, value))})"
    return repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__qualname__
