"""From what was found in own data to the text of a study file: commented, ready to run, made to be changed by hand."""

import json
from collections.abc import Iterator

from tuner.data.ingest.goal import Goal
from tuner.data.ingest.profile import TableProfile
from tuner.data.ingest.profile_files import ArraysProfile, ImagesProfile
from tuner.init.advice import Profile, Wish, asked, folds, has_holdout, objective, stratifies, training_rows
from tuner.init.spaces import space


def study_text(found: Profile, wish: Wish) -> str:
    """The text of a study file."""
    lines = [*_head(found, wish), *_data(found, wish), "", *_protocol(found, wish), ""]
    return "\n".join(lines) + "\n" + space(asked(found, wish))


def _head(found: Profile, wish: Wish) -> Iterator[str]:
    name, reason = objective(found.goal, training_rows(found, wish))
    yield f"# Made by `python -m tuner init {wish.name}` from {_comment(wish.path)}; change what you like."
    yield f"title = {_quoted(f'{wish.name}: {_in_words(found.goal)}')}"
    yield f'objective = "{name}"  # {reason}'
    pruner = (
        '"asha"'
        if asked(found, wish).side
        else '"none"  # networks on rows overfit: who leads early is often behind later'
    )
    yield from HEAD.format(minutes=float(wish.minutes), pruner=pruner).splitlines()


HEAD = """
# The minutes are all there is to say: search, confirmation and test end within them.
[budget]
minutes = {minutes}
trials = 0
epochs = "fit"

[search]
sampler = {{ kind = "tpe", startup_trials = 2 }}
pruner = {pruner}
near = 0.8  # where there is time for few trials

[confirmation]
members = 8  # networks that the model may be an average of, at the most
"""


def _in_words(goal: Goal) -> str:
    targets = ", ".join(goal.targets[:3]) + (" …" if len(goal.targets) > 3 else "")
    match goal.task:
        case "classification":
            return f"{targets}, one of {len(goal.classes)} classes"
        case "multi_label":
            return f"{len(goal.targets)} labels ({targets})"
        case "regression":
            return targets


def _data(found: Profile, wish: Wish) -> Iterator[str]:
    yield ""
    yield "[recipe.data]"
    yield f'kind = "{kind_of(found)}"'
    is_file = not wish.path.startswith("sklearn:")
    yield (
        f"path = {_quoted(wish.path)}"
        + "  # from this file's folder, the one beside `studies`, TUNER_DATA's, or the root" * is_file
    )
    if not isinstance(found, ImagesProfile):
        yield f'task = "{found.goal.task}"  # {_comment(found.goal.reason)}'
    yield from _classes(found.goal)
    match found:
        case TableProfile():
            yield from _table(found)
        case ArraysProfile():
            yield from _arrays(found)
        case ImagesProfile():
            yield from _images(found)
    if isinstance(wish.test, str):
        yield f"test = {_quoted(wish.test)}  # opened once, at the end"
    elif not found.test_rows:
        how = f"cut off {_how_cut(found)}, and opened once, at the end" if wish.test.share else "nothing is tested"
        yield f"test = {{ share = {wish.test.share}, seed = {wish.test.seed} }}  # {how}"
    if isinstance(found, TableProfile):
        yield from _columns(found)


def kind_of(found: Profile) -> str:
    """As study files call it."""
    match found:
        case TableProfile():
            return "table"
        case ArraysProfile():
            return "arrays"
        case ImagesProfile():
            return "images"


def _classes(goal: Goal) -> Iterator[str]:
    if goal.counts:
        first = ", ".join(f"{name} {count}" for name, count in zip(goal.classes, goal.counts, strict=True))
        yield f"# {'rows of each label' if goal.task == 'multi_label' else 'rows of each class'}: {_comment(first)}"


def _how_cut(found: Profile) -> str:
    if found.roles.time:
        return "at the end of time"
    if found.roles.group:
        return "in whole groups"
    return "with all classes alike" if found.goal.task == "classification" else "at random"


