"""Dashboard, report and list of trials on each storage, and how a study of many trials is read and stored there."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tests.support.fakes import Clock, Invented, session_in
from tests.support.searches import small
from tests.support.servers import MariaDB, PostgreSQL, mariadb, postgresql
from tuner.__main__ import run
from tuner.commands.dashboard import HOST, make_dashboard
from tuner.data.sources import Places
from tuner.search.loop import Loop
from tuner.storage import Patience, default_url, open_storage
from tuner.storage.private import add_trials
from tuner.storage.proxy import proxy

SERVERS: dict[str, Callable[[], AbstractContextManager[PostgreSQL | MariaDB]]] = {
    "postgresql": postgresql,
    "mariadb": mariadb,
}


@pytest.fixture(params=["sqlite", "journal", "proxy", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty storage."""
    with ExitStack() as stack:
        if request.param in SERVERS:
            yield stack.enter_context(SERVERS[request.param]()).url
        elif request.param == "proxy":
            yield stack.enter_context(proxy(default_url(tmp_path), "127.0.0.1", 0, Patience()))
        else:
            yield f"journal:{tmp_path}/study.journal" if request.param == "journal" else default_url(tmp_path)


@pytest.fixture
def asked(url: str, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """What the dashboard on this storage answers."""
    server = make_dashboard(url, tmp_path, 0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def get(path: str) -> Any:
        address = f"http://{HOST}:{server.server_port}/api/studies{path}"
        with urlopen(Request(address, headers={"Accept-Encoding": "gzip"}), timeout=20) as answer:
            content = answer.read()
            return json.loads(gzip.decompress(content) if answer.headers["Content-Encoding"] == "gzip" else content)

    yield get
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_report_dashboard_and_lists_answer_on_every_storage(
    url: str,
    asked: Callable[[str], Any],
    small_study: Path,
    places: Places,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = session_in(open_storage(url), small(small_study), places)
    Loop(session, Invented(Clock())).run(4, 600.0)
    where = ["--storage", url, "--runs", str(tmp_path)]
    assert run(["report", "--study", "small", "--out", str(tmp_path / "out"), *where]) == 0
    assert len((tmp_path / "out" / "trials.csv").read_text().splitlines()) == 5
    capsys.readouterr()
    assert run(["trials", "--study", "small", *where]) == 0
    assert sum(" complete " in line for line in capsys.readouterr().out.splitlines()) == 4
    (summary,) = asked("")["study_summaries"]
    for _ in range(2):  # the second time from what was kept
        study = asked(f"/{summary['study_id']}")
        assert [each["state"] for each in study["trials"]] == ["Complete"] * 4
        assert study["best_trials"][0] in study["trials"]
        assert {each["name"] for each in study["union_search_space"]} >= {"training.optimizer.kind"}
    assert asked(f"/{summary['study_id']}?after=3")["trials"] == study["trials"][3:]


def plain(trial: FrozenTrial) -> dict[str, str]:
    """What is stored of a trial, in an order of its own: NaN is not equal to itself."""
    parts = {name.strip("_"): value for name, value in vars(trial).items() if name != "_trial_id"}
    return {name: repr(sorted(each.items())) if isinstance(each, dict) else repr(each) for name, each in parts.items()}


@pytest.mark.slow
def test_many_trials_are_stored_and_read_as_optuna_does(url: str, asked: Callable[[str], Any]) -> None:
    study = optuna.create_study(study_name="many", storage=open_storage(url))
    places = {"rate": FloatDistribution(1e-4, 1.0, log=True), "kind": CategoricalDistribution(["a", None, 1.5])}
    trials = [
        create_trial(
            state=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)[number % 3],
            value=(0.5, None, None)[number % 3] if number else float("inf"),
            params={"rate": 0.1, "kind": ["a", None, 1.5][number % 3]},
            distributions=places,
            user_attrs={"network": "8 relu", "lease": {"owner": "x"}, "more": [1, {"ä": None}]},
            system_attrs={"recipe": {"long": "x" * 1000}},
            intermediate_values={1: float("nan"), 2: float("-inf"), 3: 0.25},
        )
        for number in range(500)
    ]
    for trial in trials:
        trial.datetime_start = trial.datetime_complete = datetime(2026, 1, 2, 3, 4, 5)
    for start in (0, 200):
        add_trials(study, trials[start : start + 200 + start // 2])
    read = optuna.load_study(study_name="many", storage=open_storage(url)).get_trials()
    assert [each.number for each in read] == [*range(500)]
    for ours, stored in zip(trials, read, strict=True):
        assert plain(stored) == {**plain(ours), "number": repr(stored.number)}
    if url.startswith(("sqlite", "postgresql")):
        assert list(map(plain, RDBStorage(url).get_all_trials(study._study_id))) == list(map(plain, read))
    (trial, *_) = asked(f"/{study._study_id}")["trials"]
    names = [each["name"] for each in trial["params"]]
    assert (sorted(names, reverse=True) if url.startswith("grpc") else names) == ["rate", "kind"]  # gRPC has no order
    assert {each["key"] for each in trial["user_attrs"]} == {"network", "more"}


def test_a_trial_that_is_none_is_refused(tmp_path: Path) -> None:
    study = optuna.create_study(storage=open_storage(default_url(tmp_path)))
    trial = create_trial(value=1.0)
    trial.values = None
    with pytest.raises(ValueError, match="should be set for a complete trial"):
        add_trials(study, [trial])
    assert not study.trials
