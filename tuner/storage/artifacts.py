"""Where artifacts are stored: Optuna's store of a folder, or of a bucket in S3 or what is compatible with it."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import optuna
from optuna.artifacts import Boto3ArtifactStore, FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.storages import BaseStorage

from tuner.base.errors import StorageError
from tuner.storage import private

T = TypeVar("T")


class Bucket:
    """Optuna's artifact store of a bucket, `s3://BUCKET[/PREFIX]`, whose keys begin with the prefix. Raises `StorageError` where the
    bucket cannot be used. With a `log` a call that fails later writes one line there instead, and does nothing."""

    def __init__(self, url: str, log: Callable[[str], None] | None = None) -> None:
        try:
            import boto3
        except ImportError as error:
            raise StorageError(f"--artifacts {url} needs boto3: pip install 'tunewright[s3]'") from error
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        name, _, prefix = url.removeprefix("s3://").rstrip("/").partition("/")
        self.url, self.prefix, self.log, self.away_until = url, f"{prefix}/" if prefix else "", None, 0.0
        self.failures = (BotoCoreError, ClientError, ValueError)  # the last for an endpoint that is no URL
        config = Config(connect_timeout=3.0, read_timeout=10.0, retries={"total_max_attempts": 2})
        self.client: Any = self._tried(lambda: boto3.client("s3", config=config), None)
        self.store = Boto3ArtifactStore(name, self.client, avoid_buf_copy=True)
        self._tried(lambda: self.client.list_objects_v2(Bucket=name, MaxKeys=1), None)  # is it there, and may we?
        self.log = log

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The content of an artifact. Raises `ArtifactNotFound`."""
        content = self._tried(lambda: self.store.open_reader(self.prefix + artifact_id).read(), None)
        if content is None:
            raise ArtifactNotFound(f"{artifact_id} is not in {self.url}")
        return BytesIO(content)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store an artifact, and close its content."""
        self._tried(lambda: self.store.write(self.prefix + artifact_id, content_body), None)

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact, if it exists."""
        self._tried(lambda: self.store.remove(self.prefix + artifact_id), None)

    def sizes(self, beginning: str) -> dict[str, int]:
        """The bytes of the artifacts whose identifiers begin so, by the rest of it."""
        start = self.prefix + beginning
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.store.bucket, Prefix=start)
        found: list[Any] = self._tried(lambda: [each for each in pages.search("Contents[]") if each], [])
        return {each["Key"].removeprefix(start): each["Size"] for each in found}

    def _tried(self, call: Callable[[], T], otherwise: T) -> T:
        """The answer of the call, or `otherwise`: where there is no such artifact, and in an outage that is logged."""
        if time.monotonic() < self.away_until:
            return otherwise
        try:
            return call()
        except ArtifactNotFound:
            return otherwise
        except self.failures as error:
            problem = f"the object store {self.url} cannot be used: {' '.join(str(error).split())}"
            if self.log is None:
                raise StorageError(f"{problem}; check the name, AWS_ENDPOINT_URL and the credentials") from error
            self.away_until = time.monotonic() + 60.0  # each further try may wait for a server that is silent
            self.log(f"{problem}; the search goes on without it")
            return otherwise


class ArtifactFolder(FileSystemArtifactStore):
    """Optuna's artifact store of a folder."""

    def remove(self, artifact_id: str) -> None:
        """Remove an artifact, if it exists: a study of which one is gone can be deleted."""
        with suppress(ArtifactNotFound):
            super().remove(artifact_id)

    def sizes(self, beginning: str) -> dict[str, int]:
        """The bytes of the artifacts whose identifiers begin so, by the rest of it."""
        found = (each for each in Path(self._base_path).glob(f"{beginning}*") if each.is_file())
        return {each.name.removeprefix(beginning): each.stat().st_size for each in found}


Artifacts = ArtifactFolder | Bucket


def delete_with_artifacts(study: optuna.Study, storage: BaseStorage, store: Artifacts | None) -> None:
    """Remove a study from its storage, then its artifacts from this store."""
    attached = private.all_artifacts(study)
    optuna.delete_study(study_name=study.study_name, storage=storage)
    if store:
        for id_ in attached:
            store.remove(id_)


def open_artifacts(runs: Path, where: str = "", log: Callable[[str], None] | None = None) -> Artifacts | None:
    """The artifact store at `where`, a folder or a bucket (see `Bucket`); by default that of TUNER_ARTIFACTS, or else the folder
    `artifacts` in that of `runs`, and None if there is none. Raises `StorageError` where it cannot be used."""
    where = where or os.environ.get("TUNER_ARTIFACTS", "")
    if where.startswith("s3://"):
        return Bucket(where, log)
    folder = Path(where) if where else runs / "artifacts"
    if where and not folder.is_dir():
        raise StorageError(f"--artifacts {where}: there is no such folder; create it, or name s3://BUCKET[/PREFIX]")
    return ArtifactFolder(folder) if folder.is_dir() else None
