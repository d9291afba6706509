"""The cost of a study, and its provenance."""

import math
import shlex
from collections.abc import Iterator

from tuner.base.formatting import duration_text
from tuner.charts.content import Block, Cell, Code, Table
from tuner.report.evidence import Evidence
from tuner.storage import hide_password


def cost_blocks(evidence: Evidence) -> Iterator[Block]:
    """Training time and epochs by the state of trials, or of all looks; the savings of pruning, the cost of the documents."""
    rows: list[tuple[Cell, ...]] = []
    looks = [look for trial in evidence.record.trials for look in trial.looks]
    if looks:
        rows.append(("looks at recipes", len(looks), None, duration_text(math.fsum(look.seconds for look in looks))))
    for state in ("complete", "pruned", "failed", "interrupted"):
        trials = [trial for trial in evidence.record.trials if trial.state == state and not trial.looks]
        epochs = sum(trial.result.epochs for trial in trials if trial.result)
        seconds = math.fsum(trial.result.seconds for trial in trials if trial.result)
        rows += [(f"{state} trials", len(trials), epochs, duration_text(seconds))] if trials else []
    saved, spared = saved_by_pruning(evidence)
    if saved:
        rows.append(("saved by pruning, at the pruned trials' epoch times", None, saved, duration_text(spared)))
    for each in evidence.documents:
        name, count = each.document.name, len(each.trainings)
        rows.append((f"document {name}", count, None, duration_text(each.seconds)))
    columns = ("what", "trainings", "epochs", "time in training processes")
    yield Table("cost-table", "Trainings", columns, tuple(rows))


def saved_by_pruning(evidence: Evidence) -> tuple[int, float]:
    """Epochs that pruned trials did not train, and their seconds at each trial's epoch time."""
    epochs, seconds = 0, 0.0
    for trial in evidence.record.trials:
        if trial.state == "pruned" and trial.result and trial.recipe and trial.result.epochs:
            left = max(0, trial.recipe.training.epochs - trial.result.epochs)
            epochs += left
            seconds += left * trial.result.seconds / trial.result.epochs
    return epochs, seconds


def provenance_blocks(evidence: Evidence) -> Iterator[Block]:
    """Data, seeds, versions, machine, and the commands that reproduce the report."""
    rows: list[tuple[Cell, ...]] = [(f"data: {name}", identity) for name, identity in evidence.data.items()]
    search, is_of_script = evidence.record.plain.get("search", {}), not evidence.record.objectives
    settings = (
        ("sampler", _setting_text(search.get("sampler", "tpe"))),
        ("pruner", _setting_text(search.get("pruner", ""))),
        ("seed of the search", str(search.get("seed", 0))),
    )
    rows += [*(() if is_of_script else settings), ("storage", hide_password(evidence.storage).rpartition("/")[2])]
    if evidence.confirmed:
        trials = evidence.confirmed.trials or (evidence.confirmed.trial,) * len(evidence.confirmed.seeds)
        seeds = (f"{seed} of trial {trial}" for seed, trial in zip(evidence.confirmed.seeds, trials, strict=True))
        rows.append(("seeds of the refits", ", ".join(seeds)))
    environments = [trial.environment for trial in evidence.record.trials if trial.environment]
    rows += [(name, value) for name, value in (environments or [{}])[-1].items() if name != "host"]
    documents = (each.document.name for each in evidence.documents)
    baselines = (f"python -m tuner baseline --document {name} --readings all --until-decided" for name in documents)
    report = f"python -m tuner report --study {shlex.quote(evidence.record.name)}"
    yield Table("provenance-table", "Provenance", ("what", "value"), tuple(rows))
    yield Code("\n".join([*([] if is_of_script else [evidence.record.command]), *baselines, report]))


def _setting_text(setting: object) -> str:
    if isinstance(setting, dict):
        return ", ".join(f"{name} {value}" if name != "kind" else str(value) for name, value in setting.items())
    return str(setting) or "the study's own"
