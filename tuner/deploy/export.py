"""A model with its papers and its card, where and in which format the user wants them."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuner.base.decode import encode
from tuner.base.errors import StorageError, StudyError, TunerError
from tuner.base.formatting import metric_label
from tuner.data.sources import Places
from tuner.deploy.out import atomic_path
from tuner.outcome.card import card
from tuner.storage import load_study, open_storage

FORMATS = {".keras": "keras", ".tflite": "litert", ".onnx": "onnx", "": "saved_model"}
"""The formats by the suffix of what is written; a SavedModel is a folder."""
LARGEST_DIFFERENCE = 1e-4
CODED = "coded rows (see coding): numbers minus their origin, days since 1970, codes 2, 3, … of the values, 1 unseen, 0 nothing"


@dataclass(frozen=True)
class Exported:
    """What was written, and how far what it says is from what the model says, on so many examples of that origin."""

    files: tuple[Path, ...]
    difference: float
    examples: int
    origin: str
    figures: Mapping[str, tuple[float, float]]

    def lines(self) -> list[str]:
        """The same in words."""
        told = [f"loaded again: at most {self.difference:.2g} apart from the model on {self.examples} of {self.origin}"]
        for name, (before, after) in self.figures.items():
            told.append(f"{metric_label(name)}: {before:.4f} before, {after:.4f} quantized")
        return [*map(str, self.files), *told]


def winner_of(storage: str, name: str) -> Path:
    """The confirmed model of a study. Raises `StudyError` while there is none."""
    confirmed = load_study(open_storage(storage), name).user_attrs.get("confirmed")
    if confirmed is None:
        raise StudyError(f"the study {name!r} has no confirmed winner yet: let `optimize` run to its end")
    model = Path(confirmed["model"])
    if not model.is_file() or not model.with_suffix(".json").is_file():
        raise StudyError(f"the model of {name!r} is no longer at {model}: run `optimize` again to make it")
    return model


def format_of(out: Path, format: str) -> str:
    """The format that is meant. Raises `StorageError` for an unknown one, and for a folder that is something else."""
    chosen = format or FORMATS.get(out.suffix.lower(), "")
    if chosen not in FORMATS.values():
        known = "--format keras, saved_model, litert or onnx"
        raise StorageError(
            f"--out {out}: must end in .keras, .tflite or .onnx, be a folder for a SavedModel; or say {known}"
        )
    if out.is_dir() and (chosen != "saved_model" or (any(out.iterdir()) and not (out / "saved_model.pb").is_file())):
        raise StorageError(f"--out {out}: is a folder with something else in it")
    return chosen


def export_model(model: Path, out: Path, format: str, quantize: str, data: str, places: Places) -> Exported:
    """Write the model in a format, its papers (.json) and its card (.md) beside it, after it was loaded again and compared.

    Raises `TunerError` where it cannot be converted or says something else than the model; then nothing is written.
    """
    from tuner.base.metric_functions import compute_metrics
    from tuner.deploy import formats
    from tuner.deploy.metadata import papers_beside
    from tuner.deploy.predictor import Predictor
    from tuner.deploy.sample import sample_for

    if quantize != "none" and format != "litert":
        raise TunerError(f"--quantize {quantize}: is for LiteRT (.tflite) only")
    predictor = Predictor.load(model)
    sample = sample_for(predictor, data, places)
    read = {
        "keras": formats.said_by_keras,
        "saved_model": formats.said_by_saved_model,
        "litert": formats.said_by_litert,
        "onnx": formats.said_by_onnx,
    }[format]
    with atomic_path(out) as path:
        match format:
            case "keras":
                shutil.copyfile(model, path.with_suffix(".keras"))
            case "saved_model":
                formats.write_saved_model(predictor, path)
            case "litert":
                formats.write_litert(predictor, path, quantize, sample.inputs)  # type: ignore[arg-type]
            case _:
                formats.write_onnx(predictor, path)
        before = predictor.outputs(sample.inputs)
        after = predictor.meaning.of(_said(read, predictor, path, sample.inputs))
        difference = float(np.abs(after - before).max() / max(1.0, float(np.abs(before).max())))
        if not difference <= LARGEST_DIFFERENCE and quantize == "none":
            apart = f"says something else than the model: {difference:.2g} apart on {sample.origin}"
            raise TunerError(f"{out}: {apart}; nothing was written")
    figures: dict[str, tuple[float, float]] = {}
    if quantize != "none" and sample.true is not None:
        values = [compute_metrics(predictor.meaning.task, each, sample.true) for each in (before, after)]
        figures = {name: (values[0][name], values[1][name]) for name in values[0]}
    papers = dict(papers_beside(model) or {})
    beside = _write_papers(papers, _interface(predictor, format, quantize), out)
    return Exported((out, *beside), difference, len(sample.inputs), sample.origin, figures)


def _said(read: Any, predictor: Any, path: Path, inputs: Any) -> Any:
    try:
        return read(predictor, path)(inputs)
    except TunerError:
        raise
    except Exception as error:  # runtimes raise whatever comes to them
        raise TunerError(f"what was written cannot be loaded again: {str(error).splitlines()[0]}") from error


def _interface(predictor: Any, format: str, quantize: str) -> dict[str, Any]:
    """What whoever uses the file must know: what goes in, what comes out."""
    from tuner.deploy.formats import safe_names

    told: dict[str, Any] = {"format": format, "quantized": quantize, "outputs": list(predictor.meaning.names)}
    if predictor.coding is None:
        return {**told, "inputs": list(predictor.shape)}
    if format in ("keras", "saved_model"):
        names = safe_names(predictor.columns) if format == "saved_model" else {each: each for each in predictor.columns}
        return {**told, "inputs": names}
    return {**told, "inputs": CODED, "coding": encode(predictor.coding)}


def _write_papers(papers: dict[str, Any], interface: dict[str, Any], out: Path) -> tuple[Path, ...]:
    files = {".json": json.dumps({**papers, "export": interface}, indent=2) + "\n"}
    if "recipe" in papers:
        files[".md"] = card(papers)
    for suffix, text in files.items():
        with atomic_path(out.with_suffix(suffix)) as path:
            path.write_text(text, encoding="utf-8")
    return tuple(out.with_suffix(suffix) for suffix in files)
