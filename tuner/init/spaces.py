"""The search spaces that generated study files begin with: one for tables, one for vectors; that for images is in `image_space`.

All that a search may choose is said here, and where it starts; what follows from the data alone is in `template`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from string import Template

from tuner.base.metrics import Task
from tuner.init.image_space import IMAGES, for_side

MOST_NUMBERS_SPREAD = 200
"""Columns of numbers that may each become many inputs."""


@dataclass(frozen=True)
class Asked:
    """What of the data a space must know. `numbers` counts a table's columns of numbers; `side` is the shorter side of images, in
    pixels (0: they are none); `loss`, `batch` sizes and `epochs` (the fewest, those to begin with, the most) follow from task
    and rows, as does into how many `bins` a column of numbers is cut; of `few` rows networks are held smoother."""

    task: Task
    loss: str
    batch: tuple[int, ...]
    epochs: tuple[int, int, int]
    few: bool = False
    numbers: int = 0
    bins: int = 16
    side: int = 0
    balances: bool = False


def space(asked: Asked) -> str:
    """The part of a study file from `[recipe.data.encoding]` on, with where to start; it ends the file."""
    fewest, first, most = asked.epochs
    names = {
        "output": OUTPUTS[asked.task],
        "batch": ", ".join(map(str, asked.batch)),
        "first_batch": str(asked.batch[len(asked.batch) // 2]),
        "loss": asked.loss,
        "balance": BALANCE if asked.balances else "",
        "first_balance": '"training.class_weights" = "none"\n' if asked.balances else "",
    }
    if asked.side:
        names |= {"epochs": str(most), **for_side(asked.side)}
        return _filled(TRAINING + IMAGES, names)
    epochs = f"{{ low = {fewest}, high = {most}, log = true }}"
    names |= {"epochs": epochs, "encoding": _encoding(asked), "starts": "\n".join(_starts(asked, first))}
    return _filled(ROWS, names)


def _filled(template: str, names: dict[str, str]) -> str:
    made = Template(template).substitute(names)
    return "\n".join(line for line in made.splitlines() if line != "-") + "\n"


OUTPUTS: dict[Task, str] = {"classification": "softmax", "multi_label": "sigmoid", "regression": "linear"}
FIRST_LOSS: dict[Task, str] = {
    "classification": '"training.loss.label_smoothing" = 0.0',
    "multi_label": "-",
    "regression": '"training.loss.kind" = "mean_squared_error"',
}
BALANCE = 'class_weights = { choice = ["none", "balanced"] }  # whether rare classes count as much as frequent ones\n'


def _encoding(asked: Asked) -> str:
    if not asked.numbers:
        return ""
    ways = _ways(asked.numbers)
    said = ", ".join(f'"{way}"' for way in ways)
    head = (
        "# How numbers reach the network; docs/reference-study-file.md tells what each does.\n[recipe.data.encoding]\n"
    )
    bins = f"bins = {asked.bins}  # where they are taken piecewise\n" * ("piecewise" in ways)
    return f"{head}numbers = {{ choice = [{said}] }}\n{bins}\n"


def _ways(numbers: int) -> tuple[str, ...]:
    return ("piecewise", "periodic", "robust", "quantile") if numbers <= MOST_NUMBERS_SPREAD else ("robust", "quantile")


def _starts(asked: Asked, epochs: int) -> Iterator[str]:
    """The same network three times, as it did best on real tables (benchmarks/tables.py names them): for what is hard to tell,
    for what chance has a large part in, and for waves."""
    known = _ways(asked.numbers) if asked.numbers else ("",)
    balances = ("none", "balanced", "none") if asked.balances else ("", "", "")
    firsts = FEW_ROWS if asked.few else MANY_ROWS
    for (way, rate, decay), balance in zip(firsts, balances, strict=True):
        lines = {
            "way": f'"data.encoding.numbers" = "{way if way in known else known[0]}"' if known[0] else "-",
            "epochs": str(epochs),
            "batch": str(asked.batch[len(asked.batch) // 2]),
            "loss": FIRST_LOSS[asked.task],
            "balance": f'"training.class_weights" = "{balance}"' if balance else "-",
            "members": "8" if asked.few else "4",
            "rate": str(rate),
            "decay": str(decay),
        }
        yield Template(START).substitute(lines)


FEW_ROWS = (("piecewise", 0.002, 1.0), ("robust", 0.002, 0.3), ("periodic", 0.002, 0.3))
MANY_ROWS = (("piecewise", 0.005, 0.1), ("quantile", 0.005, 0.3), ("periodic", 0.005, 0.1))
"""How numbers reach the network, the learning rate, the weight decay."""

START = """\
[[start]]
$way
$loss
$balance
"network.kind" = "ensemble_dense"
"network.ensemble_dense.widths.count" = 2
"network.ensemble_dense.widths[0]" = 128
"network.ensemble_dense.widths[1]" = 128
"network.ensemble_dense.members" = $members
"network.ensemble_dense.hidden.dropout" = 0.1
"training.batch_size" = $batch
"training.epochs" = $epochs
"training.averaging" = 0.0
"training.optimizer.learning_rate" = $rate
"training.optimizer.weight_decay" = $decay
"""


TRAINING = """\
# What is trained, and how.
[recipe.training]
loss = $loss
batch_size = { choice = [$batch] }
epochs = $epochs  # in one fold, as far as there is time for them
${balance}averaging = { choice = [0.0, 0.99] }  # of the weights, over the steps
"""

ROWS = (
    "$encoding"
    + TRAINING
    + """\
schedule = { kind = "cosine", warmup = 0.1 }

[recipe.training.optimizer]
kind = "adamw"
learning_rate = { low = 5e-4, high = 1e-2, log = true }
weight_decay = { low = 1e-3, high = 1.0, log = true }  # few rows bear much of it

# The networks: each [[recipe.network.one_of]] is a family; take out what you do not want, with its [[start]].
[[recipe.network.one_of]]
kind = "ensemble_dense"  # many networks in one, as they do well on tables
widths = { repeat = { low = 1, high = 3 }, each = { low = 64, high = 512, log = true } }
members = { choice = [4, 8, 16] }
output = "$output"
[recipe.network.one_of.hidden]
initializer = "he_normal"
dropout = { low = 0.0, high = 0.5 }

[[recipe.network.one_of]]
kind = "residual_dense"
width = { low = 64, high = 512, log = true }
blocks = { low = 1, high = 4 }
expansion = 2
output = "$output"
[recipe.network.one_of.hidden]
initializer = "he_normal"
batch_normalization = "before"
normalization_momentum = 0.9
dropout = { low = 0.0, high = 0.5 }

[[recipe.network.one_of]]
kind = "dense"
widths = { repeat = { low = 1, high = 4 }, each = { low = 32, high = 512, log = true } }
output = "$output"
[recipe.network.one_of.hidden]
initializer = "he_normal"
batch_normalization = { choice = ["none", "before"] }
normalization_momentum = 0.9
dropout = { low = 0.0, high = 0.5 }

# What is tried first; the search goes on from the best of them.
$starts
"""
)
