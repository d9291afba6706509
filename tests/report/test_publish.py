"""The report in optuna-dashboard: its API returns what the report has, and a second report replaces the first."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults
from xml.etree import ElementTree

import pytest
from optuna.artifacts import FileSystemArtifactStore
from optuna_dashboard import wsgi
from optuna_dashboard._custom_plot_data import save_graph_object_json

from tuner.data.sources import Places
from tuner.report.evidence import gather
from tuner.report.index import write_index
from tuner.report.publish import publish
from tuner.report.write import write_report
from tuner.storage import default_url, load_study, open_storage
from tuner.storage.artifacts import ArtifactFolder


def response(url: str, folder: Path, path: str, method: str = "GET") -> Any:
    """The response of optuna-dashboard as others start it; JSON for its API."""
    app = wsgi(open_storage(url), artifact_store=FileSystemArtifactStore(str(folder / "artifacts")))
    environment: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method}
    setup_testing_defaults(environment)
    lines: list[tuple[str, dict[str, str]]] = []
    body = b"".join(app(environment, lambda status, headers, _info=None: lines.append((status, dict(headers)))))
    status, headers = lines[0]
    assert status.startswith("200" if method == "GET" else "204"), status
    assert headers.get("Content-Type") == "image/svg+xml" or not body.startswith(b"<svg")
    return json.loads(body) if path.startswith("/api") and body else body


@pytest.mark.slow
def test_note_charts_page_and_model_reach_the_dashboard(
    studied: tuple[str, Path], places: Places, tmp_path: Path
) -> None:
    url, folder = studied
    (folder / "artifacts").mkdir()
    save_graph_object_json(open_storage(url), 1, "dashboard:plot_data:time:", json.dumps({"data": ["x" * 5000]}))
    page = write_report(url, "small", folder / "none", places, folder / "out", folder)
    study = load_study(open_storage(url), "small")
    evidence = gather(study, url, folder / "none", places)
    for _ in range(2):  # the first removes the artifacts of the report above, the second reads the removed ones
        publish(study, evidence, (page,), folder / "out", ArtifactFolder(folder / "artifacts"))
    found = response(url, folder, "/api/studies/1")
    note = found["note"]["body"]
    assert "of the test part correctly" in note
    images = dict(re.findall(r"!\[([^]]+)\]\((/artifacts/1/[^)]+)\)", note))
    assert {"Best so far against time", "Accuracy against size", "Confusion on the test set"} <= images.keys()
    for address in images.values():
        assert ElementTree.fromstring(response(url, folder, address)).tag == "{http://www.w3.org/2000/svg}svg"
    names = [each["filename"] for each in found["artifacts"]]
    assert sorted(name for name in names if not name.endswith(".svg")) == [
        "best.json",
        "best.keras",
        "documents.html",
        "report.html",
    ]
    assert len(set(names)) == len(names) == 4 + len(images)
    (plot,) = found["plotly_graph_objects"]
    assert json.loads(plot["graph_object"])["data"] == [], "a Plotly figure of an earlier version is replaced"
    confirmed = json.loads((folder / "out" / "summary.json").read_text())["confirmed"]["trial"]
    (trial,) = [each for each in found["trials"] if each["number"] == confirmed]
    (model,) = [each for each in trial["artifacts"] if each["filename"] == "best.keras"]
    body = response(url, folder, f"/artifacts/1/{trial['trial_id']}/{model['artifact_id']}")
    assert body == (folder / "small" / "best.keras").read_bytes()
    files = list((folder / "artifacts").iterdir())
    assert len(files) == len(names) + 2, "the files of the first report are removed; the trial has its own model"
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    response(default_url(copy), copy, "/api/studies/1", "DELETE")
    assert not list((copy / "artifacts").iterdir())


@pytest.mark.slow
def test_an_index_links_every_report(studied: tuple[str, Path], places: Places, tmp_path: Path) -> None:
    url, folder = studied
    write_report(url, "small", folder / "none", places, tmp_path / "reports" / "small")
    write_index(tmp_path / "reports", folder / "none")
    assert 'href="small/report.html"' in (tmp_path / "reports" / "index.html").read_text()
    text = (tmp_path / "reports" / "README.md").read_text()
    assert "(small/report.md)" in text
    for linked in re.findall(r"\]\((figures/[^)]+)\)", text):
        assert (tmp_path / "reports" / linked).is_file()
    assert "figures/reports-chart.svg" in text
    write_index(tmp_path, folder / "none")
    assert "No report has been written yet" in (tmp_path / "README.md").read_text()
