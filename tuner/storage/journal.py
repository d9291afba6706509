"""Journal files as Optuna writes them, safe against processes that are killed and against lines that are no entries."""

import json
import os
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from tuner.base.errors import StorageError, first_line

ENTRY = {"op_code", "worker_id"}
"""Names that every entry of a journal has."""


class WholeLines(JournalFileBackend):
    """Optuna's journal file. Optuna would append to the incomplete line of a killed process, and could never read the file again.
    Its symbolic link as a lock leads nowhere if a path is relative or a folder was moved, and Optuna would wait for such a lock
    for ever. Raises `StorageError` for a line that is no entry."""

    def __init__(self, path: str) -> None:
        self.path = Path(path).resolve()
        lock = Path(f"{self.path}.lock")
        if lock.is_symlink() and not lock.exists():
            lock.unlink(missing_ok=True)
        self.lock = JournalFileOpenLock(str(self.path))
        super().__init__(str(self.path), self.lock)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append after the last complete line."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self.lock.acquire()
        try:
            with self.path.open("rb+") as file:
                _cut_half_line(file)
                self._check_unread(file)
                file.seek(0, os.SEEK_END)
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
        finally:
            with suppress(RuntimeError):  # it was taken from a process that had stood still
                self.lock.release()

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """The entries from this one on."""
        try:
            for log in super().read_logs(log_number_from):
                if not _is_entry(log):
                    raise ValueError("a value of another kind")
                yield log
        except ValueError as error:
            raise StorageError(_complaint(self.path, first_line(error))) from error
        with self.path.open("rb") as file:
            self._check_unread(file)

    def _check_unread(self, file: BinaryIO) -> None:
        """Refuse a last line that is no entry. Optuna leaves it unread, until another one follows that could never be read."""
        file.seek(next(reversed(self._log_number_offset.values())))
        if not all(map(_is_entry_line, file.read().split(b"\n")[:-1])):
            raise StorageError(_complaint(self.path, ""))


def _cut_half_line(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    if end and (file.seek(end - 1), file.read(1))[1] != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _is_entry_line(line: bytes) -> bool:
    try:
        return _is_entry(json.loads(line))
    except ValueError:
        return False


def _is_entry(log: object) -> bool:
    return isinstance(log, dict) and log.keys() >= ENTRY


def _complaint(path: Path, reason: str) -> str:
    """Which line of the file is no entry."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                found = "" if _is_entry(json.loads(line)) else "no entry of a journal"
            except ValueError as error:
                found = first_line(error).partition(": line 1 column")[0]
            if found:
                cure = "delete the line if no search wrote it, or else restore a copy of the file"
                return f"{path}, line {number}: {found}: {line[:40]!r}; {cure}"
    return f"{path} cannot be read: {reason}"
