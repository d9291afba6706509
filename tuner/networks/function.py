"""A network that a function of the user's makes: where the function is, what it asked, and what it was answered."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tuner.base.errors import Invalid
from tuner.base.metrics import Task
from tuner.base.ranges import CountOrZero, NonEmpty, record
from tuner.networks.hidden import Hidden
from tuner.networks.layer import Layer, Shape
from tuner.networks.parts import NamedShapes

FunctionOutput = Literal["softmax", "linear", "sigmoid", "signed", "probability", "log_odds", "custom"]
Outputs = int | NamedShapes
"""What a model returns for an example: so many numbers; or, for targets of any shape, the name and the shape of each target. A single
one has the name ''."""


@record
class LayerInfo:
    """A layer with weights of a model that a function has made; its multiply-adds for one forward example."""

    name: str
    multiply_adds: CountOrZero = 0


@record
class NetworkInfo:
    """The facts of a model that a function has made. `output` is what its numbers are: probabilities of all classes, logits or plain
    numbers, probabilities of labels, for two classes one number (from -1 to 1, a probability, or a logit), or what its own loss takes
    (`custom`). `compiled` names the optimizer and the loss that the function compiled it with, `metrics` are its metrics; `gathers` counts the numbers of all layers' outputs; `layers` are those
    with weights, from input to output. With a `problem` there is no model."""

    output: FunctionOutput = "softmax"
    parameters: CountOrZero = 0
    multiply_adds: CountOrZero = 0
    gathers: CountOrZero = 0
    compiled: str = ""
    problem: str = ""
    layers: tuple[LayerInfo, ...] = field(default=(), compare=False)  # and not in a recipe's key: earlier ones lack it
    metrics: tuple[str, ...] = field(default=(), compare=False)


@record
class Function:
    """A Keras model that a function of yours makes, or that a file has. `source` is a Python file, relative to the study file, and the
    function in it: `my_nets.py:build` (or a module that can be imported: `package.nets:build`). Its first parameter is `trial`, which
    suggests as an Optuna trial does, or `hp`, which is KerasTuner's; parameters named `inputs` and `outputs` get the shape of an example
    (where the data have pictures or arrays in columns, the shapes of the parts by name) and the number of outputs. It runs in training
    processes. `answers` are the values that it asked for; in a study file some of them may be fixed, or get another hole.

    `weights` is a file of trained weights, relative to the study file, which the function gets as its parameter `weights`. A `source`
    such as `base.keras` is a trained model itself, with a new last layer called `head`. The hash of such a file is a part of the recipe,
    so that a changed one is told.

    A model that the function compiles keeps its optimizer, loss and metrics; one that is not compiled gets those of `training`.
    `sha256` is the hash of the source; `python:` stands for a function that only existed in the Python process that began a study.
    """

    kind: Literal["function"] = "function"
    source: NonEmpty
    sha256: str = ""
    weights: str = ""
    weights_sha256: str = ""
    answers: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    found: NetworkInfo | None = None

    hidden: ClassVar[Hidden] = Hidden()  # of families only: a function decides on its own layers

    @property
    def info(self) -> NetworkInfo:
        """The facts of its model, as far as they are known."""
        return self.found or NetworkInfo()

    @property
    def output(self) -> FunctionOutput:
        """What the numbers of its model are."""
        return self.info.output

    @property
    def sizes(self) -> str:
        """Its answers."""
        return ", ".join(f"{name} {_text(answer)}" for name, answer in self.answers.items())

    def call(self, inputs: "Shape | NamedShapes", outputs: Outputs) -> "Call":
        """The call that makes its model again."""
        tasks: dict[str, Task] = {"linear": "regression", "sigmoid": "multi_label", "custom": "custom"}
        task = tasks.get(self.output, "classification")
        return Call(self.source, self.sha256, inputs, outputs, task, self.weights, self.weights_sha256)

    def layers(self, outputs: Outputs) -> Iterator[Layer]:
        """The whole model as one layer. Raises `Invalid` where the function makes none."""
        if self.info.problem:
            raise Invalid("network.source", self.info.problem)
        yield Layer(
            "function",
            (outputs if isinstance(outputs, int) else sum(math.prod(shape) for _, shape in outputs),),
            trainable=self.info.parameters,
            multiply_adds=self.info.multiply_adds,
            gathers=self.info.gathers,
            calculation=self.source,
        )


@dataclass(frozen=True)
class Call:
    """A function or a file, and what it gets: the shape of an example or of each of its parts, the number of outputs, for a task, and a
    file of weights."""

    source: str
    sha256: str
    inputs: Shape | NamedShapes
    outputs: Outputs
    task: Task = "classification"
    weights: str = ""
    weights_sha256: str = ""

    @property
    def name(self) -> str:
        """The function's own name."""
        return self.source.rpartition(":")[2]

    @property
    def is_binary(self) -> bool:
        """Whether one number may stand for two classes."""
        return self.task == "classification" and self.outputs == 2


def is_model(source: str) -> bool:
    """Whether a source is a file with a trained model."""
    return source.endswith(".keras")


def _text(answer: object) -> str:
    return f"{answer:.3g}" if isinstance(answer, float) else str(answer)
