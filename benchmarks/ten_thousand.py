"""Whether a study of 10,000 trials stays usable: the seconds of each command on it, and what the dashboard sends.

    python benchmarks/ten_thousand.py [--trials 10000] [--storages sqlite journal postgresql] [--out benchmarks/results/ten-thousand.json]

The trials are invented: random recipes of the space of `fashion` with fixed epochs, every second one paused after its first epoch with
a note, all with curves and three artifacts, and with refits half done (`confirming`). They are imported into each storage; PostgreSQL is
started here. The trials of `optimize` are invented, too. One call each. The memory of a command is right for the first storage only: it
is at least that of this process.
"""

import argparse
import gzip
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import optuna
from common import about_this_machine, write_results
from invented import Invented
from optuna.trial import FrozenTrial, TrialState
from report import EPOCHS, curve
from sampling import bare_session

from tests.support.servers import postgresql
from tuner.__main__ import run
from tuner.base.errors import Invalid
from tuner.base.machine import environment
from tuner.charts.svg import draw
from tuner.commands.dashboard import HOST, make_dashboard
from tuner.data.sources import Places
from tuner.networks import layer_table
from tuner.recipe import describe
from tuner.refit.final_model import Refit
from tuner.search.curves import learning_charts
from tuner.search.loop import Loop
from tuner.search.studies import open_study
from tuner.storage import default_url, open_storage, private
from tuner.storage.artifacts import ArtifactFolder
from tuner.storage.notes import write_notes
from tuner.storage.records import recipe_attributes, store_pause, store_result
from tuner.storage.trainings import LONG, trainings_of
from tuner.storage.transfer import study_records
from tuner.study import StudyFile, load
from tuner.study.places import find_study
from tuner.worker import EXECUTORS
from tuner.worker.executor import Setup

SETTINGS = (
    ("budget.epochs", "fixed"),
    ("budget.trials", 0),
    ("recipe.training.epochs", EPOCHS),
    ("confirmation.seeds", 1),
    ("confirmation.anchors", False),
)
REFITS = 200
PROBES = 5
"""Trials of the loop, of which the first one reads the study and is left out."""


def invented_trials(file: StudyFile, folder: Path, count: int) -> Iterator[FrozenTrial]:
    """Trials as a search leaves them, with their artifacts in this folder."""
    memory = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
    files = [draw(each, standalone=True) for each in learning_charts(curve(0.9))]
    surroundings, chance, number = environment(1), Random(0), 0
    while number < count:
        trial = memory.ask()
        try:
            recipe = file.fill(trial)
            data = describe(recipe.data)
            layer_table(recipe.network, data.inputs, data.outputs)
        except Invalid:  # cannot be built
            memory.tell(trial, state=TrialState.FAIL)
            continue
        about = recipe_attributes(recipe, surroundings)
        for name, value in about.items():
            (private.store_mark if name in LONG else optuna.Trial.set_user_attr)(trial, name, value)
        trial.set_user_attr("lease", {"owner": "0123456789ab", "host": "machine", "renewed": 1.7e9})
        for name, text in zip(
            ("accuracy-by-epoch.svg", "loss-by-epoch.svg", "recipe.json"),
            (*files, json.dumps(about["recipe"])),
            strict=True,
        ):
            id_ = str(uuid4())
            meta = {"artifact_id": id_, "filename": name, "mimetype": "image/svg+xml", "encoding": None}
            (folder / id_).write_text(text, encoding="utf-8")
            private.store_mark(trial, f"{private.ARTIFACTS}{id_}", json.dumps(meta))
        is_paused = number % 2 == 1
        result = curve(chance.uniform(0.80, 0.85) + 0.07 * (not is_paused), 1 if is_paused else EPOCHS)
        for epoch in result.folds[0].epochs:
            trial.report(epoch.training.figures["accuracy"] * epoch.number / EPOCHS, epoch.number)
        if is_paused:
            store_pause(trial, result, 1)
        else:
            store_result(trial, result)
        memory.tell(
            trial, None if is_paused else trial_value(result), TrialState.PRUNED if is_paused else TrialState.COMPLETE
        )
        yield private.frozen(trial)
        number += 1


