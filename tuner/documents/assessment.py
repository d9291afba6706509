"""Judges a document by its runs: each reported figure in four ways (`Evidence.ways`), each claim, and the silent fields."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuner.documents.claims import JudgedClaim, judge_over_readings
from tuner.documents.document import Choice, Document, Reading
from tuner.documents.evidence import Evidence, JudgedExperiment
from tuner.documents.experiment import Experiment
from tuner.documents.runs import Run
from tuner.documents.verdicts import EXACT, VERDICTS

WAYS = {
    "chosen": "the same settings for all",
    "left_out": "the same, chosen without the row",
    "first": "fixed before any run",
    "best": "each row's own settings",
}
"""How a document can be read, by the columns of its rows."""


@dataclass(frozen=True)
class Row:
    """One experiment in each of the four ways, and how many readings of it were `tried`."""

    experiment: Experiment
    first: JudgedExperiment
    chosen: JudgedExperiment
    left_out: JudgedExperiment
    best: JudgedExperiment
    tried: int

    @property
    def dataset(self) -> str:
        """The data set of its runs; empty without any."""
        return self.chosen.runs[0].dataset if self.chosen.runs else ""


@dataclass(frozen=True)
class JudgedReading:
    """A silent field with the `chosen` option and the probability of each option; without any where no reported figure tells."""

    reading: Reading
    chosen: int
    probable: tuple[float, ...]

    @property
    def conclusion(self) -> str:
        """The most probable reading, in a few words."""
        names = [option.name for option in self.reading.options]
        if not self.probable:
            return f"no reported figure tells; taken: {names[self.chosen]}"
        known = [f"{name} {share:.2g}" for name, share in zip(names, self.probable, strict=True) if share >= 0.01]
        alternatives = f" (of {', '.join(known)})" if len(known) > 1 else ""
        return f"the most probable: {names[self.chosen]}{alternatives}"


@dataclass(frozen=True)
class Assessment:
    """A whole document with all its runs. `choice` is its most probable script of the `compared` ones. Row by row, `row_fields`
    fields are free, with the log prior probability `row_prior`. `failures` says which of the last runs failed and why."""

    document: Document
    choice: Choice
    rows: tuple[Row, ...]
    claims: tuple[JudgedClaim, ...]
    runs: tuple[Run, ...]
    readings: tuple[JudgedReading, ...]
    compared: int
    row_prior: float
    row_fields: int
    failures: tuple[str, ...]

    def restricted_to(self, ids: set[str]) -> "Assessment":
        """The assessment with the rows of some experiments, and the claims that compare only these."""
        claims = (each for each in self.claims if ids.issuperset(each.claim.experiments))
        return replace(self, rows=tuple(row for row in self.rows if row.experiment.id in ids), claims=tuple(claims))

    def row(self, experiment: str) -> Row:
        """The row of an experiment."""
        return next(row for row in self.rows if row.experiment.id == experiment)

    @property
    def trainings(self) -> dict[str, float]:
        """Seconds of each training by its key; equal experiments share one."""
        return {run.key: run.seconds for run in self.runs}

    @property
    def seconds(self) -> float:
        """Training time."""
        return math.fsum(self.trainings.values())

    @property
    def false_discovery(self) -> float | None:
        """The expected share of errors among the claims that hold or fail (Benjamini and Hochberg 1995)."""
        from scipy.stats import false_discovery_control

        tested = [each.chosen for each in self.claims if each.chosen.chance is not None]
        rates = false_discovery_control([each.chance for each in tested]) if tested else ()
        decided = [rate for each, rate in zip(tested, rates, strict=True) if each.judgement in ("holds", "fails")]
        return float(max(decided)) if decided else None

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The experiments with a figure that no reading reproduces and no finding explains."""
        explained = {name for finding in self.document.finding for name in finding.about}
        differing = [row.experiment.id for row in self.rows if row.best.differs]
        return tuple(each for each in differing if each not in explained)


def assess(document: Document, runs: Sequence[Run], failures: Sequence[str] = ()) -> Assessment:
    """The verdicts on everything."""
    evidence = Evidence(document, runs)
    choice, rows = evidence.best_script(), tuple(_row(evidence, each) for each in document.experiment)
    networks = {evidence.network(row.experiment.id): row for row in rows}.values()
    return Assessment(
        document,
        choice,
        rows,
        claims=tuple(judge_over_readings(claim, evidence) for claim in document.claim),
        runs=tuple(runs),
        readings=tuple(_reading(evidence, index, option) for index, option in enumerate(choice)),
        compared=max(len(evidence.scripts), 1),
        row_prior=math.fsum(document.log_prior(row.best.choice, row.experiment) for row in networks),
        row_fields=sum(len(document.concerning[row.experiment.id]) for row in networks),
        failures=tuple(failures),
    )


def _reading(evidence: Evidence, index: int, chosen: int) -> JudgedReading:
    reading = evidence.document.reading[index]
    choices = evidence.document.choices([index]) if index in evidence.telling and evidence.scripts else ()
    return JudgedReading(reading, chosen, tuple(evidence.probability(each, [index]) for each in choices))


def _row(evidence: Evidence, experiment: Experiment) -> Row:
    """To know a verdict's worth, the reports of two networks are swapped, and the readings are chosen again."""
    id_ = experiment.id
    swapped = [evidence.ways(id_, other) for other in evidence.others(id_)]
    judged = {way: own.with_others(each[way] for each in swapped) for way, own in evidence.ways(id_, id_).items()}
    return Row(experiment, **judged, tried=len(evidence.own_choices(id_)))


@dataclass(frozen=True)
class Count:
    """How many accuracies and losses have each verdict, and how many of these are sharp; how many of the reports that may be are
    sharp as a whole; and how many counts of parameters are equal."""

    reproduced: int
    close: int
    differing: int
    sharp: int
    reports: str
    equal: str | None

    @property
    def checked(self) -> int:
        """All that could be checked."""
        return self.reproduced + self.close + self.differing


def count(assessment: Assessment, which: str) -> Count:
    """How many figures have each verdict under one of `WAYS`."""
    judged = [getattr(row, which) for row in assessment.rows]
    figures = [figure for each in judged for figure in each.figures]
    verdicts = Counter(each.verdict for each in figures if each.figure not in EXACT)
    exact = [each.verdict == "reproduced" for each in figures if each.figure in EXACT]
    worths = [each.worth for each in judged if each.worth]
    reproduced, close, differing = (verdicts[each] for each in VERDICTS[:3])
    reports, equal = f"{worths.count('sharp')} of {len(worths)}", f"{sum(exact)} of {len(exact)}" if exact else None
    return Count(reproduced, close, differing, sum(each.worth == "sharp" for each in figures), reports, equal)
