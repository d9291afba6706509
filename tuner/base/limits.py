"""Checks that several records share; each raises `Invalid` with the field's name."""

from tuner.base.errors import demand


def demand_seed(seed: int) -> None:
    """Seeds are what every random generator here accepts: 32 bits, unsigned."""
    demand(0 <= seed < 2**32, "seed", "be at least 0 and below 2**32", seed)


def demand_rate(name: str, rate: float) -> None:
    """A probability, momentum or decay: 0 is off, 1 would be everything."""
    demand(0 <= rate < 1, name, "be at least 0 and less than 1", rate)


def demand_rates(value: object, *names: str) -> None:
    """`demand_rate` for fields of `value`."""
    for name in names:
        demand_rate(name, getattr(value, name))


def demand_positive(value: object, *names: str) -> None:
    """Fields of `value` that must be greater than 0."""
    for name in names:
        demand(getattr(value, name) > 0, name, "be greater than 0", getattr(value, name))


def demand_not_negative(value: object, *names: str) -> None:
    """Fields of `value` that must be at least 0."""
    for name in names:
        demand(getattr(value, name) >= 0, name, "be at least 0", getattr(value, name))


def demand_at_least_one(value: object, *names: str) -> None:
    """Counts among the fields of `value`."""
    for name in names:
        demand(getattr(value, name) >= 1, name, "be at least 1", getattr(value, name))


def demand_counts(name: str, counts: tuple[int, ...]) -> None:
    """A list of counts, such as widths or filters."""
    for index, count in enumerate(counts):
        demand(count >= 1, f"{name}[{index}]", "be at least 1", count)
