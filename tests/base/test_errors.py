"""Messages about unknown names."""

import pytest

from tuner.base.errors import DataError, data_errors, near_miss, shown


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
        ("q", [f"{each}" * 90 for each in "abcdefgh"], f"allowed: {'a' * 90}, {'b' * 90}, {'c' * 90} and 5 more"),
        ("q", ["a" * 5000, "b"], f"allowed: {'a' * 5000} and 1 more"),
    ],
)
def test_only_a_near_word_is_proposed(name: str, allowed: tuple[str, ...], message: str) -> None:
    assert near_miss(name, allowed) == message


@pytest.mark.parametrize(
    "error", [MemoryError("no\nmemory"), RecursionError(), KeyError("x"), ZeroDivisionError("by zero")]
)
def test_what_a_library_raises_becomes_one_line(error: Exception) -> None:
    with pytest.raises(DataError) as refused, data_errors("a.npz", "cannot be read", "; is it cut off?"):
        raise error
    text = str(error).partition("\n")[0] or "RecursionError"
    assert str(refused.value) == f"a.npz: cannot be read: {text}; is it cut off?"


def test_a_long_line_keeps_its_beginning_and_its_end() -> None:
    error = DataError(f"a.csv: column {'x' * 9000!r}: must be a number; write it out\nanother line")
    first, second = shown(error).split("\n")
    assert len(first) <= 600
    assert first.startswith("a.csv: column 'xxx")
    assert first.endswith("xxx': must be a number; write it out")
    assert second == "another line"
