"""Plain models beside a confirmed winner: trained once a study, when everything else is done."""

from tuner.base.formatting import duration_text
from tuner.references import MODELS, ReferenceModel, seconds_for
from tuner.references.record import SHARE
from tuner.search.context import Context
from tuner.storage.confirmed import Confirmed
from tuner.storage.references import keep_anchors, kept_anchors
from tuner.worker import perform_all
from tuner.worker.executor import Executor
from tuner.worker.jobs import Anchors, Failure


def seconds_reserved(context: Context, seconds: float) -> float:
    """What of the seconds of a call is left to plain models: nothing in a study that has trained some."""
    if not context.file.confirmation.anchors or context.study.user_attrs.get("anchors"):
        return 0.0
    return min(SHARE * seconds, seconds_for(seconds))


def anchors_beside(
    context: Context, executor: Executor, confirmed: Confirmed | None, seconds: float
) -> tuple[ReferenceModel, ...]:
    """The plain models beside a confirmed winner, for which a call of so many seconds has a small share, shared out among the
    executor's processes; those of an earlier call where there are some. None where nothing is confirmed or the study wants none."""
    if confirmed is None or not context.file.confirmation.anchors:
        return ()
    recipe, measure = confirmed.recipe, context.measure
    kept = kept_anchors(context.study.user_attrs, recipe, measure)
    if kept is not None:
        return kept
    limit = seconds_for(seconds)
    context.listener.said(f"training plain models beside it, for at most {duration_text(limit)}")
    names = MODELS[recipe.data.task]
    count = min(executor.size, len(names))
    shares = [names[first::count] for first in range(count)]  # the last ones take the longest
    found: dict[str, ReferenceModel] = {}
    for answer in perform_all(executor, [Anchors(recipe, measure, limit, share) for share in shares]):
        if not isinstance(answer, tuple):
            reason = answer.reason if isinstance(answer, Failure) else str(answer)
            context.listener.said(f"no plain models beside it: {reason}")
            return ()
        found |= {each.name: each for each in answer}
    anchors = tuple(found[name] for name in names if name in found)
    keep_anchors(context.study, recipe, measure, anchors)
    return anchors
