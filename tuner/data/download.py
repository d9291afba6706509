"""Fetching a data set from its public addresses or as a Debian package, without root."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tuner.base.errors import DataError
from tuner.base.writing import remove, temporary_folder
from tuner.data.catalogue import CATALOGUE, Entry
from tuner.data.sources import Places, Source

CONNECT_SECONDS = 10
APT_SECONDS = 180


def download(name: str, places: Places, log: Callable[[str], None]) -> Source:
    """Fetch a data set and compare it with the catalogue before it enters the cache. Raises `DataError` with all that was tried."""
    entry, final = CATALOGUE[name], places.downloads / name
    failures: list[str] = []
    for where, fetch in _ways(entry):
        log(f"fetching {name} from {where}")
        try:
            with temporary_folder(places.downloads) as folder:
                fetch(folder)
                Source(folder, f"from {where}").read(name)
                remove(final)
                folder.rename(final)
                return Source(final, f"fetched from {where}")
        except (DataError, OSError, subprocess.SubprocessError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            failures.append(f"  {where}: {reason}")
            log(f"fetching {name} from {where} did not work: {reason}")
    listing, files = "\n".join(failures), ", ".join(entry.files)
    raise DataError(
        f"the data set {name} is not on this machine and could not be fetched:\n{listing}\n"
        f"Put its files ({files}) into a folder {name}, and name the folder around it with --data-dir or TUNER_DATA."
    )


def _ways(entry: Entry) -> Iterator[tuple[str, Callable[[Path], None]]]:
    for address in entry.addresses:
        yield address, partial(_download, address, entry.files)
    if entry.debian_package and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        yield f"the Debian package {entry.debian_package}", partial(_unpack_package, entry)


def _download(address: str, files: tuple[str, ...], folder: Path) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    registry = pooch.create(folder, address, registry=dict.fromkeys(files), retry_if_failed=1)
    downloader = pooch.HTTPDownloader(timeout=CONNECT_SECONDS, progressbar=sys.stderr.isatty())
    for file in files:
        try:
            registry.fetch(file, downloader=downloader)
        except requests.RequestException as error:
            raise DataError(f"{file}: {type(error).__name__}") from error


def _unpack_package(entry: Entry, folder: Path) -> None:
    """Without root: `apt-get download`, with package lists of its own where the machine's are empty."""
    package = entry.debian_package
    own = [
        f"-oDir::State::Lists={folder / 'lists'}",
        f"-oDir::Cache={folder / 'cache'}",
        f"-oAPT::Sandbox::User={os.environ.get('USER', 'root')}",
    ]
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "cache" / "archives" / "partial").mkdir(parents=True)
    try:
        _apt(["download", package], folder)
    except DataError:
        _apt([*own, "update"], folder)
        _apt([*own, "download", package], folder)
    archives = list(folder.glob(f"{package}_*.deb"))
    if not archives:
        raise DataError(f"apt-get brought no package {package}")
    subprocess.run(["dpkg-deb", "-x", archives[0], folder / "unpacked"], check=True, timeout=APT_SECONDS)
    inside = folder / "unpacked" / entry.system_folder.lstrip("/")
    for file in entry.files:
        (inside / file).replace(folder / file)
    for rest in (*archives, folder / "unpacked", folder / "lists", folder / "cache"):
        remove(rest)


def _apt(arguments: list[str], folder: Path) -> None:
    """Run apt-get in a folder. Raises `DataError` with its complaint."""
    command = ["apt-get", "-qq", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=APT_SECONDS, check=False)
    if done.returncode != 0:
        raise DataError(done.stderr.strip() or f"apt-get ended with status {done.returncode}")
