"""`distill`: one network in place of an ensemble."""

from typing import Annotated

import typer

from tuner.commands.arguments import DataDir, Runs, Storage, required_storage


def distill(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage.")],
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> None:
    """Train one network on the predictions of the study's ensemble, and test it once."""
    from tuner.base.errors import StudyError
    from tuner.base.formatting import metric_label
    from tuner.base.machine import cores
    from tuner.data.sources import Places
    from tuner.deploy.distill import distill as learn
    from tuner.outcome import read_outcome
    from tuner.storage import load_study, open_storage
    from tuner.study.places import runs_folder
    from tuner.worker import make_executor
    from tuner.worker.executor import Setup
    from tuner.worker.folder import Folder

    confirmed = read_outcome(load_study(open_storage(required_storage(runs, storage)), study)).confirmed
    if confirmed is None:
        raise StudyError(f"the study {study!r} has no confirmed model yet: run `tuner optimize --study {study}`")
    folder = Folder(runs_folder(runs) / study)
    executor = make_executor("processes", Setup(Places.from_environment(data_dir), threads=cores(), folder=folder))
    try:
        network = learn(confirmed, executor, folder)
    finally:
        executor.close()
    low, high = network.test_interval
    metric, interval = metric_label(confirmed.measure), f"(95 % interval {low:.4f} to {high:.4f})"
    print(f"validation {metric}: {network.validation:.4f}; ensemble {confirmed.model_validation:.4f}")
    print(f"test {metric}, measured once: {network.test:.4f} {interval}; ensemble {confirmed.test:.4f}")
    print(f"model: {network.model}, {network.parameters:,} parameters instead of {confirmed.parameters:,}")
