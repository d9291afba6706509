"""Bringing a data set to this machine: from its public addresses, or as a Debian package, without root.

Whatever comes is decoded and compared with the catalogue before it takes its place in the cache.
"""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.base.errors import DataError
from tuner.data.catalogue import CATALOGUE, Entry
from tuner.data.sources import Places, Source

Tell = Callable[[str], None]
Verify = Callable[[Source], None]
CONNECT_SECONDS = 10
APT_SECONDS = 180


def bring(name: str, places: Places, verify: Verify, tell: Tell) -> Source:
    """Fetch a data set into the cache. `verify` raises `DataError` on what is not the catalogue's.

    Raises `DataError` that lists what was tried, and says what to do.
    """
    entry = CATALOGUE[name]
    tries: list[str] = []
    for where, fetch in _ways(entry):
        tell(f"fetching {name} from {where}")
        try:
            with _aside(places.downloads, name) as folder:
                fetch(folder)
                verify(Source(folder, f"from {where}"))
                return _take_its_place(folder, places.downloads / name, where)
        except (DataError, OSError, subprocess.SubprocessError) as error:
            tries.append(f"  {where}: {_first_line(error)}")
            tell(f"fetching {name} from {where} did not work: {_first_line(error)}")
    listing = "\n".join(tries)
    wanted = ", ".join(entry.files)
    raise DataError(
        f"the data set {name} is not on this machine and could not be fetched:\n{listing}\n"
        f"Put its files ({wanted}) into a folder {name}, and name the folder around it with --data-dir or TUNER_DATA."
    )


def _ways(entry: Entry) -> Iterator[tuple[str, Callable[[Path], None]]]:
    for address in entry.addresses:
        yield address, lambda folder, address=address: _download(address, entry.files, folder)  # type: ignore[misc]
    if entry.debian_package and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        package = entry.debian_package
        yield f"the Debian package {package}", lambda folder: _unpack_package(package, entry, folder)


def _download(address: str, files: tuple[str, ...], folder: Path) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    keeper = pooch.create(folder, address, registry=dict.fromkeys(files), retry_if_failed=1)
    downloader = pooch.HTTPDownloader(timeout=CONNECT_SECONDS, progressbar=sys.stderr.isatty())
    for file in files:
        try:
            keeper.fetch(file, downloader=downloader)
        except requests.RequestException as error:
            raise DataError(f"{file}: {type(error).__name__}") from error


def _unpack_package(package: str, entry: Entry, folder: Path) -> None:
    """`apt-get download` needs no root. Where the machine's package lists are empty, lists of our own are made."""
    own = [
        f"-oDir::State::Lists={folder / 'lists'}",
        f"-oDir::Cache={folder / 'cache'}",
        f"-oAPT::Sandbox::User={os.environ.get('USER', 'root')}",
    ]
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "cache" / "archives" / "partial").mkdir(parents=True)
    if _apt(["download", package], folder) != "":
        _demand(_apt([*own, "update"], folder))
        _demand(_apt([*own, "download", package], folder))
    archives = list(folder.glob(f"{package}_*.deb"))
    if not archives:
        raise DataError(f"apt-get brought no package {package}")
    subprocess.run(["dpkg-deb", "-x", archives[0], folder / "unpacked"], check=True, timeout=APT_SECONDS)
    inside = folder / "unpacked" / entry.system_folder.lstrip("/")
    for file in entry.files:
        (inside / file).replace(folder / file)
    for rest in (*archives, folder / "unpacked", folder / "lists", folder / "cache"):
        shutil.rmtree(rest) if rest.is_dir() else rest.unlink()


def _apt(arguments: list[str], folder: Path) -> str:
    """Run apt-get in a folder; what went wrong, or nothing."""
    command = ["apt-get", "-qq", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=APT_SECONDS, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"apt-get ended with status {done.returncode}")


def _demand(problem: str) -> None:
    if problem:
        raise DataError(problem)


@contextmanager
def _aside(downloads: Path, name: str) -> Iterator[Path]:
    """A folder beside the final one, gone afterwards unless it was renamed."""
    folder = downloads / f".{name}-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take_its_place(folder: Path, final: Path, where: str) -> Source:
    shutil.rmtree(final, ignore_errors=True)
    folder.rename(final)
    return Source(final, f"fetched from {where}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
