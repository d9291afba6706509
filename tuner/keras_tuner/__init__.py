"""KerasTuner's interface: `from tuner import keras_tuner as kt` in the place of `import keras_tuner as kt`. docs/from-keras-tuner.md
says what differs."""

from importlib import import_module

PACKAGE = "tuner.keras_tuner"
PLACES = {
    "hyperparameters": ("HyperParameters",),
    "parameters": ("HyperParameter",),
    "hypermodel": ("HyperModel",),
    "objective": ("Objective",),
    "errors": ("FailedTrialError", "FatalError", "FatalRuntimeError", "FatalTypeError", "FatalValueError"),
    "oracle": ("Oracle",),
    "trial": ("Trial",),
    "oracles": (),
    "tuners": ("BayesianOptimization", "GridSearch", "Hyperband", "RandomSearch", "Tuner"),
}
"""What a script uses, and the module where it is."""

ABSENT = {
    "applications": "write the network as a function, or wrap one of keras.applications in it",
    "SklearnTuner": "override `run_trial` of a tuner and return the score",
    "synchronized": "leave it out: the storage orders what several processes write",
}


def __getattr__(name: str) -> object:
    for module, names in PLACES.items():
        if name in names:
            return getattr(import_module(f"{PACKAGE}.{module}"), name)
        if name == module:
            return import_module(f"{PACKAGE}.{name}")
    cure = (
        f": {ABSENT[name]}"
        if name in ABSENT
        else f"; it has {', '.join(each for names in PLACES.values() for each in names)}"
    )
    raise AttributeError(f"tuner.keras_tuner has no {name}{cure}")
