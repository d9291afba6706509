"""The data of a report for programs: a summary of the page, and tables of trials and runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from tuner.charts.chart import chart_data
from tuner.charts.content import Link, Page, Table
from tuner.documents.comparison import best_in_our_runs
from tuner.documents.section import summary_of
from tuner.report.answer import difference_of, sentences
from tuner.report.evidence import Evidence
from tuner.report.importance import METHOD
from tuner.report.sections.cost import saved_by_pruning
from tuner.storage import TrialRecord

STATES = ("complete", "pruned", "refused", "failed", "interrupted", "running", "waiting")


def summary(evidence: Evidence, pages: Sequence[Page]) -> dict[str, Any]:
    """The facts, tables and charts of the pages as plain data for JSON, with texts for numbers that JSON does not have."""
    record, best, confirmed = evidence.record, evidence.record.best, evidence.confirmed
    documented_best, apart = best_in_our_runs(evidence.documents, evidence.dataset), difference_of(evidence)
    epochs, seconds = saved_by_pruning(evidence)
    importance = {"method": METHOD, "parameters": [asdict(each) for each in evidence.importances]}
    plain = json.dumps(
        {
            "study": record.name,
            "title": evidence.title,
            "task": evidence.recipe and evidence.recipe.data.task,
            "answer": sentences(evidence),
            "trials": {state: record.count(state) for state in STATES},
            "objectives": list(record.objectives),
            "best": best and {"number": best.number, "values": list(best.values), "params": dict(best.params)},
            "confirmed": confirmed
            and {key: value for key, value in confirmed.to_dict().items() if key not in ("model", "predictions")},
            "anchors": [asdict(each) for each in evidence.outcome.reference_models],
            "best_documented": documented_best and asdict(documented_best),
            "difference": apart and asdict(apart),
            "searched": evidence.searched and asdict(evidence.searched),
            "importance": importance if evidence.importances else None,
            "saved_by_pruning": {"epochs": epochs, "seconds": seconds},
            "documents": {each.document.name: summary_of(each) for each in evidence.documents},
            "gaps": list(evidence.gaps),
            "data": dict(evidence.data),
            "tables": {
                block.id: _table(block) for page in pages for block in page.blocks() if isinstance(block, Table)
            },
            "charts": {chart.id: chart_data(chart) for page in pages for chart in page.charts()},
        }
    )
    read: dict[str, Any] = json.loads(plain, parse_constant=lambda name: str(float(name)))
    return read


def _table(table: Table) -> dict[str, Any]:
    rows = [[cell.text if isinstance(cell, Link) else cell for cell in row] for row in table.rows]
    return {"title": table.title, "columns": table.columns, "rows": rows}


def tables(evidence: Evidence) -> dict[str, pd.DataFrame]:
    """`trials.csv`: a row for each trial. `baselines.csv`: one for each run of a document."""
    trials = [
        {
            "number": trial.number,
            "state": trial.state,
            **(objectives := dict(zip(evidence.record.objectives, trial.values, strict=False))),
            **_others(trial, objectives),
            **{name: getattr(trial.result, name, None) for name in ("parameters", "epochs", "seconds")},
            "reason": trial.reason,
            **{f"params.{name}": value for name, value in trial.params.items()},
        }
        for trial in evidence.record.trials
    ]
    runs = [
        {
            "document": assessment.document.name,
            **{name: getattr(run, name) for name in ("experiment", "reading", "repeat", "ended", "seconds")},
            **run.figures,
        }
        for assessment in evidence.documents
        for run in assessment.runs
    ]
    first = ["number", "state"]
    return {
        "trials.csv": pd.DataFrame(trials, columns=None if trials else first),
        "baselines.csv": pd.DataFrame(runs, columns=None if runs else ["document", "experiment"]),
    }


def _others(trial: TrialRecord, objectives: Mapping[str, float]) -> dict[str, float]:
    """The other validation metrics of a finished trial."""
    if not objectives or trial.result is None or trial.result.validation is None:
        return {}
    scores = trial.result.validation
    figures = {f"validation_{name}": figure for name, figure in {**scores.figures, "loss": scores.loss}.items()}
    return {name: figure for name, figure in figures.items() if name not in objectives}
