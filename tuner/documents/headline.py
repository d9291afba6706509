"""What came of a document in a few figures: what was replicated under each way to read it, its claims, and what searches found."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from tuner.base.formatting import duration_text
from tuner.charts.content import Cell, Table
from tuner.documents.assessment import Assessment, Row
from tuner.documents.claims import JUDGEMENTS
from tuner.documents.drawings import spread_text
from tuner.documents.verdicts import EXACT, VERDICTS

TEST = "test_accuracy"

WAYS = {
    "chosen": "one script",
    "left_out": "script chosen without the row",
    "first": "first readings",
    "best": "row by row",
}
"""How a document can be read, by the columns of its rows."""

NOTE = "A document does not state all settings. One script: the most probable settings for what it leaves open, the same for all experiments. Script chosen without the row: chosen by the reports of the other experiments, so that no report chooses its own settings. First readings: fixed before any run. Row by row: each experiment has its own most probable settings. Reproduced: within the 95 % interval around the mean of our runs. Close: within twice that, one point of accuracy, or a tenth of a loss. Sharp: reproduced or close, and at most a quarter of the document's other reports would pass in its place; the others are weak."

NAMED = 3
"""So many experiments that are not reproduced are named in the second line."""


@dataclass(frozen=True)
class Searched:
    """What a search came to: the test accuracy of its final model on a data set, and the `seconds` that all its trainings took, of
    which a summary of an older version says nothing."""

    title: str
    dataset: str
    accuracy: float
    seconds: float | None = None

    @property
    def cost(self) -> str:
        """The seconds as text."""
        return f"{duration_text(self.seconds)} of training" if self.seconds is not None else "cost not stored"


@dataclass(frozen=True)
class Count:
    """How many of `checked` accuracies and losses are reproduced, close, and either and sharp; and the counts of parameters."""

    reproduced: int
    close: int
    checked: int
    sharp: int
    equal: str | None

    @property
    def text(self) -> str:
        """Reproduced and close."""
        return f"{self.reproduced} + {self.close}"


def count(assessment: Assessment, which: str) -> Count:
    """How many figures have each verdict under one of `WAYS`."""
    figures = [each for row in assessment.rows for each in getattr(row, which).figures]
    verdicts = Counter(each.verdict for each in figures if each.figure not in EXACT)
    exact = [each.verdict == "reproduced" for each in figures if each.figure in EXACT]
    return Count(
        verdicts["reproduced"],
        verdicts["close"],
        verdicts.total() - verdicts["cannot be checked"],
        sum(each.worth == "sharp" for each in figures),
        f"{sum(exact)} of {len(exact)}" if exact else None,
    )


def documents_table(id_: str, assessments: Sequence[Assessment]) -> Table:
    """A row for each document: how many figures are reproduced and close under each way to read it, and its claims."""
    rows: list[tuple[Cell, ...]] = []
    for each in assessments:
        counts = [count(each, which) for which in WAYS]
        judgements = [claim.chosen.judgement for claim in each.claims]
        ways, claims = (way.text for way in counts), map(judgements.count, JUDGEMENTS)
        rows.append((each.document.title, counts[0].checked, *ways, counts[0].sharp, counts[0].equal, *claims))
    columns = ("document", "figures", *WAYS.values(), "sharp, one script", "parameter counts equal")
    about = (f"claims: {each}" for each in JUDGEMENTS)
    title = "How many of the reported accuracies and losses are reproduced + close, and which claims hold"
    return Table(id_, title, (*columns, *about), tuple(rows), NOTE)


def ways_table(id_: str, assessment: Assessment) -> Table:
    """How many figures are reproduced under each way to read the document."""
    counts = ((way, count(assessment, which)) for which, way in WAYS.items())
    rows = tuple(
        (way, each.reproduced, each.close, each.checked - each.reproduced - each.close, each.sharp, each.equal)
        for way, each in counts
    )
    columns = ("settings that it leaves open", *VERDICTS[:3], "sharp", "parameter counts equal")
    return Table(id_, "How many of its figures are reproduced", columns, rows, NOTE)


def lead(assessment: Assessment, own: Sequence[Row], searches: Sequence[Searched]) -> Iterator[str]:
    """What the document is, what was replicated of it, and what came of it."""
    environment, claims = assessment.runs[0].environment, [each.chosen.judgement for each in assessment.claims]
    where = f"on {environment.get('cores', '?')} cores of {environment.get('processor', 'an unknown processor')}"
    data = ", ".join(dict.fromkeys(row.chosen.runs[0].dataset for row in own))
    script, *others = (count(assessment, which) for which in WAYS)
    yield f"What it is: {len(own)} experiments on {data}, which report {script.checked} accuracies and losses that can be checked and make {len(claims)} claims. We trained all of its networks again: {len(assessment.trainings)} trainings, {duration_text(assessment.seconds)} {where}."
    counts = ", ".join(f"{each.text} ({way})" for way, each in zip([*WAYS.values()][1:], others, strict=True))
    exact = f"; {script.equal} counts of parameters are equal" if script.equal else ""
    yield f"What was replicated: {script.reproduced} of the {script.checked} figures are reproduced and {script.close} are close{exact}. Where the document leaves settings open, all experiments have the same ones here (one script). Reproduced + close under the other ways to read it: {counts}. {script.sharp} of the {script.reproduced + script.close} verdicts are sharp: few other reports of the document would pass in their place.{_differing(own)}"
    held = ", ".join(f"{each} {claims.count(each)}" for each in JUDGEMENTS if each in claims)
    doubtful = sum(each.covered < 0.5 for each in assessment.claims)
    scope = f" ({doubtful} of the {len(claims)} are judged under less probable settings only: under the most probable ones there are too few runs)"
    found = (f" The search “{each.title}” reaches {each.accuracy:.4f} ({each.cost})." for each in searches)
    yield f"What came of it: the verdicts on its {len(claims)} claims are {held}{scope if doubtful else ''}. {_best(own)}{''.join(found)}"


def _differing(own: Sequence[Row]) -> str:
    """The experiments with a figure that is not reproduced."""
    names = [row.experiment.title for row in own if any(each.verdict == VERDICTS[2] for each in row.chosen.figures)]
    others = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" Not reproduced: a figure of {', '.join(f'“{name}”' for name in names[:NAMED])}{others}." if names else ""


def _best(own: Sequence[Row]) -> str:
    """The best network by the reported test accuracy, or by ours on the first row's data."""
    reporting = [row for row in own if row.experiment.values(TEST) and row.experiment.members == 1]
    alike = [row for row in own if row.chosen.runs[0].dataset == own[0].chosen.runs[0].dataset]
    best = max(reporting or alike, key=lambda row: fmean(row.experiment.values(TEST) or row.chosen.values(TEST)))
    ours = f"{spread_text(best.chosen.values(TEST))} in our {len(best.chosen.runs)} runs"
    if not reporting:
        return f"It reports no test accuracy; “{best.experiment.title}” does best with {ours}."
    return f"The best test accuracy that it reports is {max(best.experiment.values(TEST)):.4f} of “{best.experiment.title}”: {ours}."
