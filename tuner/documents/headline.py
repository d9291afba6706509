"""What came of a document in a few figures: what was replicated under each way to read it, its claims, and what searches found."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from statistics import fmean

from tuner.base.formatting import duration_text
from tuner.charts.content import Cell, Table
from tuner.documents.assessment import Assessment, Row
from tuner.documents.claims import JUDGEMENTS, LOOKS
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

NOTE = "A document does not state all settings. One script: all experiments have the settings that explain the document best. Script chosen without the row: the settings that explain the other experiments best, so that no report chooses its own settings. First readings: settings that were fixed before any run. Row by row: each experiment has the settings that explain it best. Reproduced: within the 95 % interval around the mean of our runs. Close: within twice that, one point of accuracy, or a tenth of a loss. A verdict is sharp if at most a quarter of the other experiments' figures would have one as good in its place, else weak: it says little. The same for reports as a whole: all figures of an experiment together."


@dataclass(frozen=True)
class Searched:
    """What a search came to: its final model's test accuracy, and the `seconds` of all trainings, which older summaries lack."""

    title: str
    dataset: str
    accuracy: float
    seconds: float | None = None


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

    @property
    def text(self) -> str:
        """Reproduced and close."""
        return f"{self.reproduced} + {self.close}"


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


def documents_table(id_: str, assessments: Sequence[Assessment]) -> Table:
    """A row for each document: how many figures are reproduced and close under each way to read it, and its claims."""
    rows: list[tuple[Cell, ...]] = []
    for each in assessments:
        script, *others = (count(each, which) for which in WAYS)
        ways, judgements = (way.text for way in (script, *others)), [claim.chosen.judgement for claim in each.claims]
        figures = (script.checked, *ways, script.sharp, script.reports, script.equal)
        rows.append((each.document.title, *figures, *map(judgements.count, JUDGEMENTS)))
    worth_columns = ("sharp, one script", "sharp reports, one script", "parameter counts equal")
    columns = ("document", "figures", *WAYS.values(), *worth_columns, *(f"claims: {each}" for each in JUDGEMENTS))
    title = "How many of the reported accuracies and losses are reproduced + close, and which claims hold"
    return Table(id_, title, columns, tuple(rows), NOTE)


def ways_table(id_: str, assessment: Assessment) -> Table:
    """How many figures have each verdict, under each way to read the document."""
    rows = tuple((way, *astuple(count(assessment, which))) for which, way in WAYS.items())
    columns = ("settings that it leaves open", *VERDICTS[:3], "sharp", "sharp reports", "parameter counts equal")
    return Table(id_, "How many of its figures are reproduced", columns, rows, NOTE)


def lead(assessment: Assessment, own: Sequence[Row], searches: Sequence[Searched]) -> Iterator[str]:
    """What the document is, what was replicated of it, and what came of it."""
    environment, script = assessment.runs[0].environment, count(assessment, "chosen")
    judgements = [each.chosen.judgement for each in assessment.claims]
    where = f"on {environment.get('cores', '?')} cores of {environment.get('processor', 'an unknown processor')}"
    data = ", ".join(dict.fromkeys(row.chosen.runs[0].dataset for row in own))
    yield f"What it is: {len(own)} experiments on {data}. The document reports {script.checked} accuracies and losses that can be checked, and makes {len(judgements)} claims. We trained all of its networks again: {len(assessment.trainings)} trainings, {duration_text(assessment.seconds)} {where}."
    exact = f" {script.equal} counts of parameters are equal." if script.equal else ""
    yield f"What was replicated: {script.reproduced} of the {script.checked} figures are reproduced and {script.close} are close, with the same settings for all experiments where the document states none.{_differing(own)}{exact} {script.sharp} of these {script.reproduced + script.close} verdicts are sharp: most other figures of the document would not pass in their place. Of the reports as a whole {script.reports} are sharp."
    held = ", ".join(f"{each} {judgements.count(each)}" for each in JUDGEMENTS if each in judgements)
    doubtful = sum(each.covered < 0.5 for each in assessment.claims)
    scope = f" {doubtful} of them are judged under less probable settings, because the most probable ones have fewer than {LOOKS[0]} runs."
    found = (f" The search “{each.title}” reaches {each.accuracy:.4f}{_cost(each)}." for each in searches)
    yield f"What came of it: the verdicts of our runs on its {len(judgements)} claims: {held}.{scope if doubtful else ''} {_best(own)}{''.join(found)}"


def _cost(search: Searched) -> str:
    return "" if search.seconds is None else f" after {duration_text(search.seconds)} of training"


def _differing(own: Sequence[Row]) -> str:
    """The experiments with a figure that is not reproduced; three of them by name."""
    names = [f"“{row.experiment.title}”" for row in own if row.chosen.differs]
    others = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f" Not reproduced: a figure of {', '.join(names[:3])}{others}." if names else ""


def _best(own: Sequence[Row]) -> str:
    """The best network by the reported test accuracy, or by ours on the first row's data."""
    reporting = [row for row in own if row.experiment.values(TEST) and row.experiment.members == 1]
    alike = [row for row in own if row.chosen.runs[0].dataset == own[0].chosen.runs[0].dataset]
    best = max(reporting or alike, key=lambda row: fmean(row.experiment.values(TEST) or row.chosen.values(TEST)))
    ours = f"{len(best.chosen.runs)} of our runs reach {spread_text(best.chosen.values(TEST))}"
    network = f"“{best.experiment.title}”"
    if not reporting:
        return f"The document reports no test accuracy; its best network in our runs is {network}: {ours}."
    return f"The best test accuracy that it reports is {max(best.experiment.values(TEST)):.4f} ({network}): {ours}."
