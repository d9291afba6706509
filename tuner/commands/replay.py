"""One trial again."""

from typing import Annotated

import typer

from tuner.commands.arguments import DataDir, Runs, Storage, required_storage


def replay(
    study: Annotated[str, typer.Option("--study", "-s", help="Name of a study in the storage.")],
    trial: Annotated[int, typer.Option(help="Number of the trial.")],
    runs: Runs = None,
    storage: Storage = None,
    data_dir: DataDir = None,
) -> int:
    """Train one trial again and compare its curve with the stored one."""
    from tuner.data.load import Places
    from tuner.replay import replay as train_again
    from tuner.replay import trial_with_curve
    from tuner.storage import open_storage, read_study
    from tuner.worker import make_executor
    from tuner.worker.executor import Setup

    record = trial_with_curve(read_study(open_storage(required_storage(runs, storage)), study), trial)
    threads = int(record.environment.get("threads", "1"))
    executor = make_executor("processes", Setup(Places.from_environment(data_dir), threads=threads))
    try:
        answer = train_again(record, executor)
    finally:
        executor.close()
    different = answer.first_difference
    if different is None:
        print(f"trial {trial}: the same curve again, {len(answer.now)} epochs to six digits")
        return 0
    fold, epoch = different
    print(f"trial {trial}: differs from epoch {epoch} of fold {fold} on")
    return 1
