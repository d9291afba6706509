"""The dashboard, asked over real HTTP: studies, metric names, notes, curves as artifacts."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import optuna
import pytest
from optuna.artifacts import upload_artifact
from optuna.storages import BaseStorage

from tests.support.searches import artifacts, context_of
from tuner.base.errors import StorageError
from tuner.commands.dashboard import HOST, make_dashboard
from tuner.data.sources import Places
from tuner.outcome import read_outcome
from tuner.outcome.words import write_note
from tuner.search.loop import Loop
from tuner.storage import default_url, open_storage
from tuner.storage.private import ARTIFACTS, store_system_attribute, system_attributes, trial_id
from tuner.study import load
from tuner.worker.executor import Setup
from tuner.worker.inprocess import InProcess


@pytest.fixture
def address(small_study: Path, places: Places, tmp_path: Path) -> Iterator[str]:
    """A dashboard on a study with two trials."""
    storage, file = open_storage(default_url(tmp_path)), load(small_study, "small")
    context = context_of(storage, file, places, artifacts=artifacts(tmp_path / "artifacts"))
    Loop(context, InProcess(Setup(places))).run(2, 60)
    write_note(context.study, file, read_outcome(context.study))
    with serving(tmp_path) as address:
        yield address


@contextmanager
def serving(runs: Path) -> Iterator[str]:
    """The address of a dashboard on the storage in this folder."""
    server = make_dashboard(default_url(runs), runs, 0, ["*.example.org"])
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://{HOST}:{server.server_port}"
    server.shutdown()
    server.server_close()


def get(url: str) -> Any:
    """The JSON behind an address."""
    with urlopen(url, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_the_dashboard_serves_the_stored_search(address: str) -> None:
    with urlopen(f"{address}/dashboard/", timeout=20) as page:
        assert b"Optuna Dashboard" in page.read()
    (summary,) = get(f"{address}/api/studies")["study_summaries"]
    assert summary["study_name"] == "small"
    study = get(f"{address}/api/studies/{summary['study_id']}")
    assert study["objective_names"] == ["validation_accuracy"]
    assert "2 complete" in study["note"]["body"]
    assert [trial["state"] for trial in study["trials"]] == ["Complete", "Complete"]
    trial = study["trials"][0]
    shown = {attr["key"]: attr["value"] for attr in trial["user_attrs"]}
    assert {"network", "ended", "parameters"} <= shown.keys()
    assert max(map(len, shown.values())) < 120, "a longer one makes the page wider than a screen"
    assert [value["step"] for value in trial["intermediate_values"]] == [1, 2]
    files = {each["filename"]: each["artifact_id"] for each in trial["artifacts"]}
    assert files.keys() == {"accuracy-by-epoch.svg", "loss-by-epoch.svg", "recipe.json"}
    folder = f"{address}/artifacts/{summary['study_id']}/{trial['trial_id']}"
    with urlopen(f"{folder}/{files['loss-by-epoch.svg']}") as picture:
        assert picture.read().startswith(b"<svg")
    assert get(f"{folder}/{files['recipe.json']}").keys() == {"recipe", "environment"}


@pytest.mark.slow
def test_it_listens_to_this_machine_only_and_names_a_taken_port(address: str, tmp_path: Path) -> None:
    assert HOST == "127.0.0.1"
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(
        StorageError, match=f"port {port} cannot be used: Address already in use; choose another with --port"
    ):
        make_dashboard(default_url(tmp_path), tmp_path, port)


def test_a_study_whose_artifact_is_gone_or_registered_twice_can_be_deleted(
    storage: BaseStorage, tmp_path: Path
) -> None:
    study, store = optuna.create_study(storage=storage), artifacts(tmp_path / "artifacts")
    study.add_trial(optuna.create_trial(value=1.0))
    (file := tmp_path / "best.json").write_text("{}")
    once, twice, gone = (
        upload_artifact(artifact_store=store, file_path=str(file), study_or_trial=study) for _ in range(3)
    )
    meta = system_attributes(study)[f"{ARTIFACTS}{twice}"]
    store_system_attribute(study, f"dashboard:{ARTIFACTS}{trial_id(study.trials[0])}:{twice}", meta)
    (tmp_path / "artifacts" / gone).unlink()
    with serving(tmp_path) as address:
        request = Request(f"{address}/api/studies/{study._study_id}", method="DELETE", headers={"Origin": address})
        with urlopen(request, timeout=20) as answer:
            assert answer.status == 204
    assert not list((tmp_path / "artifacts").iterdir()), (once, twice)
    assert not optuna.get_all_study_names(storage)


def test_pages_and_names_of_other_hosts_are_refused(storage: BaseStorage, tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        for header, value in (("Host", "evil.example"), ("Origin", "http://evil.example"), ("Origin", "null")):
            with pytest.raises(HTTPError) as refused:
                urlopen(Request(f"{address}/api/studies", headers={header: value}), timeout=20)
            assert refused.value.code == 400
            assert b"--allowed-host NAME allows a name" in refused.value.read()
        with urlopen(Request(f"{address}/api/studies", headers={"Host": "my.example.org"}), timeout=20) as answer:
            assert answer.status == 200
