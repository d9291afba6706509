"""A study under attack, for `chaos.py`: how it is searched, and what must hold at the end."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
STUDY = f"""
objective = "validation_accuracy"
[budget]
trials = {TRIALS}
minutes = 5
[search]
pruner = {{ kind = "asha", min_epochs = 1, factor = 2 }}
sampler = {{ kind = "tpe", startup_trials = 2 }}
[confirmation]
seeds = 2
anchors = false
[recipe.data]
name = "xor"
[recipe.training]
loss = "sparse_categorical_crossentropy"
batch_size = 5
epochs = 6
optimizer = {{ one_of = ["adam", {{ kind = "sgd", momentum = {{ low = 0.0, high = 0.9 }} }}] }}
[recipe.network]
kind = "dense"
widths = [{{ low = 2, high = 64 }}]
"""


class Study:
    """A study in a folder of its own. `storage` is "sqlite", "journal", "postgresql" with its `server`, or the URL of another one.
    `broken` says what did not hold, `disturbed` which processes were killed or interrupted."""

    def __init__(self, folder: Path, name: str, storage: str, server: "PostgreSQL | None" = None) -> None:
        self.folder, self.name = folder / name, name
        self.folder.mkdir()
        self.kind, self.server = storage, server
        self.cache = folder / "cache"
        (self.folder / "study.toml").write_text(STUDY)
        self.openings = self.folder / "openings.txt"
        self.database = self.folder / "runs" / "tuner.db"
        self.journal = self.folder / "runs" / "journal.log"
        self.url = {
            "sqlite": f"sqlite:///{self.database}",
            "journal": f"journal:{self.journal}",
            **({"postgresql": server.url} if server else {}),
        }.get(storage, storage)
        self.broken: list[str] = []
        self.disturbed: set[int] = set()
        self.shared = False

    def start(self) -> subprocess.Popen[str]:
        """A search in a process group of its own."""
        script = Path(__file__).parent / "invented.py"
        command = [
            sys.executable,
            str(script),
            "optimize",
            "--study",
            "study.toml",
            "--name",
            self.name,
            "--lease",
            "2s",
        ]
        cache = {"TUNER_CACHE": str(self.cache), "CHAOS_OPENINGS": str(self.openings)}
        storage = {"sqlite": [], "journal": ["--storage", "journal:runs/journal.log"]}  # with a relative path
        return subprocess.Popen(
            [
                *command,
                "--executor",
                "invented",
                "--workers",
                "1",
                "--data-dir",
                str(self.folder),
                *storage.get(self.kind, ["--storage", self.url]),
            ],
            cwd=self.folder,
            env={**os.environ, "TUNER_RUNS": "runs", **cache},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for(self, process: subprocess.Popen[str], what: str, allowed: tuple[int, ...] = (0,)) -> str:
        """What a search says until its end, which must be one of those allowed."""
        try:
            _, said = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            self.disturbed.add(process.pid)
            _, said = process.communicate()
            self.broken.append(f"{what}: it did not end within ten minutes")
        is_mute = process.returncode < 0  # killed, or before Python could take signals
        if "Traceback" in said and not is_mute:
            self.broken.append(f"{what}: {said[-2000:]}")
        if process.returncode not in allowed:
            self.broken.append(f"{what}: exit status {process.returncode}: {said[-300:]}")
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
        if (total := sum(each.counts for each in trainings)) > TRIALS:
            self.broken.append(f"{name}: {total} trials count")
        keys = [each.attributes["key"] for each in trainings]
        if len(set(keys)) != len(keys):
            self.broken.append(f"{name}: a recipe was trained twice")

    def check(self, undisturbed: "Study") -> None:
        """What must hold at the end."""
        self.check_call("the last call")
        if (total := sum(each.counts for each in trainings_of(self.trials))) != TRIALS:
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
        assert study is not None
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
        left = [*(runs / self.name).glob("checkpoints/*"), *(runs / self.name).glob("members/*"), *runs.glob("*.lock")]
        if left:
            self.broken.append(f"left in the folder: {', '.join(path.name for path in left)}")
        hidden = [*runs.glob("**/.tuner-*"), *self.folder.glob(".tuner-*")]
        if len(hidden) > len(self.disturbed):
            self.broken.append(f"left in the folder: {', '.join(path.name for path in hidden)}")
        if is_damaged(runs / self.name / "best.keras"):
            self.broken.append("there is no model, or it is damaged")
