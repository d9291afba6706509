"""Files as programs and systems leave them: read, or refused with what to do."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tuner.base.errors import DataError
from tuner.data.ingest.arrays import profile_arrays
from tuner.data.ingest.images import profile_images
from tuner.data.ingest.profile import Roles, profile_table, read_as_written
from tuner.data.ingest.tables import has_padding, read_table

ROWS = "".join(f"{row * 7 % 43 / 8},{row * 5 % 31 / 8},{'xz'[row % 2]}\n" for row in range(40))
PLAIN = f"a,b,y\n{ROWS}"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("crlf.csv", PLAIN.replace("\n", "\r\n") + "\r\n\r\n"),
        ("cr.csv", PLAIN.replace("\n", "\r")),
        ("empty-lines.csv", "\n\n" + PLAIN.replace("\n", "\n\n")),
        ("commas-below.csv", "a,b,y\n" + ROWS.replace("\n", ",\n")),
        (
            "all-quoted.csv",
            '"a","b","y"\n' + "".join(f'"{line.replace(",", chr(34) + "," + chr(34))}"\n' for line in ROWS.split()),
        ),
        ("tabs.tsv", PLAIN.replace(",", "\t")),
        ("pipes.csv", PLAIN.replace(",", "|")),
    ],
)
def test_a_table_is_the_same_however_a_program_writes_it(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content.encode())
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode("utf-8-sig")))
    (tmp_path / "plain.csv").write_text(PLAIN)
    for path in (f"{tmp_path}/{name}", f"{tmp_path}/{name}.gz"):
        pd.testing.assert_frame_equal(read_as_written(path), read_table(f"{tmp_path}/plain.csv"))


def test_a_column_that_a_last_comma_makes_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(PLAIN.replace("\n", ",\n"))
    (left_out,) = profile_table(read_as_written(f"{tmp_path}/t.csv"), Roles(("y",))).left_out
    assert (left_out.name, left_out.reason) == ("Unnamed: 3", "missing in 100 % of the rows")


@pytest.mark.parametrize(
    ("above", "title"), [("# made by a program\n", "# made by a program"), ("Results\n\n", "Results")]
)
def test_a_title_above_the_names_is_named(above: str, title: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(above + PLAIN)
    with pytest.raises(DataError) as error:
        read_table(f"{tmp_path}/t.csv")
    cure = "take out what is above the line of names"
    assert str(error.value) == f"{tmp_path}/t.csv: line 1 has no names but {title!r}; {cure}"


def test_a_column_of_texts_with_commas_needs_no_second_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text\n"well, well"\nno\n"one, two, three"\n')
    assert read_table(f"{tmp_path}/t.csv")["text"].tolist() == ["well, well", "no", "one, two, three"]


def test_a_line_break_within_a_value_is_no_blank_around_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + '1,"one\ntwo"\n' * 20)
    assert len(read_table(f"{tmp_path}/t.csv")) == 20
    assert not has_padding(f"{tmp_path}/t.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,a ,y\n1,2,3\n", "the columns 1 and 2 have the same name 'a'; rename one"),
        ("y\nx\nz\n" * 20, "no column is left for the network to see: there is only the target"),
    ],
)
def test_names_that_are_equal_but_for_blanks_and_a_lone_target_are_refused(
    content: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError) as error:
        profile_table(read_as_written(f"{tmp_path}/t.csv"), Roles(("y",)), where=f"{tmp_path}/t.csv")
    assert str(error.value) == f"{tmp_path}/t.csv: {message}"


def pictures(folder: Path, mode: str, ending: str) -> Path:
    """Two classes of six pictures of different sizes."""
    for place, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            values = np.random.default_rng(10 * place + number).integers(0, 99, (8 + number, 9 + 2 * number))
            Image.fromarray(values.astype(np.uint8)).convert(mode).save(folder / name / f"{number}.{ending}")
    return folder


@pytest.mark.parametrize(
    ("mode", "ending"), [("CMYK", "jpg"), ("P", "gif"), ("RGBA", "webp"), ("LA", "png"), ("1", "tif"), ("RGB", "BMP")]
)
def test_pictures_of_any_mode_and_size_have_one_profile(mode: str, ending: str, tmp_path: Path) -> None:
    found = profile_images(pictures(tmp_path / "p", mode, ending))
    assert (found.rows, found.size, found.color) == (12, (10, 13), False)


def test_what_systems_leave_in_a_folder_is_no_picture_and_no_class(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", "L", "png")
    (folder / "cat" / "0.png").rename(folder / "cat" / "0.jpg")
    (folder / "__MACOSX").mkdir()
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (folder / "cat" / name).write_text("none")
        (folder / name).write_text("none")
    assert profile_images(folder).target.classes == ("cat", "dog")
    assert profile_images(folder).rows == 12


def test_an_npy_file_without_targets_says_where_they_belong(tmp_path: Path) -> None:
    np.save(tmp_path / "alone.npy", np.zeros((20, 3)))
    with pytest.raises(DataError) as error:
        profile_arrays(tmp_path / "alone.npy", Roles(()), "guess")
    assert str(error.value) == f"{tmp_path}/alone.npy: has no targets; save them as y.npy in the same folder"
