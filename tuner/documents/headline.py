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
    "chosen": "one script for all experiments",
    "first": "the first readings",
    "best": "the best readings of each experiment",
}
"""How a document can be read, by the columns of its rows."""


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
    note = "Figures: reported accuracies and losses. Sharp: reproduced with one script, and less than half of the document's other networks would pass in its place. Claims: in our runs."
    return Table(id_, "How many figures are reproduced, and what holds", columns, tuple(rows), note)


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
    yield f"What was replicated: with one script for all experiments, of {figures} accuracies and losses {counts.replace('reproduced', f'reproduced ({sharp} of them sharply)', 1)}{exact}."
    held = ", ".join(f"{each} {claims.count(each)}" for each in JUDGEMENTS if each in claims)
    best = max(own, key=lambda row: fmean(row.chosen.values(TEST)))
    reported, ours = best.experiment.values(TEST), spread_text(best.chosen.values(TEST))
    told = f"reported {spread_text(reported)}" if reported else "none is reported"
    found = (f" The search “{each.title}” reaches {each.accuracy:.4f} ({each.cost})." for each in searches)
    yield f"What came of it: of its {len(claims)} claims: {held}. The best network by test accuracy is “{best.experiment.title}”: {told}, ours {ours}.{''.join(found)}"


def _counts(assessment: Assessment, which: str) -> tuple[dict[Verdict, int], int, str | None]:
    """How many accuracies and losses have each verdict, how many are reproduced and sharp, and the equal counts of parameters."""
    tally = assessment.tally(which)
    verdicts = {each: sum(tally[each, worth] for worth in ("sharp", "weak", "")) for each in VERDICTS}
    exact = sum(tally[each, "exact"] for each in VERDICTS)
    return verdicts, tally["reproduced", "sharp"], f"{tally['reproduced', 'exact']} of {exact}" if exact else None
