"""A model with its metadata and its card, written in a format and to a place of the user's choice."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.base.decode import encode
from tuner.base.errors import StorageError, TunerError
from tuner.base.formatting import figure_text, metric_label
from tuner.base.writing import output_path
from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.outcome.card import card

if TYPE_CHECKING:
    from tuner.deploy.predictor import Predictor

FORMATS = {".keras": "keras", ".tflite": "litert", ".onnx": "onnx", "": "saved_model"}
"""The formats by suffix; a SavedModel is a folder."""
LARGEST_DIFFERENCE = 1e-4
EXAMPLES = 500
"""The most examples on which an export is compared with the model."""
CODED = "coded rows (see coding): numbers minus their origin, days since 1970, codes 2, 3, … of the values, 1 unseen, 0 missing"


@dataclass(frozen=True)
class Exported:
    """The files that were written, the largest difference from the model in float32 on so many examples of that origin, that of
    the model in its own precision (`rounding`), and the figures before and after quantization. Differences of probabilities are
    absolute, those of predicted numbers are shares of the largest one."""

    files: tuple[Path, ...]
    difference: float
    rounding: float
    examples: int
    origin: str
    figures: Mapping[str, tuple[float, float]]

    def lines(self) -> list[str]:
        """The export as text."""
        lines = [*map(str, self.files)]
        lines += [
            f"loaded again: differs from the model by at most {self.difference:.2g} on {self.examples} {self.origin}"
        ]
        if self.rounding:
            lines.append(
                f"computes in float32: the model itself rounds to bfloat16 and differs by at most {self.rounding:.2g}"
            )
        for name, (before, after) in self.figures.items():
            lines.append(f"{metric_label(name)}: {figure_text(before)} before, {figure_text(after)} quantized")
        return lines


def format_of(out: Path, format: str) -> str:
    """The format by its name or the suffix. Raises `StorageError` for an unknown one, and for a folder with other files."""
    chosen = format or FORMATS.get(out.suffix.lower(), "")
    if chosen not in FORMATS.values():
        raise StorageError(
            f"--out {out}: must end in .keras, .tflite or .onnx, or be a folder for a SavedModel; "
            "or add --format keras, saved_model, litert or onnx"
        )
    if chosen != "saved_model" and FORMATS.get(out.suffix.lower()) != chosen:
        suffix = next(each for each, name in FORMATS.items() if name == chosen)
        raise StorageError(f"--out {out}: must end in {suffix} for --format {chosen}")
    if out.is_dir() and (chosen != "saved_model" or (any(out.iterdir()) and not (out / "saved_model.pb").is_file())):
        raise StorageError(f"--out {out}: is a folder with other files in it")
    return chosen


def export_model(model: Path, out: Path, format: str, quantize: str, data: str, places: Places) -> Exported:
    """Write the model in a format, with its metadata (.json) and its card (.md), after it was loaded again and compared.

    Raises `TunerError` where it cannot be converted or its predictions differ; then nothing is written.
    """
    from tuner.base.metric_functions import compute_metrics
    from tuner.deploy.formats import convert
    from tuner.deploy.predictor import Predictor
    from tuner.training.saving import in_float32

    if quantize != "none" and format != "litert":
        raise TunerError(f"--quantize {quantize}: is for LiteRT (.tflite) only")
    predictor, rounded = Predictor.load(model, in_float32), Predictor.load(model)
    inputs, true, origin = _sample(predictor, data, places)
    before = predictor.predict_inputs(inputs).values
    with output_path(out) as path:
        after = predictor.output.postprocess(convert(predictor, path, format, quantize, inputs))
        scale = (
            np.abs(before).max(axis=0) + np.finfo(np.float32).tiny
            if predictor.output.task in ("regression", "custom")
            else 1.0
        )
        others = (after, rounded.predict_inputs(inputs).values)
        difference, rounding = (float((np.abs(each - before) / scale).max()) for each in others)
        if not difference <= (LARGEST_DIFFERENCE if quantize == "none" else np.inf):  # NaN is refused, too
            raise TunerError(f"{out}: differs from the model by {difference:.2g} on {origin}; nothing was written")
    figures: dict[str, tuple[float, float]] = {}
    if quantize != "none" and true is not None:
        first, second = (compute_metrics(predictor.output.task, each, true) for each in (before, after))
        figures = {name: (first[name], second[name]) for name in first}
    files = _write_metadata({**predictor.metadata, "export": _interface(predictor, format, quantize)}, out)
    return Exported((out, *files), difference, rounding, len(inputs), origin, figures)


def _sample(predictor: "Predictor", data: str, places: Places) -> tuple[NDArray[Any], NDArray[Any] | None, str]:
    """Inputs, labels if they are known, and where the inputs are from: the `data` if any, else the training part if it can be
    read, else random inputs."""
    from tuner.deploy.inputs import blocks_of

    if data:
        return next(blocks_of(predictor, data)).inputs[:EXAMPLES], None, f"examples of {data}"
    generator = np.random.default_rng(0)
    if predictor.data:
        try:
            examples = training_set(predictor.data, places).examples
        except TunerError:
            pass  # the data is no longer there
        else:
            chosen = examples.take(np.sort(generator.permutation(len(examples))[:EXAMPLES]))
            return chosen.inputs, chosen.labels, "training examples"
    if predictor.coding is None:
        shape = (EXAMPLES, *(each or 1 for each in predictor.shape))
        return generator.uniform(0, 1, shape).astype(np.float32), None, "random inputs"
    columns = [column.coded for column in predictor.coding.columns for _ in range(column.places)]
    drawn = [
        generator.normal(0, 1, EXAMPLES) if column.is_number else generator.integers(0, column.size, EXAMPLES)
        for column in columns
    ]
    return np.stack(drawn, axis=1).astype(np.float32), None, "random rows"


def _interface(predictor: "Predictor", format: str, quantize: str) -> dict[str, Any]:
    """What a user of the file must know: its inputs and its outputs."""
    from tuner.deploy.formats import safe_names

    about: dict[str, Any] = {"format": format, "quantized": quantize, "outputs": list(predictor.output.names)}
    if predictor.coding is None:
        return {**about, "inputs": list(predictor.shape)}
    match format:
        case "keras":
            return {**about, "inputs": {each: each for each in predictor.columns}}
        case "saved_model":
            return {**about, "inputs": safe_names(predictor.columns)}
    return {**about, "inputs": CODED, "coding": encode(predictor.coding)}


def _write_metadata(metadata: dict[str, Any], out: Path) -> list[Path]:
    texts = {".json": json.dumps(metadata, indent=2) + "\n"}
    if "recipe" in metadata:
        texts[".md"] = card(metadata)
    for suffix, text in texts.items():
        with output_path(out.with_suffix(suffix)) as path:
            path.write_text(text, encoding="utf-8")
    return [out.with_suffix(suffix) for suffix in texts]
