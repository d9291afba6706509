"""A bucket of the tests' own, behind a server of moto that can go and come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tuner.storage.artifacts import Bucket


class Server:
    """A server with the protocol of S3 on this machine; `url` is that of a new bucket there."""

    def __init__(self, moto: Any) -> None:
        self.moto = moto
        self.url = f"s3://tuner-{uuid4().hex[:12]}"

    def create_bucket(self) -> None:
        """Create the bucket."""
        import boto3

        boto3.client("s3").create_bucket(Bucket=self.url.removeprefix("s3://"))

    def stop(self) -> None:
        """Accept no more requests."""
        self.moto.stop()

    @property
    def keys(self) -> set[str]:
        """The keys in the bucket."""
        return set(Bucket(self.url).sizes(""))

    @property
    def checkpoints(self) -> set[str]:
        """The keys of checkpoints."""
        return {each for each in self.keys if "checkpoints/" in each}


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with an empty bucket, which boto3 finds by its variables. The test is skipped without moto."""
    moto = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
    }
    for name, value in {**variables, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    server = Server(moto)
    server.create_bucket()
    yield server
    moto.stop()
