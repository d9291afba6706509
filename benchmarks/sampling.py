"""What the search itself costs a trial: asking, filling, five reports with pruning, keeping, telling, the learning curve.

    python benchmarks/sampling.py [--trials 100 1000 10000] [--storage postgresql://…] [--out benchmarks/results/sampling.json]

A study with the space of `fashion` is filled with random finished trials; then twenty trials go through the search's own
steps without any training. Two figures in milliseconds, medians: what the sampler and reading the storage for it take, and
what a trial waits for the search in all. A trial of 3 s may wait 60 ms for its sampler: 2 %. A storage is given as a URL of
an empty database; without one a SQLite file is made, as the search does.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import optuna
from common import about_this_machine, write_results
from optuna.trial import TrialState

from tuner.base.errors import Invalid
from tuner.data.examples import Examples, TrainingSet
from tuner.recipe import Recipe
from tuner.refit.session import Session
from tuner.result import Epoch, Event, FoldResult, Pulse, Result, Scores
from tuner.search.beginning import begin
from tuner.search.proposals import Proposer
from tuner.search.studies import open_study
from tuner.storage import StudyRecord, TrialRecord, default_url, open_storage
from tuner.storage.artifacts import ArtifactFolder
from tuner.storage.leases import Leases
from tuner.study import StudyFile, load
from tuner.study.places import find_study
from tuner.training.costs import Preflight
from tuner.worker.folder import Folder

EPOCHS = 5
PROBES = 20


class Silence:
    """A listener that shows nothing."""

    def planned(self, record: StudyRecord, trials: int, seconds: float) -> None: ...

    def began(self, number: int, recipe: Recipe, continues: int | None) -> None: ...

    def advanced(self, number: int, event: Epoch | Pulse) -> None: ...

    def ended(self, trial: TrialRecord) -> None: ...

    def phase(self, name: str) -> None: ...

    def refitting(self, recipe: Recipe, event: Event) -> None: ...

    def log(self, message: str) -> None: ...


def random_trials(file: StudyFile, count: int) -> list[optuna.trial.FrozenTrial]:
    """Finished trials with random parameters and values, as a search would have left them."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
    number = 0
    while number < count:
        trial = study.ask()
        try:
            trial.set_user_attr("key", file.fill(trial).key)
        except Invalid:  # cannot be built
            study.tell(trial, state=TrialState.FAIL)
            continue
        for epoch in range(1, EPOCHS + 1):
            trial.report(0.5 + number % 97 / 200 + epoch / 1000, epoch)
        study.tell(trial, 0.5 + number % 97 / 200)
        number += 1
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one trial: until it was proposed, and all that it waited for."""

    proposing: float
    waiting: float


def one_trial(context: Session, proposer: Proposer, clock: Callable[[], float] = time.perf_counter) -> Cost:
    """What the search spends on one trial, by this clock."""
    started = clock()
    trainings = context.swept_trainings()
    tried = {training.asked for training in trainings}
    proposal = next(
        each
        for each in proposer.proposals(trainings)
        if each.recipe and each.recipe.key not in tried and not context.preflight.refusal(each.recipe)
    )
    proposed = clock()
    running = begin(context, proposal, total=10**6)
    assert running is not None
    scores = Scores(loss=0.4, figures={"accuracy": 0.9})
    epochs = [
        Epoch(fold=0, number=number, training=scores, validation=scores, learning_rate=0.001, seconds=0.1)
        for number in range(1, EPOCHS + 1)
    ]
    for epoch in epochs:
        running.watch(epoch)
    fold = FoldResult(epochs=tuple(epochs), kept=EPOCHS)
    running.end(Result(folds=(fold,), ended="finished", reason="", parameters=1, seconds=0.5), "")
    return Cost(1000 * (proposed - started), 1000 * (clock() - started))


def bare_session(study: optuna.Study, file: StudyFile, artifacts: ArtifactFolder | None, folder: Path) -> Session:
    """A search in a study on Fashion-MNIST that trains nothing and tells nothing."""
    return Session(
        study=study,
        file=file,
        leases=Leases(study),
        listener=Silence(),
        environment={},
        preflight=Preflight({"fashion-mnist": made_up()}, 2**40),
        folder=Folder(folder),
        artifacts=artifacts,
    )


def measure(url: str | None, file: StudyFile, count: int) -> dict[str, float]:
    """Both figures in a study with `count` trials."""
    with tempfile.TemporaryDirectory() as folder:
        storage = open_storage(url or default_url(Path(folder)))
        file = replace(file, name=f"{count} trials, {time.time():.0f}")
        study, file, _ = open_study(storage, file)
        study.add_trials(random_trials(file, count))
        context = bare_session(study, file, ArtifactFolder(folder), Path(folder))
        proposer = Proposer(context)
        found = [one_trial(context, proposer) for _ in range(PROBES)]
        optuna.delete_study(study_name=file.name, storage=storage)
    return {
        "proposing (ms)": round(statistics.median(each.proposing for each in found), 1),
        "a trial waits (ms)": round(statistics.median(each.waiting for each in found), 1),
    }


def made_up() -> TrainingSet:
    """A data set of the right shape: costs are learned, nothing is trained."""
    examples = Examples(np.zeros((60_000, 28, 28), np.uint8), np.zeros(60_000, np.uint8))
    return TrainingSet("fashion-mnist", examples, tuple("0123456789"), (0, 255), "none", "nowhere")


def main() -> None:
    """Measure at each number of trials and print the curve."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--trials", type=int, nargs="+", default=[100, 1000, 10000])
    arguments.add_argument("--storage")
    arguments.add_argument("--out", type=Path)
    said = arguments.parse_args()
    name, path = find_study("fashion")
    file, results = load(path, name), {}
    for count in said.trials:
        results[str(count)] = measure(said.storage, file, count)
        print(f"{count} trials: {results[str(count)]}", flush=True)
    if said.out:
        storage = said.storage.partition(":")[0].partition("+")[0] if said.storage else "sqlite"
        write_results(said.out, {**about_this_machine(), "storage": storage, "results": results})


if __name__ == "__main__":
    main()
