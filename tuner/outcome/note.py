"""The Markdown note that optuna-dashboard shows with a study."""

import optuna

from tuner.base.formatting import metric_label
from tuner.storage import StudyRecord
from tuner.storage.confirmed import Confirmed
from tuner.study import StudyFile


def write_note(study: optuna.Study, file: StudyFile, record: StudyRecord, confirmed: Confirmed | None) -> None:
    """Replace the study's note with what is known now."""
    from optuna_dashboard import save_note

    save_note(study, note(file, record, confirmed))


def note(file: StudyFile, record: StudyRecord, confirmed: Confirmed | None) -> str:
    """What the study is, how far it is, what its winner reaches, and the command that goes on with it."""
    lines = [
        f"# {file.title}",
        "",
        f"Optimizes **{', '.join(file.objectives)}** with `{file.search.sampler.kind}` sampling and "
        f"`{file.search.pruner.kind}` pruning. {record.count('complete')} trials finished, "
        f"{record.count('pruned')} pruned, {record.count('failed')} failed.",
        "",
    ]
    if confirmed is None:
        return "\n".join([*lines, "No winner is confirmed yet."])
    figure, tested = metric_label(confirmed.measure), confirmed.tested_in_words
    figures = ", ".join(f"{figure:.4f}" for figure in confirmed.validation)
    return "\n".join(
        [
            *lines,
            f"**Trial {confirmed.trial}** won. Trained again on {len(confirmed.seeds)} fresh seeds its validation "
            f"{figure} is {figures}.",
            f"{tested[0].upper()}{tested[1:]}.",
            "",
            f"Continue: `{record.onward}`",
        ]
    )
