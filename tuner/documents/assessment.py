"""A document judged: each reported figure under the reading that explains it best, each claim, what it took."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.documents.document import Claim, Document, Experiment
from tuner.documents.runs import Run
from tuner.documents.verdicts import Judged, Judgement, judge, judge_claim, pooled_spread

ORDER = ("reproduced", "close", "not reproduced", "cannot be checked")
MEASURED_AS = {"test_loss_at_most": "test_loss"}


@dataclass(frozen=True)
class Row:
    """One experiment: its figures under the first readings, and the reading under which most of them are reproduced (empty
    if that is the first ones) with the figures there."""

    experiment: Experiment
    first: tuple[Judged, ...]
    reading: str
    best: tuple[Judged, ...]
    runs: int
    seconds: float


@dataclass(frozen=True)
class Assessment:
    """A whole document."""

    document: Document
    rows: tuple[Row, ...]
    claims: tuple[tuple[Claim, Judgement, str], ...]
    seconds: float

    def count(self, verdict: str) -> int:
        """How many figures have a verdict, each under its best reading."""
        return sum(judged.verdict == verdict for row in self.rows for judged in row.best)


def assess(document: Document, runs: Sequence[Run], examples: dict[str, int]) -> Assessment:
    """Judge what has been run. `examples` is the size of each data set's test part."""
    rows = tuple(_row(document, experiment, runs, examples) for experiment in document.experiment)
    claims = tuple((claim, *_claim(claim, runs)) for claim in document.claim)
    return Assessment(document, rows, claims, math.fsum({run.key: run.seconds for run in runs}.values()))


def _row(document: Document, experiment: Experiment, runs: Sequence[Run], examples: dict[str, int]) -> Row:
    own = [run for run in runs if run.experiment == experiment.id]
    readings = ["", *dict.fromkeys(run.reading for run in own if run.reading)]
    judged = {reading: _judge_all(document, experiment, reading, runs, examples) for reading in readings}
    best = min(readings, key=lambda reading: (_badness(judged[reading]), readings.index(reading)))
    seconds = math.fsum(run.seconds for run in own)
    return Row(experiment, judged[""], best, judged[best], len([run for run in own if not run.reading]), seconds)


def _judge_all(
    document: Document, experiment: Experiment, reading: str, runs: Sequence[Run], examples: dict[str, int]
) -> tuple[Judged, ...]:
    found = []
    for figure, reported in experiment.figures():
        name = MEASURED_AS.get(figure, figure)
        own = [run for run in runs if (run.experiment, run.reading) == (experiment.id, reading)]
        measured = [run.figures[name] for run in own if name in run.figures]
        data = str(own[0].recipe["data"]["name"]) if own else ""
        count = examples.get(data, 0)
        found.append(judge(figure, reported, measured, count, _spread(runs, name)))
    return tuple(found)


def _badness(judged: Sequence[Judged]) -> tuple[int, float]:
    """First how many figures are off, then how far."""
    off = sum(ORDER.index(each.verdict) for each in judged)
    far = math.fsum(
        abs(math.fsum(each.reported) / len(each.reported) - each.mean)
        for each in judged
        if each.measured and math.isfinite(each.mean) and each.figure.endswith("accuracy")
    )
    return off, far


def _claim(claim: Claim, runs: Sequence[Run]) -> tuple[Judgement, str]:
    measured = {
        each: [run.figures[claim.figure] for run in runs if run.experiment == each and not run.reading]
        for each in claim.experiments
        if all(claim.figure in run.figures for run in runs if run.experiment == each and not run.reading)
    }
    return judge_claim(claim, measured, _spread(runs, claim.figure))


def _spread(runs: Sequence[Run], figure: str) -> float | None:
    groups: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        if figure in run.figures:
            groups.setdefault((run.experiment, run.reading), []).append(run.figures[figure])
    return pooled_spread(list(groups.values()))
