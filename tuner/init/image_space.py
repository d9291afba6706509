"""The part of a search space that networks on images are alone with: how images are changed, the networks, where to start."""


def for_side(side: int) -> dict[str, str]:
    """What the template must know of images whose shorter side has so many pixels: the stem, each stage but the first, and
    `flatten` halve the maps."""
    stages = max(1, min(4, side.bit_length() - 2))
    first = [f'"network.staged.filters[{place}]" = {32 * 2**place}' for place in range(min(2, stages))]
    count = [f'"network.staged.filters.count" = {len(first)}'] * (stages > 1)
    return {"stages": str(stages), "first_filters": "\n".join(count + first), "shift": str(max(1, side // 14))}


IMAGES = """\
schedule = { one_of = [{ kind = "cosine", warmup = 0.1 }, { kind = "one_cycle", rise = 0.25 }] }
# How training images are changed each time they are seen: take flip out where left and right differ. There are also rotate,
# zoom and elastic.
augmentation = { flip = { choice = [false, true] }, shift = { low = 0, high = $shift }, erase = { low = 0.0, high = 0.4 } }

[recipe.training.optimizer]
one_of = [
    { kind = "adam", learning_rate = { low = 5e-4, high = 1e-2, log = true } },
    { kind = "adamw", learning_rate = { low = 5e-4, high = 1e-2, log = true }, weight_decay = { low = 1e-3, high = 0.1, log = true } },
    { kind = "sgd", learning_rate = { low = 2e-2, high = 0.5, log = true }, momentum = 0.9, nesterov = true, weight_decay = { low = 1e-4, high = 3e-3, log = true } },
]

# The networks: each [[recipe.network.one_of]] is a family; take out what you do not want, with its [[start]].
[[recipe.network.one_of]]
kind = "staged"
filters = { repeat = { low = 1, high = $stages }, each = { choice = [32, 64, 96, 128] } }  # processors like sixteens
block = { choice = ["plain", "residual"] }
stem = { choice = [0, 32] }
stem_reduces = "pool"
stage_dropout = { low = 0.0, high = 0.4 }
bridge = { choice = ["flatten", "average"] }
widths = { repeat = { low = 0, high = 1 }, each = { low = 64, high = 512, log = true } }
output = "$output"
[recipe.network.one_of.hidden]
precision = "auto"  # bfloat16 on processors that have it
initializer = "he_normal"
batch_normalization = "before"
normalization_momentum = 0.9
dropout = { low = 0.0, high = 0.5 }

[[recipe.network.one_of]]
kind = "dense"
widths = { repeat = { low = 1, high = 4 }, each = { low = 64, high = 512, log = true } }
output = "$output"
[recipe.network.one_of.hidden]
precision = "auto"
initializer = "he_normal"
batch_normalization = { choice = ["none", "before"] }
normalization_momentum = 0.9
dropout = { low = 0.0, high = 0.5 }

# What is tried first; the search goes on from the best of them.
[[start]]
"network.kind" = "staged"
$first_filters
"network.staged.block" = "plain"
"network.staged.stem" = 0
"network.staged.stage_dropout" = 0.1
"network.staged.bridge" = "flatten"
"network.staged.widths.count" = 1
"network.staged.widths[0]" = 256
"network.staged.hidden.dropout" = 0.4
"training.batch_size" = $first_batch
${first_balance}"training.averaging" = 0.0
"training.optimizer.kind" = "adam"
"training.optimizer.adam.learning_rate" = 0.003
"training.schedule.kind" = "cosine"
"training.augmentation.flip" = false
"training.augmentation.shift" = 1
"training.augmentation.erase" = 0.0

[[start]]
"network.kind" = "staged"
$first_filters
"network.staged.block" = "plain"
"network.staged.stem" = 0
"network.staged.stage_dropout" = 0.1
"network.staged.bridge" = "flatten"
"network.staged.widths.count" = 1
"network.staged.widths[0]" = 256
"network.staged.hidden.dropout" = 0.4
"training.batch_size" = $first_batch
${first_balance}"training.averaging" = 0.99
"training.optimizer.kind" = "sgd"
"training.optimizer.sgd.learning_rate" = 0.1
"training.optimizer.sgd.weight_decay" = 0.0005
"training.schedule.kind" = "cosine"
"training.augmentation.flip" = false
"training.augmentation.shift" = 1
"training.augmentation.erase" = 0.0

[[start]]
"network.kind" = "dense"
"network.dense.widths.count" = 2
"network.dense.widths[0]" = 256
"network.dense.widths[1]" = 256
"network.dense.hidden.batch_normalization" = "before"
"network.dense.hidden.dropout" = 0.3
"training.batch_size" = $first_batch
${first_balance}"training.averaging" = 0.99
"training.optimizer.kind" = "adam"
"training.optimizer.adam.learning_rate" = 0.002
"training.schedule.kind" = "cosine"
"training.augmentation.flip" = false
"training.augmentation.shift" = 0
"training.augmentation.erase" = 0.0
"""
