"""Reports on studies in every state: pages valid and without requests, figures equal to the storage's."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import optuna
import pandas as pd
import pytest

from tests.support.searches import search, small
from tuner.__main__ import run as run_command
from tuner.charts import Cells, Dots
from tuner.charts.content import Page, Table
from tuner.data.sources import Places
from tuner.report.write import write_report
from tuner.result import Epoch, FoldResult, Result, Scores
from tuner.search.studies import open_study
from tuner.storage import default_url, load_study, open_storage, read_study
from tuner.storage.records import recipe_attributes, store_result
from tuner.study import load

FILES = {"report.html", "report.md", "summary.json", "trials.csv", "baselines.csv", "figures"}
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Checker(HTMLParser):
    """Complains where tags do not close in order; gathers ids, addresses and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what is open, and what it points to."""
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data", "action", "poster")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A drawing's `<path/>`."""

    def handle_endtag(self, tag: str) -> None:
        """The innermost open tag must be this one."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def checked(out: Path, page: Page) -> str:
    """The HTML of a report whose files are all there and valid."""
    assert {path.name for path in out.iterdir()} == FILES
    html = (out / "report.html").read_text()
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    assert len(set(checker.ids)) == len(checker.ids)
    assert all(each.startswith(("#", "data:")) for each in checker.addresses), "no request to anybody"
    assert "url(" not in html
    assert "@import" not in html
    for drawing in re.findall(r"<svg.*?</svg>", html, re.S):
        ElementTree.fromstring(drawing)
    text = (out / "report.md").read_text()
    linked = set(re.findall(r"\]\(figures/([^)]+)\)", text))
    assert linked == {path.name for path in (out / "figures").iterdir()}
    assert len(linked) >= len(list(page.charts()))
    for chart in page.charts():
        assert chart.id in checker.ids
    return html


@pytest.mark.slow
def test_figures_are_the_storages(studied: tuple[str, Path], places: Places) -> None:
    url, folder = studied
    page = write_report(url, "small", folder / "none", places, folder / "out")
    html = checked(folder / "out", page)
    record = read_study(open_storage(url), "small")
    values = {trial.number: trial.values[0] for trial in record.trials if trial.state == "complete"}

    charts = {chart.id: chart for chart in page.charts()}
    dots = next(mark for mark in charts["history"].marks if isinstance(mark, Dots) and mark.name == "finished")
    assert dict(dots.points) == values
    told = json.loads((folder / "out" / "summary.json").read_text())
    assert told["best"]["values"] == [max(values.values())]
    assert told["trials"]["complete"] == 3
    frame = pd.read_csv(folder / "out" / "trials.csv")
    assert dict(zip(frame["number"], frame["validation_accuracy"], strict=True)) == pytest.approx(values)
    confirmed = load_study(open_storage(url), "small").user_attrs["confirmed"]
    assert told["confirmed"]["tests"] == confirmed["tests"]
    assert f"{100 * confirmed['test_accuracy']:.2f}\xa0%" in html
    tables = {block.id: block for block in page.blocks() if isinstance(block, Table)}
    assert [row[-1] for row in tables["winner-seeds"].rows] == confirmed["tests"]
    (cells,) = charts["winner-confusion"].marks
    assert isinstance(cells, Cells)
    assert sum(int(text or 0) for row in cells.texts for text in row) == 250
    assert told["tables"].keys() == tables.keys()
    assert told["tables"]["winner-classes"]["rows"] == [list(row) for row in tables["winner-classes"].rows]
    assert told["charts"].keys() == charts.keys()
    (series,) = [each for each in told["charts"]["history"]["series"] if each.get("name") == "finished"]
    assert dict(series["points"]) == values
    assert told["charts"]["winner-confusion"]["series"][0]["texts"] == [list(row) for row in cells.texts]


@pytest.mark.slow
def test_a_second_report_replaces_the_first(studied: tuple[str, Path], places: Places) -> None:
    url, folder = studied
    out = folder / "out"
    (out / "figures").mkdir(parents=True)
    (out / "figures" / "old.svg").touch()
    (out / "mine.txt").touch()
    write_report(url, "small", folder / "none", places, out)
    assert not (out / "figures" / "old.svg").exists()
    assert (out / "mine.txt").exists(), "what is not the report's stays"
    assert not list(folder.glob(".out*"))


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
        made(study, small_study, state)
    page = write_report(url, "small", tmp_path / "none", places, tmp_path / "out")
    html = checked(tmp_path / "out", page)
    assert "no winner is confirmed yet" in html.lower()
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["trials"]["complete"] == states.count("complete")


def made(study: optuna.Study, path: Path, state: str) -> None:
    """One trial in a state, with a result that nobody trained."""
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


def test_a_study_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_storage(default_url(tmp_path))
    assert run_command(["report", "--study", "mars", "--runs", str(tmp_path)]) == 2
    assert "the storage has no study 'mars'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_the_page_without_complaint(studied: tuple[str, Path], places: Places, width: int) -> None:
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
    command += [f"--window-size={width},2000", f"--screenshot={picture}", (folder / "out" / "report.html").as_uri()]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stderr
    assert "CONSOLE" not in told, told
    assert picture.stat().st_size > 20_000


@pytest.mark.slow
def test_latencies_are_measured_once(studied: tuple[str, Path], places: Places) -> None:
    url, folder = studied
    page = write_report(url, "small", folder / "none", places, folder / "out", latency=True)
    (chart,) = [each for each in page.charts() if each.id == "front-latency"]
    measured = load_study(open_storage(url), "small").user_attrs["latencies"]
    assert all(0 < milliseconds < 1000 for milliseconds in measured.values())
    (dots,) = [mark for mark in chart.marks if isinstance(mark, Dots)]
    assert {x for x, _ in dots.points} == set(measured.values())
    write_report(url, "small", folder / "none", places, folder / "out", latency=True)
    assert load_study(open_storage(url), "small").user_attrs["latencies"] == measured
