"""The result of judging a document: each reported figure under the first readings, under the one most probable script, under
the script that the other rows choose, and under the most probable readings of its own row; each claim; the cost."""

import math
from collections import Counter
from dataclasses import dataclass, replace

from tuner.documents.agreement import JudgedClaim
from tuner.documents.document import Choice, Document, Reading
from tuner.documents.evidence import JudgedExperiment
from tuner.documents.experiment import Experiment
from tuner.documents.runs import Run
from tuner.documents.verdicts import VERDICTS

NAMED = 0.01
"""Less probable readings are not named with the chosen one."""


@dataclass(frozen=True)
class Row:
    """One experiment: under the `first` readings, under those `chosen` for the whole document, under those that the other
    rows choose (`left_out`), and under the `best` ones of itself among all that were `tried`. An experiment that was not
    run under a script stands there under the first readings."""

    experiment: Experiment
    first: JudgedExperiment
    chosen: JudgedExperiment
    left_out: JudgedExperiment
    best: JudgedExperiment
    tried: int


@dataclass(frozen=True)
class JudgedReading:
    """A silent field with the `chosen` option; `probable` has the probability of each option over all scripts that were run;
    None for one that is in none."""

    reading: Reading
    chosen: int
    probable: tuple[float | None, ...]

    @property
    def silent(self) -> str:
        """The name of the field that the document leaves open."""
        return self.reading.silent

    @property
    def conclusion(self) -> str:
        """The most probable reading, in a few words."""
        names = [option.name for option in self.reading.options]
        if not any(share is not None for share in self.probable):
            return f"no reported figure tells; taken: {names[self.chosen]}"
        pairs = zip(names, self.probable, strict=True)
        known = [f"{name} {share:.2g}" for name, share in pairs if share is not None and share >= NAMED]
        alternatives = f" (of {', '.join(known)})" if len(known) > 1 else ""
        return f"the most probable: {names[self.chosen]}{alternatives}"


@dataclass(frozen=True)
class Assessment:
    """A whole document with all its runs. `choice` is its most probable script of the `compared` ones; `probable` has for each
    of its readings the probability of each option. Row by row, `row_fields` fields are free: the log prior probability of
    the rows' readings is `row_prior`, that of the one script `script_prior`."""

    document: Document
    choice: Choice
    rows: tuple[Row, ...]
    claims: tuple[JudgedClaim, ...]
    runs: tuple[Run, ...]
    probable: tuple[tuple[float | None, ...], ...] = ()
    compared: int = 1
    script_prior: float = 0.0
    row_prior: float = 0.0
    row_fields: int = 0

    def restricted_to(self, ids: set[str]) -> "Assessment":
        """The assessment of some of the experiments; `runs` still has all runs."""
        document = self.document.restricted_to(ids)
        return replace(
            self,
            document=document,
            rows=tuple(row for row in self.rows if row.experiment.id in ids),
            claims=tuple(each for each in self.claims if each.claim in document.claim),
        )

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
    def chosen_readings(self) -> str:
        """The names of the chosen readings that are not the first ones."""
        named = zip(self.document.reading, self.choice, strict=True)
        return ", ".join(reading.name(option) for reading, option in named if option)

    @property
    def readings(self) -> tuple[JudgedReading, ...]:
        """The silent fields."""
        entries = zip(self.document.reading, self.choice, self.probable, strict=True)
        return tuple(JudgedReading(*each) for each in entries)

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
        return tuple(
            row.experiment.id
            for row in self.rows
            if row.experiment.id not in explained and any(each.verdict == "not reproduced" for each in row.best.figures)
        )

    @property
    def unclear(self) -> frozenset[str]:
        """The experiments of undecided claims and those with a weak verdict: more runs may decide them."""
        undecided = [each.claim.experiments for each in self.claims if each.chosen.judgement == "undecided"]
        weak = [row.experiment.id for row in self.rows if any(each.worth == "weak" for each in row.chosen.figures)]
        return frozenset(weak).union(*undecided)

    def tally(self, which: str) -> Counter[tuple[str, str]]:
        """How many figures and curves have each verdict and worth, in a column of the rows."""
        return Counter((each.verdict, each.worth) for row in self.rows for each in getattr(row, which).figures)

    def tally_text(self, which: str) -> str:
        """The tally as text; weak verdicts and parameter counts are counted apart."""
        tally = self.tally(which)
        parts = []
        for verdict in VERDICTS:
            counts = {worth: tally[verdict, worth] for worth in ("sharp", "weak", "")}
            if any(counts.values()):
                worths = ", ".join(f"{count} {worth}" for worth, count in counts.items() if count and worth)
                parts.append(f"{sum(counts.values())} {verdict}" + (f" ({worths})" if worths else ""))
        exact = sum(count for (_, worth), count in tally.items() if worth == "exact")
        equal = f"{tally['reproduced', 'exact']} of {exact} counts of parameters equal" if exact else ""
        return "; ".join(filter(None, (", ".join(parts), equal)))
