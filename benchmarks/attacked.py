"""A study under attack, for `chaos.py`: how it is searched, and what must hold at the end."""

import os
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import invented
import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.storage import open_storage
from tuner.storage.confirmed import LOOKS
from tuner.storage.trainings import trainings_of
from tuner.worker.folder import is_damaged

if TYPE_CHECKING:
    from tests.support.servers import PostgreSQL

PATIENCE_SECONDS = 600
TRIALS = 8
STUDY = """
objective = "validation_accuracy"
[budget]
trials = TRIALS
minutes = 5
[search]
pruner = { kind = "asha", min_epochs = 1, factor = 2 }
sampler = { kind = "tpe", startup_trials = 2 }
[confirmation]
seeds = 2
anchors = false
[recipe.data]
name = "xor"
[recipe.training]
loss = "sparse_categorical_crossentropy"
batch_size = 5
epochs = 6
optimizer = { one_of = ["adam", { kind = "sgd", momentum = { low = 0.0, high = 0.9 } }] }
[recipe.network]
kind = "dense"
widths = [{ low = 2, high = 64 }]
"""

FORKS = get_context("forkserver")


def prepare_forks() -> None:
    """Let what all calls import be imported once, by the process that they are forked from. Before the first call."""
    os.environ["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    FORKS.set_forkserver_preload(["invented", *invented.IMPORTED])


class Call:
    """A command in a process of its own, a fork of one that has imported what it needs. Its messages are in a file."""

    def __init__(self, folder: Path, messages: Path, environment: dict[str, str], arguments: list[str]) -> None:
        self.messages = messages
        self.process = FORKS.Process(
            target=invented.call, args=(str(folder), str(messages), environment, arguments), daemon=True
        )
        self.process.start()
        while not messages.exists() and self.poll() is None:  # from then on it takes signals
            time.sleep(0.005)
        assert self.process.pid is not None
        self.pid = self.process.pid

    def poll(self) -> int | None:
        """Its exit status, or the negative number of the signal that ended it; None while it runs."""
        return self.process.exitcode

    def wait(self, seconds: float) -> int | None:
        """The same after its end, for which this waits."""
        self.process.join(seconds)
        return self.poll()

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Study:
    """A study in a folder of its own. `storage` is "sqlite", "journal", "postgresql" with its `server`, or the URL of another one.
    `broken` says what did not hold, `disturbed` which processes were killed or interrupted, `kills` how many were killed."""

    def __init__(
        self, folder: Path, name: str, storage: str, server: "PostgreSQL | None" = None, total: int = TRIALS
    ) -> None:
        self.folder, self.name, self.total = folder / name, name, total
        self.folder.mkdir()
        self.logs = folder.parent / "logs" / name  # not on the disk that becomes full
        self.logs.mkdir(parents=True)
        self.kind, self.server = storage, server
        self.cache = folder / "cache"
        (self.folder / "study.toml").write_text(STUDY.replace("TRIALS", str(total)))
        self.openings = self.logs / "openings.txt"
        self.database = self.folder / "runs" / "tuner.db"
        self.journal = self.folder / "runs" / "journal.log"
        self.url = {
            "sqlite": f"sqlite:///{self.database}",
            "journal": f"journal:{self.journal}",
            **({"postgresql": server.url} if server else {}),
        }.get(storage, storage)
        self.calls = self.kills = 0
        self.broken: list[str] = []
        self.disturbed: set[int] = set()
        self.shared = False

    def start(self, command: str = "optimize") -> Call:
        """A search, or a worker of it."""
        self.calls += 1
        storage = {"sqlite": [], "journal": ["--storage", "journal:runs/journal.log"]}  # with a relative path
        own = ["study.toml", "--name", self.name] if command == "optimize" else [self.name, "--wait", "1m"]
        arguments = [command, "--study", *own, "--lease", "2s", "--executor", "invented"]
        arguments += ["--workers", "1", "--data-dir", ".", *storage.get(self.kind, ["--storage", self.url])]
        environment = {"TUNER_RUNS": "runs", "TUNER_CACHE": str(self.cache), "CHAOS_OPENINGS": str(self.openings)}
        return Call(self.folder, self.logs / f"messages-{self.calls}.txt", environment, arguments)

    def kill(self, call: Call) -> None:
        """Kill a call if it runs."""
        if call.poll() is None:
            self.kills += 1
            self.disturbed.add(call.pid)
            call.send_signal(signal.SIGKILL)
            call.wait(PATIENCE_SECONDS)

    def wait_for(self, call: Call, what: str, allowed: tuple[int, ...] = (0,)) -> str:
        """What a search says until its end, which must be one of those allowed."""
        if call.wait(PATIENCE_SECONDS) is None:
            call.send_signal(signal.SIGKILL)
            self.disturbed.add(call.pid)
            self.broken.append(f"{what}: it did not end within ten minutes")
        status, said = call.wait(PATIENCE_SECONDS), call.messages.read_text(errors="replace")
        assert status is not None
        is_mute = status < 0
        if "Traceback" in said and not is_mute:
            self.broken.append(f"{what}: {said[-2000:]}")
        if status not in allowed:
            self.broken.append(f"{what}: exit status {status}: {said[-300:]}")
        return said

    def finish(self) -> None:
        """Search to the end."""
        self.wait_for(self.start(), "the last call")

    @property
    def study(self) -> optuna.Study | None:
        """The study; None if there is none yet."""
        files = {"sqlite": self.database, "journal": self.journal}
        if self.kind in files and not files[self.kind].is_file():
            return None
        storage = open_storage(self.url)
        names = optuna.get_all_study_names(storage)
        return optuna.load_study(study_name=self.name, storage=storage) if self.name in names else None

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials that there are."""
        study = self.study
        return study.trials if study else []

    @property
    def finished(self) -> list[FrozenTrial]:
        """Those that have ended."""
        return [each for each in self.trials if each.state.is_finished()]

    @property
    def figures(self) -> list[Any]:
        """What disturbances must not change."""
        return [
            (each.last.params, each.last.values, each.last.intermediate_values, each.attributes["key"], each.state)
            for each in trainings_of(self.trials)
        ]

    def check_call(self, name: str) -> None:
        """What must hold after every call."""
        trainings = trainings_of(self.trials)
        if (total := sum(each.counts for each in trainings)) > self.total:
            self.broken.append(f"{name}: {total} trials count")
        keys = [each.attributes["key"] for each in trainings]
        if len(set(keys)) != len(keys):
            self.broken.append(f"{name}: a recipe was trained twice")

    def check(self, undisturbed: "Study") -> None:
        """What must hold at the end."""
        self.check_call("the last call")
        if (total := sum(each.counts for each in trainings_of(self.trials))) != self.total:
            self.broken.append(f"{total} trials count")
        if [each for each in self.trials if each.state in (TrialState.RUNNING, TrialState.WAITING)]:
            self.broken.append("a trial is open")
        if not self.shared and self.figures != undisturbed.figures:
            self.broken.append("the figures are not those of an undisturbed study")
        self._check_test()
        self._check_folder()

    def _check_test(self) -> None:
        """One process opens the test part, once for each model; another only if it was disturbed. All openings are counted."""
        study = self.study
        assert study is not None, self.broken
        lines = [line.split() for line in self.openings.read_text().splitlines()]
        holders = list(dict.fromkeys(int(pid) for pid, _ in lines))
        undisturbed = [each for each in holders if each not in self.disturbed]
        if len(undisturbed) > 1:
            self.broken.append(f"{len(undisturbed)} processes opened the test part")
        if len(lines) != len({(pid, key) for pid, key in lines}):
            self.broken.append("a process opened the test part twice for a model")
        if study.user_attrs.get(LOOKS, 0) < len(holders):
            self.broken.append(f"{study.user_attrs.get(LOOKS)} looks were counted, {len(holders)} were taken")

    def _check_folder(self) -> None:
        runs = self.folder / "runs"
        own = runs / self.name
        left = [*own.glob("checkpoints/[!.]*"), *own.glob("members/[!.]*"), *runs.glob("*.lock")]
        if left:
            self.broken.append(f"left in the folder: {', '.join(path.name for path in left)}")
        hidden = [*runs.glob("**/.tuner-*"), *self.folder.glob(".tuner-*")]
        if len(hidden) > len(self.disturbed):
            self.broken.append(f"left in the folder: {', '.join(path.name for path in hidden)}")
        if is_damaged(runs / self.name / "best.keras"):
            self.broken.append("there is no model, or it is damaged")
