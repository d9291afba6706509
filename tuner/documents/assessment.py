"""The result of judging a document: each reported figure under the first readings, under the one choice of readings that is
the most probable for the whole document, and under the most probable reading of its own experiment; each claim; the cost."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tuner.documents.claims import Decision
from tuner.documents.document import Choice, Document, Reading
from tuner.documents.experiment import Claim, Experiment
from tuner.documents.runs import Run, values_of
from tuner.documents.verdicts import VERDICTS, JudgedFigure

NAMED = 0.01
"""Less probable readings are not named with the chosen one."""


@dataclass(frozen=True)
class JudgedExperiment:
    """An experiment's figures and curves under one reading, with our runs of it. `compared` has the figure of our runs that a
    reported figure is compared with, where the two differ."""

    reading: str
    figures: tuple[JudgedFigure, ...]
    runs: tuple[Run, ...]
    compared: Mapping[str, str]

    @property
    def likelihood(self) -> float:
        """Log density of all reported figures."""
        return math.fsum(judged.likelihood for judged in self.figures)

    def values(self, figure: str) -> list[float]:
        """The values of our runs that a reported figure is compared with."""
        return values_of(self.compared.get(figure, figure), self.runs)

    def curves(self, figure: str) -> list[Sequence[float]]:
        """The curves of this name that our runs have."""
        return [run.curve[figure] for run in self.runs if figure in run.curve]


@dataclass(frozen=True)
class Row:
    """One experiment: under the `first` readings, under those `chosen` for the whole document, and under the `best` ones of
    itself among all that were `tried`."""

    experiment: Experiment
    first: JudgedExperiment
    chosen: JudgedExperiment
    best: JudgedExperiment
    tried: int


@dataclass(frozen=True)
class JudgedClaim:
    """A claim under the first readings and under the chosen ones."""

    claim: Claim
    first: Decision
    chosen: Decision


@dataclass(frozen=True)
class JudgedReading:
    """A silent field with the `chosen` option, or that of each row where rows have a choice each; `probable` has the posterior
    probability of each option, all others being as chosen; None for one that was not run."""

    reading: Reading
    chosen: tuple[int, ...]
    probable: tuple[float | None, ...]

    @property
    def silent(self) -> str:
        """The name of the field that the document leaves open."""
        return self.reading.silent + (", row by row" if self.reading.by_row else "")

    @property
    def conclusion(self) -> str:
        """The most probable reading, in a few words."""
        names = [option.name for option in self.reading.options]
        if not any(share is not None for share in self.probable):
            return f"no reported figure tells; taken: {names[self.chosen[0]]}"
        if self.reading.by_row:
            counts = sorted(Counter(self.chosen).items())
            rows = (f"{names[each]} in {count} of {len(self.chosen)} rows" for each, count in counts)
            return f"the most probable: {', '.join(rows)}"
        pairs = zip(names, self.probable, strict=True)
        known = [f"{name} {share:.2g}" for name, share in pairs if share is not None and share >= NAMED]
        alternatives = f" (of {', '.join(known)})" if len(known) > 1 else ""
        return f"the most probable: {names[self.chosen[0]]}{alternatives}"


@dataclass(frozen=True)
class Assessment:
    """A whole document with all its runs. `probable` has for each of its readings the probability of each option, all others
    being as chosen; None for an option that has not been run. `compared` counts the choices of readings that were
    compared."""

    document: Document
    choice: Choice
    rows: tuple[Row, ...]
    claims: tuple[JudgedClaim, ...]
    runs: tuple[Run, ...]
    probable: tuple[tuple[float | None, ...], ...] = ()
    compared: int = 1

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
        rows: dict[str, list[str]] = {}
        for reading, option in zip(self.document.reading, self.choice, strict=True):
            if option:
                rows.setdefault(reading.name(option), []).extend(reading.only if reading.by_row else ())
        return ", ".join(f"{name} ({', '.join(ids)})" if ids else name for name, ids in rows.items())

    @property
    def readings(self) -> tuple[JudgedReading, ...]:
        """The silent fields; one whose rows have a choice each is one entry."""
        judged: dict[str, JudgedReading] = {}
        for reading, option, probable in zip(self.document.reading, self.choice, self.probable, strict=True):
            name = reading.silent if reading.by_row else f"{reading.id} {reading.only}"
            before = judged.get(name, JudgedReading(reading, (), ()))
            known = probable if any(share is not None for share in probable) else before.probable or probable
            judged[name] = JudgedReading(reading, (*before.chosen, option), known)
        return tuple(judged.values())

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
        """How many figures and curves have each verdict and worth, under the `first`, `chosen` or `best` readings."""
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