def trial_value(result: Any) -> float:
    """The objective's value."""
    return float(result.validation.figures["accuracy"])


def write_study(out: Path, file: StudyFile, runs: Path, count: int) -> None:
    """A study of invented trials, their notes, and refits half done, as `storage export` writes it."""
    (runs / "artifacts").mkdir(parents=True, exist_ok=True)
    study, *_ = open_study(optuna.storages.InMemoryStorage(), file)
    study.set_user_attr("starts", [])
    study.add_trials(invented_trials(file, runs / "artifacts", count))
    trainings = trainings_of(study.get_trials(deepcopy=False))
    write_notes(study, trainings)
    recipes = [file.fill(training.last) for training in trainings[:REFITS]]
    study.set_user_attr("confirming", {each.key: Refit(0, each, curve(0.9)).to_dict() for each in recipes})
    with out.open("w", encoding="utf-8") as lines:
        lines.writelines(f"{json.dumps(each)}\n" for each in study_records(study, ArtifactFolder(runs / "artifacts")))


def timed(arguments: list[str]) -> dict[str, Any]:
    """The seconds of a command of ours, and the most memory that it had."""
    began = time.perf_counter()
    child = os.posix_spawn(sys.executable, [sys.executable, __file__, "--call", *arguments], os.environ)
    _, status, used = os.wait4(child, 0)
    seconds = {"seconds": round(time.perf_counter() - began, 1), "CPU seconds": round(used.ru_utime + used.ru_stime, 1)}
    print(arguments[:2], seconds, flush=True)
    if status:
        raise SystemExit(f"{arguments} failed")
    return {**seconds, "MiB": used.ru_maxrss // 1024}


def commands(url: str, runs: Path) -> dict[str, Any]:
    """The figures of each command on the study."""
    where = ["--storage", url, "--runs", str(runs)]
    settings = [part for name, value in SETTINGS for part in ("--set", f"{name}={json.dumps(value)}")]
    optimize = ["optimize", "--study", "fashion", "--executor", "invented", "--workers", "1", *settings, *where]
    with tempfile.TemporaryDirectory() as out:
        found: dict[str, Any] = {
            "studies": timed(["studies", *where]),
            "trials": timed(["trials", "--study", "fashion", *where]),
            "report": timed(["report", "--study", "fashion", "--out", f"{out}/report", *where]),
            "storage check": timed(["storage", "check", *where]),
        }
        found["report"]["MB"] = {path.name: size(path) for path in Path(out, "report").glob("*.*") if size(path) >= 0.1}
    began = time.time()
    found["optimize, one more trial"] = timed([*optimize, "--more", "1"])
    return found | {"optimize, until its trial began": {"seconds": round(first_trial(url) - began, 1)}}


def size(path: Path) -> float:
    """Megabytes."""
    return round(path.stat().st_size / 1e6, 2)


def first_trial(url: str) -> float:
    """When the study's last trial began, in seconds since 1970."""
    study = optuna.load_study(study_name="fashion", storage=open_storage(url))
    begun = study.get_trials(deepcopy=False)[-1].datetime_start
    assert begun is not None
    return begun.timestamp()


class Timed(Loop):
    """Notes the processor milliseconds of the end of each trial, in all and without storing its own result and curves."""

    ends: list[tuple[float, float]]

    def _end(self, number: int, answer: Any) -> None:
        running, before, own = self.running[number], time.process_time(), 0.0
        store = running.end

        def end(*arguments: Any) -> None:
            nonlocal own
            began = time.process_time()
            store(*arguments)
            own = time.process_time() - began

        running.end = end  # type: ignore[method-assign, assignment]
        super()._end(number, answer)
        spent = time.process_time() - before
        self.ends.append((round(1000 * spent, 1), round(1000 * (spent - own), 1)))


def loop_end(url: str, file: StudyFile, runs: Path) -> dict[str, Any]:
    """The processor milliseconds at the end of a trial, and the seconds of a whole one."""
    study, file, _ = open_study(open_storage(url), file)
    session = bare_session(study, file, ArtifactFolder(runs / "artifacts"), runs / "fashion")
    session.folder.prepare()
    loop = Timed(session, Invented(Setup(Places.from_environment(), 1, 1, session.folder)))
    loop.ends = []
    loop.run(sum(each.counts for each in session.trainings()) + PROBES, 600.0)
    print("end of a trial (CPU ms):", loop.ends, flush=True)
    each, rest = zip(*loop.ends[1:], strict=True)
    return {"end of a trial (CPU ms, median)": {"all": median(each), "without storing its result": median(rest)}}


def asked(url: str, runs: Path) -> dict[str, Any]:
    """The bytes and seconds of what the dashboard's page asks: the list of studies, the study, the same again when nothing is new."""
    server = make_dashboard(url, runs, 0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    root, found = f"http://{HOST}:{server.server_port}/api/studies", {}

    def get(name: str, path: str) -> Any:
        began, spent = time.perf_counter(), time.process_time()
        with urlopen(Request(f"{root}{path}", headers={"Accept-Encoding": "gzip"}), timeout=3600) as answer:
            content, coding = answer.read(), answer.headers["Content-Encoding"]
        found[name] = {"seconds": round(time.perf_counter() - began, 2), "MB": round(len(content) / 1e6, 3)}
        found[name]["CPU seconds"] = round(time.process_time() - spent, 2)
        content = gzip.decompress(content) if coding == "gzip" else content
        found[name]["MB of JSON"] = round(len(content) / 1e6, 3)
        print("dashboard,", name, found[name], flush=True)
        return json.loads(content)

    (summary,) = get("list of studies", "")["study_summaries"]
    study = f"/{summary['study_id']}"
    count = len(get("study", study)["trials"])
    get("study again", study)
    get("importances", f"{study}/param_importances")
    time.sleep(11)  # the dashboard keeps trials for ten seconds
    get("study after its trials so far", f"{study}?after={count}")
    server.shutdown()
    server.server_close()
    return found


@contextmanager
def storages(kinds: list[str], folder: Path) -> Iterator[dict[str, str]]:
    """URLs by the kind of storage."""
    urls = {"journal": f"journal:{folder}/study.journal", "sqlite": default_url(folder)}
    if "postgresql" not in kinds:
        yield {kind: urls[kind] for kind in kinds}
        return
    with postgresql() as server:
        yield {kind: {**urls, "postgresql": server.url}[kind] for kind in kinds}


def main() -> None:
    """Invent, copy, call, ask, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--storages", nargs="+", default=["journal", "sqlite", "postgresql"])
    parser.add_argument("--folder", type=Path, help="where the study and the files of an earlier call are, or will be")
    parser.add_argument("--label", default="now", help="the key of the figures in the results")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    name, path = find_study("fashion")
    file = load(path, name, SETTINGS)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (lines := folder / "study.jsonl").exists():
            write_study(lines, file, folder, options.trials)
        with storages(options.storages, folder) as urls:
            for kind, url in urls.items():
                found: dict[str, Any] = {}
                if kind == "postgresql" or not Path(url.rpartition(":")[2].replace("///", "", 1)).exists():
                    found["storage import"] = timed(
                        ["storage", "import", str(lines), "--storage", url, "--runs", str(folder)]
                    )
                found |= commands(url, folder) | asked(url, folder) | loop_end(url, file, folder)
                print(kind, json.dumps(found), flush=True)
                if options.out:
                    known = json.loads(options.out.read_text()) if options.out.exists() else {}
                    known.setdefault(options.label, {})[kind] = found
                    write_results(options.out, {**known, **about_this_machine(), "trials": options.trials})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--call"]:
        EXECUTORS["invented"] = Invented
        sys.exit(run(sys.argv[2:]))
    main()
