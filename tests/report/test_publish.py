"""The report in optuna-dashboard: what its API gives is what the report says, and a second report replaces the first."""

import json
import re
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from optuna.artifacts import FileSystemArtifactStore
from optuna_dashboard import wsgi

from tests.charts.test_charts import MARKS
from tuner.charts import Axis, Chart
from tuner.charts.plotly import PlotlyFigure
from tuner.data.load import Places
from tuner.report.index import write_index
from tuner.report.write import write_report
from tuner.storage import open_storage


def asked(url: str, folder: Path, path: str) -> Any:
    """What optuna-dashboard answers."""
    app = wsgi(open_storage(url), artifact_store=FileSystemArtifactStore(str(folder / "artifacts")))
    environment: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": "GET"}
    setup_testing_defaults(environment)
    told: list[str] = []
    body = b"".join(app(environment, lambda status, _headers, _info=None: told.append(status)))
    assert told[0].startswith("200"), told
    return json.loads(body) if path.startswith("/api") else body


@pytest.mark.slow
def test_note_plots_page_and_model_reach_the_dashboard(studied: tuple[str, Path], places: Places) -> None:
    url, folder = studied
    (folder / "artifacts").mkdir()
    for _ in range(3):  # the second removes what the first left there, the third meets what was removed
        write_report(url, "small", folder / "none", places, folder / "out", folder)
    found = asked(url, folder, "/api/studies/1")
    assert "of the test set right" in found["note"]["body"]
    assert {each["id"] for each in found["plotly_graph_objects"]} >= {"time", "front-parameters", "winner-confusion"}
    assert all(json.loads(each["graph_object"])["data"] for each in found["plotly_graph_objects"])
    assert sorted(each["filename"] for each in found["artifacts"]) == ["best.json", "best.keras", "report.html"]
    confirmed = json.loads((folder / "out" / "summary.json").read_text())["confirmed"]["trial"]
    (trial,) = [each for each in found["trials"] if each["number"] == confirmed]
    (model,) = [each for each in trial["artifacts"] if each["filename"] == "best.keras"]
    body = asked(url, folder, f"/artifacts/1/{trial['trial_id']}/{model['artifact_id']}")
    assert body == (folder / "small" / "best.keras").read_bytes()
    assert len(list((folder / "artifacts").iterdir())) == 3, "the first report's files are gone"


def test_every_mark_has_its_plotly_traces() -> None:
    figure = json.loads(PlotlyFigure(Chart("id", "t", Axis("x"), Axis("y", percent=True), tuple(MARKS))).to_json())
    assert len(figure["data"]) == 1 + 2 + 5 + 1
    assert len(figure["layout"]["shapes"]) == 2
    assert figure["layout"]["yaxis"]["tickformat"] == ".1%"


@pytest.mark.slow
def test_an_index_leads_to_every_report(studied: tuple[str, Path], places: Places, tmp_path: Path) -> None:
    url, folder = studied
    write_report(url, "small", folder / "none", places, tmp_path / "reports" / "small")
    write_index(tmp_path / "reports")
    assert 'href="small/report.html"' in (tmp_path / "reports" / "index.html").read_text()
    text = (tmp_path / "reports" / "README.md").read_text()
    assert "(small/report.md)" in text
    for linked in re.findall(r"\]\((figures/[^)]+)\)", text):
        assert (tmp_path / "reports" / linked).is_file()
    assert "figures/reports-chart.svg" in text
    write_index(tmp_path)
    assert "No report has been written yet" in (tmp_path / "README.md").read_text()
