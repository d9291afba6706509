"""Profiles: the kinds of columns, the columns left out, the targets, the messages."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tuner.base.errors import DataError
from tuner.data.ingest.arrays import profile_arrays
from tuner.data.ingest.images import profile_images
from tuner.data.ingest.profile import Roles, TableProfile, column_profile, frame_columns, profile_table, read_as_written

ROWS = 60
CHANCE = np.random.default_rng(0)
NOISE = CHANCE.normal(size=ROWS)
Y = np.arange(ROWS) % 2
OF_Y = Roles(("y",))


def found_in(target: Any = Y, roles: Roles = OF_Y, **columns: Any) -> TableProfile:
    """What is found in a table of some noise, these columns and this target."""
    return profile_table(pd.DataFrame({"noise": NOISE, **columns, "y": target}), roles, where="t.csv")


def left_out(**columns: Any) -> dict[str, str]:
    """The reasons for which columns are left out."""
    return {each.name: each.reason for each in found_in(**columns).left_out}


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        ([1.5, 2.5, 3.0], "number", "numbers"),
        ([1, 2, 3], "number", "whole numbers"),
        ([0, 1, 1], "boolean", "0 and 1"),
        ([0.0, 1.0, np.nan], "boolean", "0 and 1"),
        ([True, False, True], "boolean", "True and False"),
        ([1, 2, 2], "category", "at most two different whole numbers"),
        (["yes", "no", "yes"], "boolean", "yes and no"),
        (["red", "green", "light blue"], "category", "texts of a word or two"),
        (["007", "010", "100"], "category", "numbers with leading zeros"),
        (["1.5", "2", "-3"], "number", "numbers written as text"),
        (["2024-01-31", "2024-02-01", None], "date", "dates such as 2024-01-31"),
        (["31.12.2024", "01.02.2024", "13.01.2024"], "date", "dates such as 31.12.2024"),
        (pd.to_datetime(["2024-01-31", "2024-02-01"]), "date", "dates"),
        (["it works very well", "not good at all", "meh"], "text", "about 3 words each"),
        (["strongly agree with it", "do not agree at all"] * 10, "category", "texts that repeat"),
        (["A/5 21171", "PC 17599", "C 85"], "text", "about 2 words each"),
    ],
)
def test_a_column_is_taken_for_what_its_values_are(values: Any, kind: str, reason: str) -> None:
    found = column_profile(pd.Series(values, name="a"), "t.csv")
    assert (found.kind, found.reason) == (kind, reason)


def test_a_profile_has_missing_and_different_values() -> None:
    found = column_profile(pd.Series(["red", None, "green", "red"], name="a"), "t.csv")
    assert (found.missing, found.values, found.examples, found.hint) == (0.25, 2, ("red", "green"), "")


@pytest.mark.parametrize(
    ("values", "kind", "format", "reason", "hint"),
    [
        (
            ["1,234", "12,500", "7"],
            "number",
            "1,234.5",
            "numbers such as 1,234",
            "1,234 is read as 1234.0; if it is 1.234, write format = '1.234,5'",
        ),
        (["12 %", "7 %"], "number", "1,234.5", "numbers such as 12 %", ""),
        (["€ 5", "€ 7"], "number", "1,234.5", "numbers such as € 5", ""),
        (["1.234,50 €", "7,25 €"], "number", "1.234,5", "numbers such as 1.234,50 €", ""),
        (["1,5", "2,25", "3"], "number", "1.234,5", "numbers such as 1,5", ""),
        (
            [*map(str, range(9)), "?"],
            "category",
            "",
            "numbers mixed with marks or words",
            "nearly all are numbers such as 0, but row 10 is '?': with --missing '?' it is taken for missing",
        ),
        (
            [f"2024-01-{day}" for day in range(10, 20)] + ["0000-00-00"],
            "category",
            "",
            "numbers mixed with marks or words",
            "nearly all are dates such as 2024-01-10, but row 11 is '0000-00-00': with --missing 0000-00-00 it is taken "
            "for missing",
        ),
        (
            ["31.01.2024", "2024-01-10", "01.02.2024", "2024-01-11"],
            "category",
            "",
            "numbers mixed with marks or words",
            "many are dates such as 2024-01-10, but row 1 is '31.01.2024': write all in one format",
        ),
        (
            ["01/02/2004", "02/03/2005"],
            "date",
            "%m/%d/%Y",
            "dates such as 01/02/2004",
            "01/02/2004 is read as 2004-01-02; if it is 2004-02-01, write format = '%d/%m/%Y' (--dayfirst)",
        ),
        (
            [f"01/{month % 12 + 1:02}/{2004 + month // 12}" for month in range(24)],
            "date",
            "%d/%m/%Y",
            "dates such as 01/02/2004",
            "01/02/2004 is read as 2004-02-01; if it is 2004-01-02, write format = '%m/%d/%Y' (--monthfirst)",
        ),
        (["31.12.99", "01.02.24"], "date", "%d.%m.%y", "dates such as 31.12.99", ""),
        (["9:05", "23:59", None], "date", "%H:%M", "times of day such as 9:05", ""),
        (["6:30 PM", "11:00 am"], "date", "%I:%M %p", "times of day such as 6:30 PM", ""),
        (["31-Dec-24", "01-Feb-25"], "date", "%d-%b-%y", "dates such as 31-Dec-24", ""),
        (["12/2024", "01/2025"], "date", "%m/%Y", "dates such as 12/2024", ""),
        (["January 3, 2024", "May 12, 2024"], "date", "%B %d, %Y", "dates such as January 3, 2024", ""),
        (
            ["12/31/2024 5:30 PM", "01/02/2025 11:00 AM"],
            "date",
            "%m/%d/%Y %I:%M %p",
            "dates such as 12/31/2024 5:30 PM",
            "",
        ),
        (
            ["2024-01-31T10:00:00+02:00", "2024-01-31T10:00:00Z"],
            "date",
            "",
            "dates such as 2024-01-31T10:00:00+02:00",
            "",
        ),
        (["1\u202f234", "12\u202f500", "7"], "number", "1,234.5", "numbers such as 1\u202f234", ""),
        (["1’234.5", "12’500.0", "7.5"], "number", "1,234.5", "numbers such as 1’234.5", ""),
        (["(12.5)", "7.5", "−3.0"], "number", "1,234.5", "numbers such as (12.5)", ""),
        (["12.5-", "7.5", "3.0"], "number", "1,234.5", "numbers such as 12.5-", ""),
        (["-3,502E-01", "2,1E+03"], "number", "1.234,5", "numbers such as -3,502E-01", ""),
        (["2593.05 USD", "7 USD"], "number", "1,234.5", "numbers such as 2593.05 USD", ""),
        (["10.0.1.2", "1.2.3", "+49 151 1000"], "category", "", "texts of a word or two", ""),
        (["24:30", "100:10"], "category", "", "texts of a word or two", ""),
    ],
)
def test_how_numbers_and_dates_are_written_is_part_of_the_profile(
    values: list[str], kind: str, format: str, reason: str, hint: str
) -> None:
    found = column_profile(pd.Series(values, name="a"), "t.csv")
    assert (found.kind, found.format, found.reason, found.hint) == (kind, format, reason, hint)


@pytest.mark.parametrize(("day_first", "format"), [(True, "%d/%m/%Y"), (False, "%m/%d/%Y")])
def test_the_user_decides_on_dates_that_fit_both_orders(day_first: bool, format: str) -> None:
    found = column_profile(pd.Series(["01/02/2004", "02/03/2005"], name="a"), "t.csv", day_first)
    assert found.format == format
    sure = column_profile(pd.Series(["31/02/2004", "31/03/2005", "01/31/2004"], name="a"), "t.csv", day_first)
    assert sure.kind == "category"


@pytest.mark.parametrize(
    ("written", "format"),
    [
        (lambda value: f"${value:,.2f}", "1,234.5"),
        (lambda value: f"{value:.1f} %", "1,234.5"),
        (lambda value: f"{value:_.2f}".replace(".", ",").replace("_", "."), "1.234,5"),
        (lambda value: f"{value:,.2f}".replace(",", " "), "1,234.5"),
        (lambda value: f"(${-value:,.2f})" if value < 0 else f"${value:,.2f}", "1,234.5"),
        (lambda value: f"{value:.2f}".replace("-", "−"), "1,234.5"),
    ],
    ids=["dollars", "percent", "decimal comma", "blanks", "parentheses", "minus sign"],
)
def test_a_target_of_marked_numbers_is_a_number(written: Any, format: str) -> None:
    wanted = (np.arange(ROWS) ** 3 * 7.25 - 500).round(1)
    found = found_in([written(value) for value in wanted])
    assert (found.target.task, found.target.format) == ("regression", format)
    assert found_in([f"{value % 3:.0f} %" for value in np.arange(ROWS)]).target.task == "classification"


def test_columns_that_tell_nothing_are_left_out() -> None:
    empty = np.full(ROWS, np.nan)
    empty[0] = 1
    reasons = left_out(
        constant=["DE"] * ROWS,
        empty=empty,
        row=np.arange(ROWS)[::-1] + 1000,
        customerId=np.arange(ROWS) * 7,
        code=[f"x{each:04}" for each in range(ROWS)],
        again=NOISE,
        lists=[[1]] * ROWS,
    )
    assert reasons == {
        "constant": "the same in all rows: DE",
        "empty": "missing in 98.3 % of the rows",
        "row": "a running number of the rows",
        "customerId": "an identifier: different in every row",
        "code": "an identifier: different in every row",
        "again": "equals noise",
        "lists": "holds lists or other collections",
    }


def test_different_texts_and_large_numbers_are_no_identifiers() -> None:
    names = [f"Braund, Mr. Owen {each}" for each in range(ROWS)]
    found = found_in(name=names, people=np.arange(ROWS) ** 2 * 1000, price=[f"{each},5" for each in range(ROWS)])
    assert [each.name for each in found.columns] == ["noise", "name", "people", "price"]


def test_decimals_are_no_identifiers_whatever_their_name() -> None:
    assert left_out(key=NOISE[::-1], index=np.arange(ROWS) // 1.5) == {
        "index": "an identifier by its name, with a value for every row or two"
    }


def test_a_frame_from_python_lacks_its_identifiers_too() -> None:
    frame = pd.DataFrame(
        {"customer_id": np.arange(ROWS) * 7, "code": [f"x{each:04}" for each in range(ROWS)], "a": NOISE}
    )
    kinds = {each.name: (each.kind, each.reason) for each in frame_columns(frame)}
    identifier = "", "an identifier: different in every row"
    assert kinds == {"customer_id": identifier, "code": identifier, "a": ("number", "numbers")}
    assert found_in(**frame[["customer_id", "code"]]).left_out[0].reason == identifier[1]
    kept = frame_columns(frame.astype({"customer_id": "category"}))
    assert kept[0].kind == "category"
    assert [each.kind for each in frame_columns(frame[["customer_id"]])] == ["number"]
    assert [each.kind for each in frame_columns(pd.DataFrame({"x0": np.arange(ROWS), "x1": NOISE}))] == [
        "number",
        "number",
    ]


def test_columns_without_any_value_stay_so_that_later_rows_fit() -> None:
    empty = {"nan": [np.nan] * 3, "none": [None] * 3, "whole": pd.array([None] * 3, "Int64"), "time": [pd.NaT] * 3}
    found = frame_columns(pd.DataFrame({"a": [1.5, 2.5, 3.0], **empty}))
    assert [(each.name, each.kind) for each in found[1:]] == [(name, "category") for name in empty]


def test_whole_numbers_that_float64_cannot_distinguish_are_refused() -> None:
    found = found_in(9007199254740993 + np.arange(ROWS) * 7)
    assert found.target.task == "regression"
    with pytest.raises(DataError, match="its numbers differ by less than float64 can hold: subtract the smallest"):
        found_in(12345678901234567890 + np.arange(ROWS, dtype=np.uint64) * 7)


def test_a_long_tail_of_a_target_is_noticed() -> None:
    tail = np.exp(2 * np.roll(NOISE, 7))
    assert found_in(tail).target.is_skewed
    assert not found_in(np.log(tail)).target.is_skewed
    assert not found_in(-tail).target.is_skewed


def test_copies_of_a_class_are_left_out() -> None:
    named = np.where(Y == 1, "sick", "well")
    assert left_out(named=named, turned=1 - Y, scaled=Y * 7.5) == dict.fromkeys(
        ("named", "turned", "scaled"), "is a copy of y: each of its values has a class of its own"
    )


def test_copies_of_a_number_are_left_out() -> None:
    wanted = CHANCE.normal(size=ROWS)
    found = found_in(wanted, turned=3 - 2 * wanted)
    assert found.target.task == "regression"
    assert [each.reason for each in found.left_out] == ["is a copy of y: correlation 1.00000"]


def test_a_column_that_predicts_a_class_alone_stays_with_a_warning() -> None:
    found = found_in(score=Y * 10 + NOISE, branch=[f"{y}{place % 3}" for place, y in enumerate(Y)])
    assert [each.name for each in found.columns] == ["noise", "score", "branch"]
    assert found.warnings == (
        "score alone predicts y in 100.0 % of the rows; is it known before the target is? If not, take it out",
        "branch alone predicts y in 100.0 % of the rows; is it known before the target is? If not, take it out",
    )


def test_a_column_that_nearly_equals_a_number_stays_with_a_warning() -> None:
    wanted = CHANCE.normal(size=ROWS) * 10
    (warning,) = found_in(wanted, near=wanted + NOISE).warnings
    assert warning.startswith("near nearly equals y: correlation 0.99")


def test_what_predicts_only_the_most_frequent_class_is_no_suspect() -> None:
    rare = np.zeros(ROWS, int)
    rare[:1] = 1
    assert found_in(rare, other=np.roll(rare, 3) + NOISE).warnings == ()


def test_a_name_that_repeats_may_be_a_group() -> None:
    customers = np.arange(ROWS) * 3 % 20
    assert found_in(customer_id=customers).warnings == (
        "customer_id identifies something that has several rows; if these rows belong together, use --group customer_id",
    )
    grouped = found_in(customer_id=customers, roles=Roles(("y",), group="customer_id"))
    assert grouped.groups == 20
    assert [(each.name, each.reason) for each in grouped.left_out] == [("customer_id", "names the group of each row")]


@pytest.mark.parametrize(
    ("target", "task", "reason"),
    [
        (Y, "classification", "y has 2 different whole numbers"),
        (Y == 1, "classification", "y has 2 different names"),
        (np.where(Y == 1, "a", "b"), "classification", "y has 2 different names"),
        (
            np.arange(ROWS) % 5,
            "classification",
            "y has 5 different whole numbers; to predict them as numbers, use --task regression",
        ),
        (np.arange(ROWS) % 5 + 0.5, "regression", "y has 5 different numbers"),
        (np.arange(ROWS) % 30, "regression", "y has 30 different whole numbers"),
    ],
)
def test_the_task_is_guessed_from_the_target(target: Any, task: str, reason: str) -> None:
    guess = found_in(target).target
    assert (guess.task, guess.reason) == (task, reason)


def test_several_targets_are_labels_or_numbers() -> None:
    frame = pd.DataFrame({"noise": NOISE, "a": Y, "b": 1 - (np.arange(ROWS) % 3 > 0), "c": NOISE[::-1] + Y})
    labels = profile_table(frame, Roles(("a", "b"))).target
    assert (labels.task, labels.classes, labels.counts) == ("multi_label", ("a", "b"), (30, 20))
    assert profile_table(frame, Roles(("a", "c"))).target.task == "regression"


def test_a_guess_can_be_overruled() -> None:
    frame = pd.DataFrame({"noise": NOISE, "y": np.arange(ROWS) % 5})
    target = profile_table(frame, Roles(("y",)), "regression").target
    assert (target.task, target.reason, target.counts) == ("regression", "set with --task regression", ())


def test_strong_imbalance_is_reported() -> None:
    target = found_in(np.where(np.arange(ROWS) < 9, "rare", "usual")).target
    assert (target.rarest, target.most_frequent, target.is_imbalanced) == ("rare", "usual", True)
    assert not found_in(Y).target.is_imbalanced


@pytest.mark.parametrize(
    ("columns", "roles", "task", "message"),
    [
        ({}, Roles(()), "guess", "t.csv: which column is the target? Use --target NAME with one of: noise, y"),
        ({}, Roles(("yy",)), "guess", "t.csv: has no column 'yy'; did you mean y?"),
        ({}, Roles(("y",), drop=("nois",)), "guess", "t.csv: has no column 'nois'; did you mean noise?"),
        (
            {"y": [None, *Y[1:]]},
            Roles(("y",)),
            "guess",
            "t.csv: column 'y': 1 of 60 rows have no value (row 1); fill them in, or leave such rows out with "
            "--drop-missing-target (in a study file drop_missing_target = true)",
        ),
        (
            {"y": ["a"] * ROWS},
            Roles(("y",)),
            "guess",
            "t.csv: column 'y': has only one value, 'a': there is nothing to predict",
        ),
        (
            {"y": [f"c{each // 1.5:.0f}" for each in range(ROWS)]},
            Roles(("y",)),
            "guess",
            "t.csv: column 'y': 40 different values in 60 rows are numbers or identifiers, not classes; "
            'say task = "regression", or name another target',
        ),
        (
            {"g": np.arange(ROWS) % 3},
            Roles(("y",), group="g"),
            "guess",
            "t.csv: 'g' has 3 groups, and at least 5 are needed",
        ),
        (
            {"b": ["x", "y"] * 30},
            Roles(("y", "b")),
            "guess",
            "t.csv: column 'b': several targets must be labels, 0 or 1 each, or numbers, got 'x'; name one target",
        ),
        ({}, Roles(("y",)), "multi_label", "t.csv: --task multi_label: needs several targets, got y"),
        (
            {},
            Roles(("y", "noise")),
            "classification",
            "t.csv: column 'y', row 1: must have a single 1 in y, noise to be a class, got [0.0, " + f"{NOISE[0]}]",
        ),
        ({}, Roles(("y", "y")), "guess", "t.csv: --target: name each target once, got y, y"),
        (
            {"noise": np.ones(ROWS)},
            Roles(("y",)),
            "guess",
            "t.csv: no column is left for the network to see: noise (the same in all rows: 1.0)",
        ),
        (
            {"noise": [np.inf, *NOISE[1:]]},
            Roles(("y",)),
            "guess",
            "t.csv: column 'noise', row 1: must be a number below 3.4e38, got inf",
        ),
    ],
)
def test_targets_that_cannot_be_predicted_are_refused(
    columns: dict[str, Any], roles: Roles, task: Any, message: str
) -> None:
    with pytest.raises(DataError) as error:
        profile_table(pd.DataFrame({"noise": NOISE, "y": Y, **columns}), roles, task, where="t.csv")
    assert str(error.value) == message


def test_whole_numbers_with_zeros_in_front_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("zip,rooms\n01067,3\n20095,4\n80331,5\n")
    frame = read_as_written(str(tmp_path / "t.csv"))
    assert frame["zip"].tolist() == ["01067", "20095", "80331"]
    assert frame["rooms"].tolist() == [3, 4, 5]


def test_arrays_are_found_by_their_usual_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((40, 3, 4), np.float32), y=np.arange(40) % 4)
    found = profile_arrays(tmp_path / "a.npz", Roles(()), "guess")
    assert (found.x, found.y, found.rows, found.shape, found.dtype) == ("x", "y", 40, (3, 4), "float32")
    assert (found.target.classes, found.target.counts, found.test_rows) == (("0", "1", "2", "3"), (10,) * 4, 0)


def test_arrays_in_two_parts_have_a_test_part(tmp_path: Path) -> None:
    parts = {"x_train": np.zeros((40, 3)), "y_train": Y[:40], "x_test": np.zeros((9, 3)), "y_test": Y[:9]}
    np.savez(tmp_path / "a.npz", **parts)  # type: ignore[arg-type]
    found = profile_arrays(tmp_path / "a.npz", Roles(()), "guess")
    assert (found.rows, found.test_rows, found.x) == (40, 9, "x")


@pytest.mark.parametrize(
    ("names", "target", "message"),
    [
        (("a", "b"), (), "which array is the target? Use --target NAME with one of: a [40], b [40]"),
        (("a", "y"), ("yy",), "has no array 'yy'; did you mean y?"),
        (("a", "b", "y"), (), "which array holds the inputs? Name it x; the arrays besides the target are: a, b"),
    ],
)
def test_arrays_that_are_not_named_are_asked_for(
    names: tuple[str, ...], target: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **dict.fromkeys(names, Y[:40]))  # type: ignore[arg-type]
    with pytest.raises(DataError) as error:
        profile_arrays(tmp_path / "a.npz", Roles(target), "guess")
    assert str(error.value) == f"{tmp_path}/a.npz: {message}"


def pictures(folder: Path, sizes: tuple[tuple[int, int], ...], mode: str = "RGB") -> Path:
    """A folder with two classes of six pictures of these heights and widths."""
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for place, (height, width) in enumerate(sizes):
            values = CHANCE.integers(0, 255, (height, width, 3)).astype(np.uint8)
            Image.fromarray(values).convert(mode).save(folder / name / f"{place}.png")
    return folder


def test_a_folder_of_images_has_classes_and_sizes(tmp_path: Path) -> None:
    sizes = ((20, 30), (40, 60), (40, 60), (80, 90), (100, 150), (120, 150))
    found = profile_images(pictures(tmp_path / "p", sizes))
    assert (found.rows, found.target.classes, found.target.counts) == (12, ("cat", "dog"), (6, 6))
    assert found.sizes == ((20, 30), (40, 60), (120, 150))
    assert (found.size, found.color) == ((40, 60), True)


def test_a_median_beyond_64_pixels_is_made_smaller_in_its_proportions(tmp_path: Path) -> None:
    found = profile_images(pictures(tmp_path / "p", ((96, 128),) * 6, "L"))
    assert (found.size, found.color) == ((48, 64), False)


def test_gray_pictures_that_are_stored_in_color_are_gray(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", ((20, 20),) * 6, "L")
    for path in folder.rglob("*.png"):
        Image.open(path).convert("RGB").save(path)
    assert not profile_images(folder).color


@pytest.mark.parametrize(("gap", "filled"), [(0.0, "d"), (np.nan, "d.fillna(d.median())")])
def test_a_table_that_is_too_wide_is_refused_with_the_code_for_arrays(gap: float, filled: str, tmp_path: Path) -> None:
    frame = pd.DataFrame(np.arange(24_000.0).reshape(20, 1200) % 7).rename(columns=str).assign(y=Y[:20])
    frame.iloc[3, 4] = gap
    frame.to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(DataError) as error:
        profile_table(frame, OF_Y, where=f"{tmp_path}/w.csv")
    problem, _, code = str(error.value).partition("python -c ")
    most = "has 1,201 columns, and at most 1,000 can be described one by one"
    assert problem == f"{tmp_path}/w.csv: {most}; save the numbers as arrays, and name {tmp_path}/w.npz with --data: "
    assert f"x={filled}" in code
    exec(code.strip('"'), {})
    arrays = profile_arrays(tmp_path / "w.npz", Roles(()), "guess")
    assert (arrays.shape, arrays.y) == ((1200,), "y")
    assert np.isfinite(np.load(tmp_path / "w.npz")["x"]).all()
