"""What a document's judging comes to: each reported figure under the first readings, under the one choice of readings that is
the most probable for the whole document, and under the reading that is for its own experiment; each claim; what it took."""

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from tuner.documents.claims import Decision
from tuner.documents.document import Choice, Document, Option, Reading
from tuner.documents.experiment import Claim, Experiment
from tuner.documents.verdicts import VERDICTS, Judged, JudgedCurve

CLOSE = 0.01
"""A reading that is less probable is not named beside the chosen one."""


@dataclass(frozen=True)
class Judgements:
    """An experiment's figures and curves under one reading, and how probable that was before anything was run."""

    reading: str
    figures: tuple[Judged, ...]
    curves: tuple[JudgedCurve, ...]
    runs: int
    log_prior: float = 0.0

    @property
    def likelihood(self) -> float:
        """Log density of all reported figures."""
        return math.fsum(judged.likelihood for judged in self.figures)

    @property
    def evidence(self) -> float:
        """Log density of all reported figures together with the reading."""
        return self.likelihood + self.log_prior

    @property
    def all(self) -> tuple[Judged | JudgedCurve, ...]:
        """Everything that has a verdict."""
        return (*self.figures, *self.curves)


@dataclass(frozen=True)
class Row:
    """One experiment: `first` readings, those `chosen` for the whole document, and the `best` ones for itself among all
    that were `tried`."""

    experiment: Experiment
    first: Judgements
    chosen: Judgements
    best: Judgements
    tried: int
    seconds: float

    @property
    def disagrees(self) -> bool:
        """Whether a figure is not reproduced under any of its readings."""
        return any(each.verdict == "not reproduced" for each in self.best.all)


@dataclass(frozen=True)
class JudgedClaim:
    """A claim under the first readings and under the chosen ones, each with what decided it."""

    claim: Claim
    first: Decision
    chosen: Decision


@dataclass(frozen=True)
class ReadReading:
    """A silent field with what became of it: the `chosen` option, or that of each row where rows are read one by one; how
    `probable` the options are, all others being as chosen; None for one that was not run."""

    reading: Reading
    chosen: tuple[int, ...]
    probable: tuple[float | None, ...]

    @property
    def silent(self) -> str:
        """What the document does not say."""
        return self.reading.silent + (", row by row" if self.reading.by_row else "")

    @property
    def options(self) -> tuple[Option, ...]:
        """Its readings."""
        return self.reading.options

    @property
    def found(self) -> str:
        """Which is the most probable, in words."""
        if not any(share is not None for share in self.probable):
            return f"no reported figure tells; taken: {self.options[self.chosen[0]].name}"
        if self.reading.by_row:
            counts = Counter(self.chosen)
            return "the most probable: " + ", ".join(
                f"{self.options[option].name} in {counts[option]} of {len(self.chosen)} rows"
                for option in sorted(counts)
            )
        (chosen,) = self.chosen
        known = [
            f"{option.name} {share:.2g}"
            for option, share in zip(self.options, self.probable, strict=True)
            if share is not None and share >= CLOSE
        ]
        return f"the most probable: {self.options[chosen].name}" + (
            f" (of {', '.join(known)})" if len(known) > 1 else ""
        )


@dataclass(frozen=True)
class Assessment:
    """A whole document. `probable` has for each of its readings how probable each option is, all others being as chosen; None
    for an option that has not been run. `compared` is how many choices of readings were."""

    document: Document
    choice: Choice
    rows: tuple[Row, ...]
    claims: tuple[JudgedClaim, ...]
    seconds: float
    probable: tuple[tuple[float | None, ...], ...] = ()
    compared: int = 1

    def among(self, ids: Collection[str]) -> "Assessment":
        """What it says of some of the experiments."""
        document = self.document.among(ids)
        kept = {claim.id for claim in document.claim}
        return replace(
            self,
            document=document,
            rows=tuple(row for row in self.rows if row.experiment.id in ids),
            claims=tuple(each for each in self.claims if each.claim.id in kept),
        )

    @property
    def chosen(self) -> str:
        """The chosen readings that are not the first ones, in words."""
        found: dict[str, list[str]] = {}
        for reading, number in zip(self.document.reading, self.choice, strict=True):
            if number:
                found.setdefault(f"{reading.id}: {reading.options[number].name}", []).extend(
                    reading.only * reading.by_row
                )
        return ", ".join(f"{name} ({', '.join(rows)})" if rows else name for name, rows in found.items())

    @property
    def readings(self) -> tuple[ReadReading, ...]:
        """The silent fields with what became of them, those that are read row by row as one."""
        found: dict[str, ReadReading] = {}
        for reading, option, probable in zip(self.document.reading, self.choice, self.probable, strict=True):
            name = reading.silent if reading.by_row else f"{reading.id} {reading.only}"
            before = found.get(name, ReadReading(reading, (), ()))
            told = probable if any(share is not None for share in probable) else before.probable or probable
            found[name] = ReadReading(reading, (*before.chosen, option), told)
        return tuple(found.values())

    @property
    def open(self) -> tuple[str, ...]:
        """The experiments that disagree with the document without an explanation."""
        explained = {name for finding in self.document.finding for name in finding.about}
        return tuple(row.experiment.id for row in self.rows if row.disagrees and row.experiment.id not in explained)

    @property
    def unclear(self) -> frozenset[str]:
        """The experiments that more runs may say more of: those of undecided claims, and those with a weak verdict."""
        undecided = [each.claim.experiments for each in self.claims if each.chosen.judgement == "undecided"]
        weak = [row.experiment.id for row in self.rows if any(each.worth == "weak" for each in row.chosen.all)]
        return frozenset(weak).union(*undecided)

    def tally(self, which: str) -> Counter[tuple[str, str]]:
        """How many figures and curves have each verdict and worth, under the `first`, `chosen` or `best` readings."""
        return Counter((each.verdict, each.worth) for row in self.rows for each in getattr(row, which).all)

    def counted(self, which: str) -> str:
        """The same in words; what only weak verdicts say is counted apart, and so are the counts of parameters."""
        tally = self.tally(which)
        parts = []
        for verdict in VERDICTS:
            sharp, weak, other = (tally[verdict, worth] for worth in ("sharp", "weak", ""))
            if sharp + weak + other:
                said = ", ".join(f"{count} {name}" for count, name in ((sharp, "sharp"), (weak, "weak")) if count)
                parts.append(f"{sharp + weak + other} {verdict}" + (f" ({said})" if said else ""))
        exact = sum(count for (_, worth), count in tally.items() if worth == "exact")
        equal = tally["reproduced", "exact"]
        counts = f"{equal} of {exact} counts of parameters equal" if exact else ""
        return "; ".join(filter(None, (", ".join(parts), counts)))

    def count(self, verdict: str, which: str) -> int:
        """How many figures and curves have a verdict, parameter counts among them."""
        return sum(often for (each, _), often in self.tally(which).items() if each == verdict)
