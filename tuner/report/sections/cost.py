"""What it cost, and where all this comes from."""

import math
import shlex

from tuner.base.formatting import duration_text
from tuner.charts.content import Cell, Code, Section, Table
from tuner.report.evidence import Evidence
from tuner.storage import TrialRecord, hide_password


def cost_section(evidence: Evidence) -> Section:
    """Training time and epochs by what became of the trials, what pruning saved, what the documents took."""
    rows: list[tuple[Cell, ...]] = []
    for state in ("complete", "pruned", "failed", "interrupted"):
        trials = [trial for trial in evidence.record.trials if trial.state == state]
        epochs = sum(trial.result.epochs for trial in trials if trial.result)
        seconds = math.fsum(trial.result.seconds for trial in trials if trial.result)
        rows.append((f"{state} trials", len(trials), epochs, duration_text(seconds)))
    saved, spared = saved_by_pruning(evidence)
    rows.append(("saved by pruning, at the pruned trials' own pace", None, saved, duration_text(spared)))
    for document in evidence.documents:
        keys = {run.key for run in document.runs}
        rows.append((f"document {document.name}", len(keys), None, duration_text(document.assessment.seconds)))
    table = Table(
        "cost-table", "What was trained", ("what", "trainings", "epochs", "time in training processes"), tuple(rows)
    )
    return Section("cost", "Cost", (table,))


def saved_by_pruning(evidence: Evidence) -> tuple[int, float]:
    """Epochs that pruned trials did not train, and the seconds that those would have taken."""
    epochs, seconds = 0, 0.0
    for trial in evidence.record.trials:
        if trial.state == "pruned" and trial.result and trial.recipe and trial.result.epochs:
            left = max(0, trial.recipe.training.epochs - trial.result.epochs)
            epochs += left
            seconds += left * trial.result.seconds / trial.result.epochs
    return epochs, seconds


def provenance_section(evidence: Evidence) -> Section:
    """Data, seeds, versions, machine, and the commands that make all this again."""
    rows: list[tuple[Cell, ...]] = [(f"data: {name}", identity) for name, identity in evidence.data.items()]
    plain = evidence.record.plain
    search = plain.get("search", {})
    rows += [("sampler", _named(search.get("sampler", "tpe"))), ("pruner", _named(search.get("pruner", "")))]
    rows += [
        ("seed of the search", str(search.get("seed", 0))),
        ("storage", hide_password(evidence.storage).rpartition("/")[2]),
    ]
    if evidence.confirmed:
        rows.append(("seeds of the confirmation", ", ".join(map(str, evidence.confirmed.seeds))))
    environment = _environment(evidence)
    rows += [(name, value) for name, value in environment.items() if name != "host"]
    study = shlex.quote(evidence.study)
    again = "\n".join(
        [
            evidence.record.command,
            *(
                f"python -m tuner baseline --document {each.name} --readings all --until-decided"
                for each in evidence.documents
            ),
            f"python -m tuner report --study {study}",
        ]
    )
    table = Table("provenance-table", "Where it comes from", ("what", "value"), tuple(rows))
    return Section("provenance", "Provenance", (table, Code(again)))


def _named(setting: object) -> str:
    if isinstance(setting, dict):
        return ", ".join(f"{name} {value}" if name != "kind" else str(value) for name, value in setting.items())
    return str(setting) or "the study's own"


def _environment(evidence: Evidence) -> dict[str, str]:
    known: list[TrialRecord] = [trial for trial in evidence.record.trials if trial.environment]
    return dict(known[-1].environment) if known else {}
