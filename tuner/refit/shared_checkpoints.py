"""Checkpoints of a study in a bucket, from which machines without a common folder continue each other's trials."""

import time
from contextlib import suppress
from threading import Thread
from urllib.parse import quote

from optuna.artifacts.exceptions import ArtifactNotFound

from tuner.base.writing import atomic_path
from tuner.storage.artifacts import Bucket
from tuner.storage.leases import Leases
from tuner.storage.outages import Patience
from tuner.worker.folder import Folder

LAST_SECONDS = 2.0


class SharedCheckpoints:
    """Copies of the checkpoints in a study's folder, named by the study and the first trial of their training. One thread at a time
    copies one; whoever waits for it renews the leases."""

    def __init__(self, folder: Folder, bucket: Bucket, leases: Leases, patience: Patience) -> None:
        self.folder, self.bucket, self.leases, self.patience = folder, bucket, leases, patience
        self.prefix = f"checkpoints/{quote(leases.study.study_name, safe='')}/"
        self.uploaded: dict[int, int] = {}  # when the file was written
        self.thread = Thread()

    def upload(self, first: int) -> None:
        """Begin to upload a checkpoint if it has changed and none is being copied."""
        with suppress(FileNotFoundError):
            written = self.folder.checkpoint(str(first)).stat().st_mtime_ns
            if not self.thread.is_alive() and written != self.uploaded.get(first):
                self.uploaded[first] = written
                self.thread = Thread(target=self._upload, args=(first,), daemon=True)
                self.thread.start()

    def upload_now(self, first: int) -> None:
        """Upload the checkpoint of a training that stops, if it has changed."""
        self._wait()
        self.upload(first)
        self._wait()

    def fetch(self, first: int) -> None:
        """Replace the checkpoint in the folder by that in the bucket, if there is one."""
        self._wait()
        self.thread = Thread(target=self._fetch, args=(first,), daemon=True)
        self.thread.start()
        self._wait()

    def checkpoint_sizes(self) -> dict[int, int]:
        """The bytes of each checkpoint by its trial's number."""
        return {int(name): size for name, size in self.bucket.sizes(self.prefix).items() if name.isdigit()}

    def forget_checkpoint(self, first: int) -> None:
        """Remove a checkpoint."""
        self.bucket.remove(f"{self.prefix}{first}")

    def _wait(self) -> None:
        """Wait for the thread; once the search is to end, for a moment: what is not copied by then never is."""
        began = time.monotonic()
        while self.thread.is_alive() and (not self.patience.is_short or time.monotonic() - began < LAST_SECONDS):
            self.thread.join(min(self.leases.renew_seconds / 4, LAST_SECONDS))
            self.leases.renew()

    def _upload(self, first: int) -> None:
        with suppress(FileNotFoundError), self.folder.checkpoint(str(first)).open("rb") as file:
            self.bucket.write(f"{self.prefix}{first}", file)

    def _fetch(self, first: int) -> None:
        with suppress(ArtifactNotFound), atomic_path(self.folder.checkpoint(str(first))) as path:
            path.write_bytes(self.bucket.open_reader(f"{self.prefix}{first}").read())
