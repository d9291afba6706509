"""Reading tables: what is read, and the message about each bad file."""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tuner.base.errors import DataError, MissingPackage
from tuner.data.ingest import files
from tuner.data.ingest.files import find_path
from tuner.data.ingest.profile import read_as_written
from tuner.data.ingest.tables import BUNDLED, PACKABLE, READERS, has_padding, read_table, table_blocks

PLAIN = "a,b\n1,x\n2,y\n"
PACKED_ENDINGS = ", ".join(PACKABLE)
OTHERS = " or ".join(each for each in READERS if each not in PACKABLE)


def zipped(content: bytes) -> bytes:
    """A ZIP archive with one file."""
    import io

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", content)
    return stream.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": zipped,
}


def complaint(folder: Path, name: str, content: str | bytes) -> str:
    """The message about a file with this content, after its path."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError) as error:
        read_table(str(path))
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value).split(": ", 1)[1]


@pytest.mark.parametrize("ending", PACKED)
def test_a_table_is_read_however_it_is_packed(ending: str, tmp_path: Path) -> None:
    (tmp_path / f"t.csv{ending}").write_bytes(PACKED[ending](PLAIN.encode()))
    assert read_table(f"{tmp_path}/t.csv{ending}").to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_zstandard_is_read_where_its_package_is_there(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    (tmp_path / "t.csv.zst").write_bytes(zstandard.ZstdCompressor().compress(PLAIN.encode()))
    assert read_table(f"{tmp_path}/t.csv.zst")["a"].tolist() == [1, 2]


def test_parquet_is_read_where_its_package_is_there(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame({"a": [1, 2], "b": ["x", None]}).to_parquet(tmp_path / "t.parquet")
    read = read_table(f"{tmp_path}/t.parquet")
    assert read["a"].tolist() == [1, 2]
    assert read["b"].isna().tolist() == [False, True]
    assert complaint(tmp_path, "u.parquet", "no").startswith("is not Parquet, or damaged: ")


def test_parquet_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "t.parquet").touch()
    with pytest.raises(MissingPackage) as error:
        read_table(f"{tmp_path}/t.parquet")
    assert str(error.value) == f"{tmp_path}/t.parquet needs pyarrow: pip install pyarrow"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(separator: str, tmp_path: Path) -> None:
    text = f'a{separator}b\n"1,5; \t|"{separator}2\n"3,5"{separator}4\n'
    (tmp_path / "t.csv").write_text(text)
    read = read_table(f"{tmp_path}/t.csv")
    assert read["a"].tolist() == ["1,5; \t|", "3,5"]
    assert read["b"].tolist() == [2, 4]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8-sig")
    assert list(read_table(f"{tmp_path}/t.tsv").columns) == ["a", "b"]


def test_a_column_without_a_name_is_named_by_its_place(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "t.csv")
    assert read_table(f"{tmp_path}/t.csv").to_dict("list") == {"Unnamed: 0": [0, 1], "a": [1, 2]}


def test_texts_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n007,007\n1.0,1.0\n,\n")
    read = read_table(f"{tmp_path}/t.csv", {"a": ()})
    assert read["a"].tolist()[:2] == ["007", "1.0"]
    assert read["a"].isna().tolist() == [False, False, True]
    assert read["b"].tolist()[:2] == [7, 1]


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_tables_have_their_target_last(name: str) -> None:
    read = read_table(f"sklearn:{name}")
    assert read.columns[-1] == "target"
    assert pd.api.types.is_numeric_dtype(read["target"]) == (name == "diabetes")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "is empty"),
        ("t.csv", " \n\n", "is empty"),
        ("t.csv", "a,b\n", "has no rows"),
        ("t.csv", "a,b,c\n1,2,3\n4,5\n", "line 3: must have 3 values, got 2"),
        ("t.csv", "a,b\n1,2\n\n3,4,5\n", "line 4: must have 2 values, got 3"),
        ("t.csv", "a,b\n1,2,3\n4,5,6\n", "line 2: must have 2 values, got 3"),
        ("t.csv", 'a,b\n1,"x\ny"\n3\n', "line 4: must have 2 values, got 1"),
        ("t.csv", 'a,b,c\n1,"2,3\n4,5,6\n', "line 2: must have 3 values, got 2; is a quotation mark not closed?"),
        ("t.csv", "a,b,a\n1,2,3\n", "the columns 1 and 3 have the same name 'a'; rename one"),
        ("t.csv", "a,b\n1,2\n3,é\n".encode("latin-1"), "line 3: is not UTF-8 (byte 0xe9); save the file as UTF-8"),
        (
            "t.csv",
            "a,b\n1,2\n".encode("utf-16"),
            "is not text with separators; save it as CSV with the encoding UTF-8",
        ),
        (
            "t.txt",
            "a",
            f"must end in {PACKED_ENDINGS} (also with .gz, .bz2, .xz, .zip, .zst after it) or {OTHERS}",
        ),
        (
            "t.parquet.gz",
            "a",
            f"must end in {PACKED_ENDINGS} (also with .gz, .bz2, .xz, .zip, .zst after it) or {OTHERS}",
        ),
        ("t.csv", "sep=;\n", "has no rows"),
        ("t.csv", "sep=;\na;b\n1;2\n3\n", "line 4: must have 2 values, got 1"),
        (
            "t.csv",
            "1,0,1\n2,3,4\n",
            "the columns 1 and 3 have the same name '1'; if the file has no line of names, use --no-header",
        ),
        (
            "t.json",
            "no",
            "is not a table in this format, or damaged: Unexpected character found when decoding 'null' at position 0",
        ),
        ("t.json", "[]", "has no rows"),
        ("t.jsonl.gz", "{}", "cannot be unpacked: Not a gzipped file (b'{}')"),
        ("t.csv.gz", "a,b\n1,2\n", "cannot be unpacked: Not a gzipped file (b'a,')"),
        (
            "t.csv.gz",
            gzip.compress(PLAIN.encode() * 99, mtime=0)[:-9],
            "cannot be unpacked: Compressed file ended before the end-of-stream marker was reached",
        ),
        ("t.csv.zip", "a,b\n1,2\n", "cannot be unpacked: File is not a zip file"),
    ],
)
def test_a_bad_file_has_a_message(name: str, content: str | bytes, message: str, tmp_path: Path) -> None:
    assert complaint(tmp_path, name, content) == message


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffsep=;"])
def test_the_separator_that_a_first_line_names_is_used(first: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{first}\na;b,c\n1;x,y\n", encoding="utf-8")
    assert read_table(f"{tmp_path}/t.csv").to_dict("list") == {"a": [1], "b,c": ["x,y"]}


def test_a_file_without_names_has_numbered_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1.5,x\n2.5,y\n")
    assert read_table(f"{tmp_path}/t.csv", header=False).to_dict("list") == {"1": [1.5, 2.5], "2": ["x", "y"]}
    blocks = table_blocks(f"{tmp_path}/t.csv", ["2"], {}, header=False)
    assert [block.to_dict("list") for block in blocks] == [{"2": ["x", "y"]}]


@pytest.mark.parametrize("first", ["-0.802,0.54,no", "5.1,3.5,setosa", "6,148,72", "male,yes,3", "0.5,0.7,0.6"])
def test_a_first_line_that_looks_like_data_is_asked_about(first: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{first}\n4.9,1,male\nmale,yes,no\n")
    with pytest.raises(DataError) as error:
        read_as_written(f"{tmp_path}/t.csv")
    cure = "--no-header reads it as data and calls the columns 1, 2, 3; --header reads it as names"
    shown = first.replace(",", ", ")
    assert str(error.value) == f"{tmp_path}/t.csv: the first line looks like data: {shown}; {cure}"
    assert len(read_as_written(f"{tmp_path}/t.csv", header=True)) == 2
    assert len(read_as_written(f"{tmp_path}/t.csv", header=False)) == 3


@pytest.mark.parametrize(
    "first", ["a,b,label", "0,1,label", "2019,2020,2021", "1100.5,1102.5,1104.5", "Unnamed: 0,1,2", "a,4.9,x"]
)
def test_names_may_be_numbers_in_their_order(first: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{first.replace('4.9', 'b')}\n4.9,1,male\nmale,yes,no\n")
    assert len(read_as_written(f"{tmp_path}/t.csv")) == 2


def test_blanks_around_names_and_values_are_no_part_of_them(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a, b , label\n1,  ,yes\n2, "x, y",yes \n3,z, yes\n')
    read = read_table(f"{tmp_path}/t.csv")
    assert list(read.columns) == ["a", "b", "label"]
    assert read["b"].isna().tolist() == [True, False, False]
    assert read["label"].tolist() == ["yes"] * 3
    assert has_padding(f"{tmp_path}/t.csv")
    (tmp_path / "t.csv").write_text('a,b\n1,"x, y"\n')
    assert not has_padding(f"{tmp_path}/t.csv")
    assert not has_padding("sklearn:iris")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", '[{"a": 1, "b": "007"}, {"a": 2, "b": null}]'),
        ("t.json", '\ufeff[{"a": 1, "b": "007"}, {"a": 2}]'),
        ("t.json", '{"a": [1, 2], "b": ["007", null]}'),
        ("t.json", '{"a": 1, "b": "007"}\n{"a": 2}\n'),
        ("t.jsonl", '{"a": 1, "b": "007"}\n{"a": 2}\n'),
        ("t.ndjson", '{"a": 1, " b ": "007"}\n{"a": 2}\n'),
    ],
)
def test_json_has_records_or_columns(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    for path in (f"{tmp_path}/{name}", f"{tmp_path}/{name}.gz"):
        read = read_table(path)
        assert read["a"].tolist() == [1, 2]
        assert read["b"].tolist()[:1] == ["007"]
        assert read["b"].isna().tolist() == [False, True]
        assert [block["b"].tolist()[0] for block in table_blocks(path, ["b"], {})] == ["007"]


def test_excel_is_read_where_its_package_is_there(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    pd.DataFrame({"a": [1, 2], "b": ["007", None]}).to_excel(tmp_path / "t.xlsx", index=False)
    read = read_table(f"{tmp_path}/t.xlsx")
    assert read["a"].tolist() == [1, 2]
    assert read["b"].tolist()[:1] == ["007"]
    assert read_table(f"{tmp_path}/t.xlsx", header=False)["1"].tolist() == ["a", 1, 2]
    pd.DataFrame({"a": [1, "NA", 3], "c": ["NA", "DE", "?"]}).to_excel(tmp_path / "t.xlsx", index=False)
    read = read_table(f"{tmp_path}/t.xlsx", {"c": ("?",)})
    assert read["a"].isna().tolist() == [False, True, False]
    assert read["c"].tolist()[:2] == ["NA", "DE"]
    assert read["c"].isna().sum() == 1


def test_excel_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    with pytest.raises(MissingPackage) as error:
        read_table(f"{tmp_path}/t.xlsx")
    assert str(error.value) == f"{tmp_path}/t.xlsx needs openpyxl: pip install openpyxl"


def test_a_file_called_a_workbook_that_is_none_is_refused(tmp_path: Path) -> None:
    assert complaint(tmp_path, "t.xls", "no").startswith("is not a table in this format, or damaged: Excel file format")


def test_an_archive_of_two_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("a.csv", PLAIN)
        archive.writestr("b.csv", PLAIN)
    with pytest.raises(DataError) as error:
        read_table(f"{tmp_path}/t.csv.zip")
    assert str(error.value) == (f"{tmp_path}/t.csv.zip: must hold one file, got 2; unpack it and name the right one")


def test_a_file_that_unpacks_to_far_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "HARMLESS_BYTES", 2**20)
    message = complaint(tmp_path, "t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 2**20))
    assert (
        message
        == "unpacks to more than 8 GiB, or beyond 1 MiB to 150 times its size; if that is intended, unpack it first"
    )


@pytest.mark.parametrize("ending", [*PACKED, ".zst"])
def test_what_is_not_utf8_is_named_however_it_is_packed(ending: str, tmp_path: Path) -> None:
    packed = {**PACKED, ".zst": pytest.importorskip("zstandard").compress}[ending](b"a,b\n1,x\n2,\xe9\n")
    message = "line 3: is not UTF-8 (byte 0xe9); save the file as UTF-8"
    assert complaint(tmp_path, f"t.csv{ending}", packed) == message


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zip", ".zst"])
def test_a_damaged_file_cannot_be_unpacked(ending: str, tmp_path: Path) -> None:
    plain = "".join(f"{row},{row * 7919 % 1009}\n" for row in range(3000)).encode()
    packed = bytearray({**PACKED, ".zst": pytest.importorskip("zstandard").compress}[ending](b"a,b\n" + plain))
    packed[12:99] = b"\xff" * 87
    assert complaint(tmp_path, f"t.csv{ending}", bytes(packed)).startswith("cannot be unpacked: ")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tabel.csv", "tabel.csv: there is no such file in {folder}; did you mean table.csv?"),
        ("x/none.csv", "x/none.csv: there is no such file in {folder}/x"),
        ("inside", "inside: is a folder, not a file; name the file in it"),
        (
            "../table.csv",
            "../table.csv: leads out of its folder; "
            "move the data into the study file's folder, or give the whole path from the root",
        ),
        (
            "inside/../../table.csv",
            "inside/../../table.csv: leads out of its folder; "
            "move the data into the study file's folder, or give the whole path from the root",
        ),
    ],
)
def test_a_path_that_is_no_file_says_why(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(PLAIN)
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError) as error:
        find_path(path, (tmp_path,))
    assert str(error.value) == message.format(folder=tmp_path)


def test_an_unknown_bundled_table_says_what_is_near() -> None:
    with pytest.raises(DataError, match=r"^sklearn:irsi: scikit-learn has no such table; did you mean iris\?$"):
        read_table("sklearn:irsi")


def test_a_path_from_the_root_and_a_second_folder_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "t.csv").write_text(PLAIN)
    assert find_path("t.csv", (tmp_path, tmp_path / "second")) == tmp_path / "second" / "t.csv"
    assert find_path(str(tmp_path / "second" / "t.csv"), ()) == tmp_path / "second" / "t.csv"
