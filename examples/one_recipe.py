"""One experiment without any search: say a recipe, train it, read its curve.

python examples/one_recipe.py
"""

from tuner.data.load import training_set
from tuner.data.sources import Places
from tuner.networks import Dense, Hidden
from tuner.recipe import Adam, Data, FallingRate, Holdout, Recipe, Training
from tuner.run import run
from tuner.training import start

RECIPE = Recipe(
    data=Data(name="digits"),
    protocol=Holdout(validation=0.25),
    network=Dense(widths=(64, 32), hidden=Hidden(dropout=0.1)),
    training=Training(optimizer=Adam(learning_rate=0.003), schedule=FallingRate(kind="cosine"), epochs=15),
)


def main() -> None:
    """Train the recipe and print its curve."""
    start(threads=1)
    result = run(RECIPE, training_set(RECIPE.data.name, Places.from_environment()))
    for epoch in result.folds[0].epochs:
        assert epoch.validation is not None
        print(
            f"epoch {epoch.number:>2}: training {epoch.training.accuracy:.4f}, validation {epoch.validation.accuracy:.4f}"
        )
    print(f"{result.parameters} parameters, {result.seconds:.1f} s, recipe {RECIPE.key}")


if __name__ == "__main__":
    main()
