"""Reports on studies in every state: pages are valid and load nothing, figures are those of the storage."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import optuna
import pandas as pd
import pytest

from tests.support.pages import checked
from tests.support.searches import search, small
from tuner.__main__ import run as run_command
from tuner.charts import Cells, Dots
from tuner.charts.content import Table
from tuner.data.sources import Places
from tuner.report.measuring import measure_latencies
from tuner.report.write import write_report
from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.search.studies import open_study
from tuner.storage import default_url, load_study, open_storage, read_study
from tuner.storage.records import recipe_attributes, store_result
from tuner.study import load


@pytest.mark.slow
def test_figures_are_those_of_the_storage(studied: tuple[str, Path], places: Places) -> None:
    url, folder = studied
    page = write_report(url, "small", folder / "none", places, folder / "out")
    html = checked(folder / "out", page)
    record = read_study(open_storage(url), "small")
    values = {trial.number: trial.values[0] for trial in record.trials if trial.state == "complete"}

    charts = {chart.id: chart for chart in page.charts()}
    dots = next(mark for mark in charts["history"].marks if isinstance(mark, Dots) and mark.name == "finished")
    assert dict(dots.points) == values
    summary = json.loads((folder / "out" / "summary.json").read_text())
    assert summary["best"]["values"] == [max(values.values())]
    assert summary["trials"]["complete"] == 3
    frame = pd.read_csv(folder / "out" / "trials.csv")
    assert dict(zip(frame["number"], frame["validation_accuracy"], strict=True)) == pytest.approx(values)
    confirmed = load_study(open_storage(url), "small").user_attrs["confirmed"]
    assert summary["confirmed"]["tests"] == confirmed["tests"]
    assert f"{100 * confirmed['test_accuracy']:.2f}\xa0%" in html
    tables = {block.id: block for block in page.blocks() if isinstance(block, Table)}
    assert [row[-1] for row in tables["winner-seeds"].rows] == confirmed["tests"]
    (cells,) = charts["winner-confusion"].marks
    assert isinstance(cells, Cells)
    assert sum(int(text or 0) for row in cells.texts for text in row) == 250
    assert summary["tables"].keys() == tables.keys()
    assert summary["tables"]["winner-classes"]["rows"] == [list(row) for row in tables["winner-classes"].rows]
    assert summary["charts"].keys() == charts.keys()
    (series,) = [each for each in summary["charts"]["history"]["series"] if each.get("name") == "finished"]
    assert dict(series["points"]) == values
    assert summary["charts"]["winner-confusion"]["series"][0]["texts"] == [list(row) for row in cells.texts]


def test_a_second_report_replaces_the_first(small_study: Path, places: Places, tmp_path: Path) -> None:
    url, folder, out = default_url(tmp_path), tmp_path, tmp_path / "out"
    open_study(open_storage(url), small(small_study))
    (out / "figures").mkdir(parents=True)
    (out / "figures" / "old.svg").touch()
    (out / "mine.txt").touch()
    write_report(url, "small", folder / "none", places, out)
    assert not (out / "figures" / "old.svg").exists()
    assert (out / "mine.txt").exists(), "other files stay"
    assert not list(folder.glob(".out*"))


def test_documents_have_a_page_of_their_own(small_study: Path, places: Places, tmp_path: Path) -> None:
    """They were two thirds of the page."""
    url, results, out = default_url(tmp_path), Path(__file__).parents[2] / "reports" / "documents", tmp_path / "out"
    study, *_ = open_study(open_storage(url), small(small_study))
    study.set_user_attr("data", {"usps": "abc"})
    page = write_report(url, "small", results, places, out)
    html = checked(out, page)
    assert not [each.id for each in page.sections if each.id.startswith(("document-", "baselines"))]
    assert 'href="documents.html"' in html
    assert "(documents.md)" in (out / "report.md").read_text()
    own = (out / "documents.html").read_text()
    assert 'href="report.html"' in own
    assert 'id="document-usps-three-networks-own"' in own
    summary = json.loads((out / "summary.json").read_text())
    assert "document-usps-three-networks-own" in summary["tables"]
    assert "baselines-chart" in summary["charts"]
    study.set_user_attr("data", {"digits": "abc"})
    checked(out, write_report(url, "small", results, places, out))
    assert not (out / "documents.html").exists()


def test_an_empty_study_and_one_without_the_tuner(small_study: Path, places: Places, tmp_path: Path) -> None:
    url = default_url(tmp_path)
    storage = open_storage(url)
    open_study(storage, small(small_study))
    page = write_report(url, "small", tmp_path / "none", places, tmp_path / "out")
    assert "has not finished a trial" in checked(tmp_path / "out", page)

    foreign = optuna.create_study(study_name="<b>foreign</b>", storage=storage)
    foreign.optimize(lambda trial: trial.suggest_float("<i>x</i>", 0, 1), n_trials=12)
    page = write_report(url, "<b>foreign</b>", tmp_path / "none", places, tmp_path / "foreign")
    html = checked(tmp_path / "foreign", page)
    assert "<b>" not in html
    assert "<i>" not in html
    text = (tmp_path / "foreign" / "report.md").read_text()
    assert "<b>" not in re.sub(r"```.*?```", "", text, flags=re.S)


@pytest.mark.parametrize(
    "states", [["failed"], ["running"], ["pruned"], ["complete"], ["complete", "pruned", "failed", "running"]]
)
def test_studies_in_every_state(states: list[str], small_study: Path, places: Places, tmp_path: Path) -> None:
    url = default_url(tmp_path)
    storage = open_storage(url)
    study, *_ = open_study(storage, small(small_study))
    for state in states:
        add_trial(study, small_study, state)
    page = write_report(url, "small", tmp_path / "none", places, tmp_path / "out")
    html = checked(tmp_path / "out", page)
    assert "no winner is confirmed yet" in html.lower()
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["trials"]["complete"] == states.count("complete")


def add_trial(study: optuna.Study, path: Path, state: str) -> None:
    """Add a trial in a state, with a result without training."""
    file = load(path, "small", [])
    trial = study.ask()
    for name, value in recipe_attributes(file.corners[0][1], {"python": "3.11", "host": "secret"}).items():
        trial.set_user_attr(name, value)
    epoch = Epoch(
        fold=0,
        number=1,
        training=Scores(loss=1.0, figures={"accuracy": 0.5}),
        validation=Scores(loss=1.0, figures={"accuracy": 0.5}),
        learning_rate=0.1,
        seconds=0.1,
    )
    result = Result(
        folds=(FoldResult(epochs=(epoch,), kept=1),), ended="finished", reason="", parameters=10, seconds=0.1
    )
    if state != "running":
        store_result(trial, result)
    match state:
        case "complete":
            study.tell(trial, 0.5)
        case "failed":
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        case "pruned":
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)


@pytest.mark.slow
def test_several_objectives(small_study: Path, places: Places, tmp_path: Path) -> None:
    url = default_url(tmp_path)
    storage = open_storage(url)
    settings = ['objective=["validation_accuracy", "parameters"]', "search.sampler=nsga2"]
    search(storage, small(small_study, *settings), places, trials=3)
    page = write_report(url, "small", tmp_path / "none", places, tmp_path / "out")
    html = checked(tmp_path / "out", page)
    assert "Accuracy against size" in html
    frame = pd.read_csv(tmp_path / "out" / "trials.csv")
    assert list(frame.columns).count("parameters") == 1


@pytest.mark.slow
def test_a_report_loads_no_tensorflow(studied: tuple[str, Path], places: Places) -> None:
    import os
    import sys

    url, folder = studied
    code = "import sys; from tuner.__main__ import run; run(sys.argv[1:]); sys.exit('tensorflow' in sys.modules)"
    call = ["report", "--study", "small", "--storage", url, "--out", str(folder / "out")]
    environment = {**os.environ, "TUNER_CACHE": str(places.cache)}
    assert subprocess.run([sys.executable, "-c", code, *call], env=environment, check=False).returncode == 0


def test_an_unknown_study_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_storage(default_url(tmp_path))
    assert run_command(["report", "--study", "mars", "--runs", str(tmp_path)]) == 2
    assert "the storage has no study 'mars'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_browser_shows_the_page_without_errors(studied: tuple[str, Path], places: Places) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    url, folder = studied
    write_report(url, "small", folder / "none", places, folder / "out")
    picture = folder / "page.png"
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'browser'}",
    ]
    address = (folder / "out" / "report.html").as_uri()
    for width in (1280, 390):
        shown = [*command, f"--screenshot={picture}", f"--window-size={width},2000", address]
        log = subprocess.run(shown, capture_output=True, text=True, timeout=120, check=True).stderr
        assert "CONSOLE" not in log, log
        assert picture.stat().st_size > 20_000
        picture.unlink()


@pytest.mark.slow
def test_latencies_are_measured_once(studied: tuple[str, Path], places: Places) -> None:
    url, folder = studied
    measure_latencies(load_study(open_storage(url), "small"), places, "in_process")
    page = write_report(url, "small", folder / "none", places, folder / "out")
    (chart,) = [each for each in page.charts() if each.id == "front-latency"]
    measured = load_study(open_storage(url), "small").user_attrs["latencies"]
    assert all(0 < milliseconds < 1000 for milliseconds in measured.values())
    (dots,) = [mark for mark in chart.marks if isinstance(mark, Dots)]
    assert {x for x, _ in dots.points} == set(measured.values())
    write_report(url, "small", folder / "none", places, folder / "out", latency=True)
    assert load_study(open_storage(url), "small").user_attrs["latencies"] == measured
