"""The hash of a file of the user's; that of a Python file says of the modules of theirs that it imports, too, which files they are.

It is the SHA-256 of the file, and after it for each such module its path and the start of its hash. A file that imports none has the
hash that earlier versions gave it.
"""

import ast
import hashlib
import inspect
import os
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tuner.base.writing import output_path

NOT_THEIRS = tuple(
    {
        *(sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib")),
        str(Path(__file__).parents[1]),
        "<frozen",
    }
)
"""How the paths of files begin that are not the user's: of libraries, and of this program."""


def file_hash(path: Path) -> str:
    """The hash of a file, and of the modules that it imports."""
    return with_modules(hash_alone(path), imported_files(path), path.resolve().parent)


def hash_alone(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def with_modules(sha256: str, files: Iterable[Path], folder: Path) -> str:
    """A hash with those of modules, whose paths are relative to the folder."""
    return " ".join([sha256, *(f"{os.path.relpath(each, folder)}:{hash_alone(each)[:16]}" for each in files)])


def changed_file(before: str, now: str, file: str) -> str:
    """Which files differ between two hashes of a `file`: itself, or modules that it imports.

    >>> changed_file("1", "2", "nets.py"), changed_file("1 a.py:3 b.py:4", "1 a.py:3 b.py:5", "nets.py")
    ('nets.py', 'b.py, which nets.py imports,')
    """
    (own, *modules), (own_now, *modules_now) = before.split(" "), now.split(" ")
    names = sorted({each.rpartition(":")[0] for each in {*modules} ^ {*modules_now}})
    return file if own != own_now or not names else f"{', '.join(names)}, which {file} imports,"


def imported_files(path: Path) -> list[Path]:
    """The user's own modules that a Python file imports, directly or through each other: those in its folder, or in the folder of its
    outermost package."""
    path = path.resolve()
    if not _is_theirs(path):
        return []
    roots, known, waiting = import_folders(path), {path}, [path]
    while waiting:
        new = {each for each in _imports(waiting.pop(), roots) if _is_theirs(each)} - known
        known |= new
        waiting += new
    return sorted(known - {path})


def import_folders(path: Path) -> list[Path]:
    """The folder of a file, and those of the packages around it up to the one that has the outermost package."""
    folders = [path.parent]
    while (folders[-1] / "__init__.py").is_file():
        folders.append(folders[-1].parent)
    return folders


def copied(path: Path, folder: Path) -> Path:
    """The copy of a file below a folder, beside copies of the modules that it imports and of the packages around it."""
    for each in (path, *imported_files(path), *(one / "__init__.py" for one in import_folders(path)[:-1])):
        with output_path(folder / each.relative_to(each.anchor)) as temporary:
            temporary.write_bytes(each.read_bytes())
    return folder / path.relative_to(path.anchor)


def modules_of(around: Mapping[str, Any]) -> list[Path]:
    """The files of the user's modules that the values around a function come from, and what these import."""
    modules = [each for each in map(inspect.getmodule, around.values()) if each and each.__name__ != "__main__"]
    files = {path for path in (Path(str(getattr(each, "__file__", ""))) for each in modules) if _is_theirs(path)}
    return sorted({*files, *(each for file in files for each in imported_files(file))})


def _is_theirs(path: Path) -> bool:
    return path.suffix == ".py" and not str(path).startswith(NOT_THEIRS)


def _imports(path: Path, roots: list[Path]) -> Iterator[Path]:
    """The files of modules that a file imports, anywhere in it. One that cannot be parsed imports none."""
    with suppress(SyntaxError, ValueError):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                start = f"{node.module}." if node.module else ""
                folders = [path.parents[node.level - 1]] if node.level else roots
                yield from (file for each in node.names for file in _files(start + each.name, folders))
            elif isinstance(node, ast.Import):
                yield from (file for each in node.names for file in _files(each.name, roots))


def _files(name: str, folders: list[Path]) -> Iterator[Path]:
    """The files in these folders that the import of a module reads: those of its packages, and its own."""
    names = name.split(".")
    places = [folder.joinpath(*names[:end]) for folder in folders for end in range(1, len(names) + 1)]
    yield from (file for each in places for file in (each / "__init__.py", each.with_suffix(".py")) if file.is_file())
