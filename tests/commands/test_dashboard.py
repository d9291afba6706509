"""The dashboard, asked over real HTTP: studies, metric names, notes, curves as artifacts."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.support.searches import artifacts, context_of
from tuner.base.errors import StorageError
from tuner.commands.dashboard import HOST, make_dashboard
from tuner.data.sources import Places
from tuner.outcome import read_outcome
from tuner.outcome.words import write_note
from tuner.search.loop import Loop
from tuner.storage import default_url, open_storage
from tuner.study import load
from tuner.worker.executor import Setup
from tuner.worker.inprocess import InProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def address(small_study: Path, places: Places, tmp_path: Path) -> Iterator[str]:
    """A dashboard on a study with two trials."""
    storage, file = open_storage(default_url(tmp_path)), load(small_study, "small")
    context = context_of(storage, file, places, artifacts=artifacts(tmp_path / "artifacts"))
    Loop(context, InProcess(Setup(places))).run(2, 60)
    write_note(context.study, file, read_outcome(context.study))
    server = make_dashboard(default_url(tmp_path), tmp_path, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{HOST}:{server.server_port}"
    server.shutdown()
    server.server_close()


def get(url: str) -> Any:
    """The JSON behind an address."""
    with urlopen(url, timeout=20) as answer:
        return json.load(answer)


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


def test_it_listens_to_this_machine_only_and_names_a_taken_port(address: str, tmp_path: Path) -> None:
    assert HOST == "127.0.0.1"
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(
        StorageError, match=f"port {port} cannot be used: Address already in use; choose another with --port"
    ):
        make_dashboard(default_url(tmp_path), tmp_path, port)
