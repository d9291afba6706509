"""What came of a document in a few figures: what was replicated under each way to read it, its claims, and what searches found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from tuner.base.formatting import duration_text
from tuner.charts.content import Cell, Table
from tuner.documents.assessment import Assessment, Row
from tuner.documents.claims import JUDGEMENTS
from tuner.documents.drawings import spread_text
from tuner.documents.verdicts import VERDICTS, Verdict

TEST = "test_accuracy"

WAYS = {
    "chosen": "one script",
    "left_out": "script chosen without the row",
    "first": "first readings",
    "best": "row by row",
}
"""How a document can be read, by the columns of its rows."""

NOTE = "One script: the most probable readings of what is left unsaid, the same for all experiments. Without the row: chosen by the other experiments, so that no figure chooses its own reading. First readings: taken before any run. Row by row: each experiment has readings of its own. Sharp: the reports of at most a quarter of the document's other networks would pass in its place."


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


def documents_table(id_: str, assessments: Sequence[Assessment]) -> Table:
    """A row for each document: how many figures are reproduced under each way to read it, and its claims."""
    rows: list[tuple[Cell, ...]] = []
    for each in assessments:
        counted = [_counts(each, which) for which in WAYS]
        judgements = [claim.chosen.judgement for claim in each.claims]
        (verdicts, sharp, equal), reproduced = counted[0], (way["reproduced"] for way, *_ in counted)
        claims = map(judgements.count, JUDGEMENTS)
        rows.append((each.document.title, sum(verdicts.values()), *reproduced, sharp, equal, *claims))
    ways, about = (f"reproduced: {way}" for way in WAYS.values()), (f"claims: {each}" for each in JUDGEMENTS)
    columns = ("document", "figures", *ways, "sharp", "parameter counts equal", *about)
    title = "How many of the reported accuracies and losses are reproduced, and which claims hold"
    return Table(id_, title, columns, tuple(rows), NOTE)


def ways_table(id_: str, assessment: Assessment) -> Table:
    """How many figures have each verdict under each way to read the document."""
    counted = ((way, *_counts(assessment, which)) for which, way in WAYS.items())
    rows = tuple((way, *verdicts.values(), sharp, equal) for way, verdicts, sharp, equal in counted)
    columns = ("readings of what it leaves unsaid", *VERDICTS, "reproduced and sharp", "parameter counts equal")
    return Table(id_, "How many of its figures are reproduced", columns, rows, NOTE)


def lead(assessment: Assessment, own: Sequence[Row], searches: Sequence[Searched]) -> Iterator[str]:
    """What the document is, what was replicated of it, and what came of it."""
    environment, claims = assessment.runs[0].environment, [each.chosen.judgement for each in assessment.claims]
    where = f"on {environment.get('cores', '?')} cores of {environment.get('processor', 'an unknown processor')}"
    data = ", ".join(dict.fromkeys(row.chosen.runs[0].dataset for row in own))
    verdicts, sharp, equal = _counts(assessment, "chosen")
    figures = sum(verdicts.values())
    yield f"What it is: {len(own)} experiments on {data}, with {figures} reported accuracies and losses and {len(claims)} claims. We replicated it with {len(assessment.trainings)} trainings ({duration_text(assessment.seconds)} {where})."
    counts = ", ".join(f"{count} {each}" for each, count in verdicts.items() if count)
    exact = f"; {equal} counts of parameters are equal" if equal else ""
    counts = counts.replace("reproduced", f"reproduced ({sharp} of them sharply)", 1)
    yield f"What was replicated: with one script for all experiments, of {figures} accuracies and losses {counts}{exact}."
    held = ", ".join(f"{each} {claims.count(each)}" for each in JUDGEMENTS if each in claims)
    reporting = [row for row in own if row.experiment.values(TEST) and row.experiment.members == 1]
    alike = [row for row in own if row.chosen.runs[0].dataset == own[0].chosen.runs[0].dataset]
    best = max(reporting or alike, key=lambda row: fmean(row.experiment.values(TEST) or row.chosen.values(TEST)))
    said = (
        f"the best test accuracy that it reports is {max(best.experiment.values(TEST)):.4f}"
        if reporting
        else "it reports no test accuracy; the best in our runs is that"
    )
    ours = f"{spread_text(best.chosen.values(TEST))} in our runs ({len(best.chosen.runs)})"
    found = (f" The search “{each.title}” reaches {each.accuracy:.4f} ({each.cost})." for each in searches)
    yield f"What came of it: of its {len(claims)} claims: {held}; {said} of “{best.experiment.title}”, {ours}.{''.join(found)}"


def _counts(assessment: Assessment, which: str) -> tuple[dict[Verdict, int], int, str | None]:
    """How many accuracies and losses have each verdict, how many are reproduced and sharp, and the equal counts of parameters."""
    tally = assessment.tally(which)
    verdicts = {each: sum(tally[each, worth] for worth in ("sharp", "weak", "")) for each in VERDICTS}
    exact = sum(tally[each, "exact"] for each in VERDICTS)
    return verdicts, tally["reproduced", "sharp"], f"{tally['reproduced', 'exact']} of {exact}" if exact else None