def _table(found: TableProfile) -> Iterator[str]:
    targets, roles = found.goal.targets, found.roles
    yield f"target = {_quoted(targets[0]) if len(targets) == 1 else json.dumps(list(map(str, targets)), ensure_ascii=False)}"
    yield from (
        f"{role} = {_quoted(name)}  # {why}"
        for role, name, why in (
            ("group", roles.group, "rows of one group never stand on both sides of a split"),
            ("time", roles.time, "splits keep this order"),
            ("weight", roles.weight, "how much each row counts"),
        )
        if name
    )


def _columns(found: TableProfile) -> Iterator[str]:
    yield "# What the network sees. The kinds are number, boolean, category, date and text."
    yield "columns = ["
    for column in found.columns:
        examples = ", ".join(column.examples) + (" …" if column.values > len(column.examples) else "")
        missing = f"; {share(column.missing)} missing" if column.missing else ""
        hint = f"; {column.hint}" if column.hint else ""
        said = f"{column.reason}, {column.values} different: {examples}{missing}{hint}"
        yield f'    {{ name = {_quoted(column.name)}, kind = "{column.kind}" }},  # {_comment(said)}'
    yield "]"
    if found.left_out:
        yield "# Left out:"
    for each in found.left_out:
        entry = f'{{ name = {_quoted(each.name)}, kind = "{each.kind}" }}' if each.kind else _quoted(each.name)
        yield f"#   {_comment(entry)}: {_comment(each.reason)}"
    if found.warnings:
        yield "# To be looked at:"
    yield from (f"#   {_comment(each)}" for each in found.warnings)


def _arrays(found: ArraysProfile) -> Iterator[str]:
    yield f"x = {_quoted(found.x)}  # {found.rows} examples of {'×'.join(map(str, found.shape))} {found.dtype}"
    yield f"y = {_quoted(found.y)}"
    if found.roles.group:
        yield f"groups = {_quoted(found.roles.group)}  # examples of one group never stand on both sides of a split"
    if found.roles.weight:
        yield f"weights = {_quoted(found.roles.weight)}"
    if found.test_rows:
        yield f"# The file has a test part of its own, {found.test_rows} examples; it is opened once, at the end."
    yield f'scaling = "{"unit" if found.dtype in ("uint8", "bool") else "standard"}"'


def _images(found: ImagesProfile) -> Iterator[str]:
    (smallest, middle, largest), size = found.sizes, found.size
    sizes = ", ".join(
        f"{name} {height}×{width}"
        for name, (height, width) in zip(("smallest", "median", "largest"), (smallest, middle, largest), strict=True)
    )
    yield f"size = [{size[0]}, {size[1]}]  # height and width; found: {sizes}"
    yield f"color = {'true' if found.color else 'false'}"


def _protocol(found: Profile, wish: Wish) -> Iterator[str]:
    """A holdout where there are rows enough or an order in time; else cross-validation, of fewer folds for few rows."""
    yield "# What is trained on and what validated on, both of the training part."
    yield "[recipe.protocol]"
    if found.roles.time:
        yield from ('kind = "holdout"  # the past tells the future', "validation = 0.2", 'pick = "last"')
        return
    pick = f'pick = "{"stratified" if stratifies(found, wish) else "random"}"'
    if has_holdout(found, wish):
        yield from ('kind = "holdout"', "validation = 0.2", pick)
        return
    yield from ('kind = "k_fold"  # every row is validated once', f"folds = {folds(found, wish)}", pick)


def share(part: float) -> str:
    """A share in percent, as a comment has it.

    >>> share(0.2), share(0.004), share(0.0001)
    ('20 %', '0.4 %', '0.01 %')
    """
    return f"{100 * part:.2g} %" if part < 0.995 else "100 %"


def _quoted(text: str) -> str:
    """A TOML string: JSON's, but for one character that TOML does not take as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """On one line, without characters that TOML does not take in comments."""
    return "".join(each if each.isprintable() else " " for each in text)
