"""Where artifacts are stored: a folder or a bucket, and what happens where there is no such bucket or its server is gone."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.artifacts.exceptions import ArtifactNotFound

from tests.support.buckets import Server, s3_server
from tests.support.fakes import Clock
from tuner.base.errors import StorageError
from tuner.storage.artifacts import ArtifactFolder, Bucket, open_artifacts


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with an empty bucket."""
    with s3_server(monkeypatch) as server:
        yield server


def test_keys_in_a_bucket_begin_with_its_prefix(server: Server, tmp_path: Path) -> None:
    bucket = open_artifacts(tmp_path, f"{server.url}/team/a/")
    assert isinstance(bucket, Bucket)
    bucket.write("one", io.BytesIO(b"first"))
    bucket.write("more/two", io.BytesIO(b"second"))
    assert server.keys == {"team/a/one", "team/a/more/two"}
    assert bucket.open_reader("one").read() == b"first"
    assert bucket.sizes("more/") == {"two": 6}
    with pytest.raises(ArtifactNotFound):
        bucket.open_reader("none")
    bucket.remove("none")
    bucket.remove("one")
    assert server.keys == {"team/a/more/two"}


def test_a_bucket_that_cannot_be_used_is_one_message(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageError) as error:
        open_artifacts(tmp_path, "s3://no-such-bucket/x")
    assert str(error.value) == (
        "the object store s3://no-such-bucket/x cannot be used: An error occurred (NoSuchBucket) when calling the ListObjectsV2 "
        "operation: The specified bucket does not exist; check the name, AWS_ENDPOINT_URL and the credentials"
    )
    server.stop()
    with pytest.raises(
        StorageError, match=r"cannot be used: Could not connect to the endpoint URL: .*; check the name"
    ):
        open_artifacts(tmp_path, server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "no-url")
    with pytest.raises(StorageError, match="cannot be used: Invalid endpoint: no-url; check the name"):
        open_artifacts(tmp_path, server.url)


def test_a_bucket_without_its_package_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(StorageError, match=r"^--artifacts s3://models needs boto3: pip install 'tunewright\[s3\]'$"):
        open_artifacts(tmp_path, "s3://models")


def test_a_search_is_told_of_an_outage_once_a_minute(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, said = Clock(), list[str]()
    monkeypatch.setattr("tuner.storage.artifacts.time", clock)
    bucket = Bucket(server.url, said.append)
    server.stop()
    for _ in range(2):
        bucket.write("one", io.BytesIO(b"first"))
        bucket.remove("one")
        assert bucket.sizes("") == {}
        with pytest.raises(ArtifactNotFound, match="one is not in s3://"):
            bucket.open_reader("one")
    assert len(said) == 1
    assert said[0].startswith(f"the object store {server.url} cannot be used: Could not connect to the endpoint URL")
    assert said[0].endswith("; the search goes on without it")
    clock.sleep(61.0)
    bucket.remove("one")
    assert len(said) == 2


def test_a_folder_of_artifacts_is_that_of_the_option_or_of_the_variable_or_in_that_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNER_ARTIFACTS", raising=False)
    assert open_artifacts(tmp_path) is None
    (tmp_path / "artifacts").mkdir()
    store = open_artifacts(tmp_path)
    assert isinstance(store, ArtifactFolder)
    store.write("one", io.BytesIO(b"first"))
    assert (tmp_path / "artifacts" / "one").read_bytes() == b"first"
    store.remove("one")
    store.remove("one")
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("TUNER_ARTIFACTS", str(tmp_path / "here"))
    assert open_artifacts(tmp_path)._base_path == tmp_path / "here"  # type: ignore[union-attr]
    with pytest.raises(StorageError) as error:
        open_artifacts(tmp_path, "gs://models")
    assert str(error.value) == (
        "--artifacts gs://models: there is no such folder; create it, or name s3://BUCKET[/PREFIX]"
    )
