"""Messages about unknown names."""

import pytest

from tuner.base.errors import near_miss


@pytest.mark.parametrize(
    ("name", "allowed", "message"),
    [
        ("fashon", ("digits", "fashion"), "did you mean fashion?"),
        ("fashion", ("digits", "fashion-mnist"), "did you mean fashion-mnist?"),
        ("LABEL", ("a", "label"), "did you mean label?"),
        ("b", ("label", "a"), "allowed: label, a"),
        ("X", ("X_train", "y_train"), "allowed: X_train, y_train"),
        ("age", ("mileage", "y"), "allowed: mileage, y"),
        ("", ("a",), "allowed: a"),
        ("a", (), "nothing is allowed here"),
        (
            "q",
            [f"c{number}" for number in range(20_000)],
            f"allowed: {', '.join(f'c{each}' for each in range(40))} and 19,960 more",
        ),
    ],
)
def test_only_a_near_word_is_proposed(name: str, allowed: tuple[str, ...], message: str) -> None:
    assert near_miss(name, allowed) == message
