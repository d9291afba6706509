"""A study goes on as it began, on whatever machine."""

from pathlib import Path

import pytest

from tuner.base.errors import StudyError
from tuner.search.studies import open_study
from tuner.storage import default_url, open_storage
from tuner.study import StudyFile, load


@pytest.fixture
def automatic(small_study: Path) -> Path:
    """A study file that leaves the precision to the machine."""
    small_study.write_text(small_study.read_text() + '[recipe.network.hidden]\nprecision = "auto"\n')
    return small_study


def loaded_where_fast_is(precision: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyFile:
    """The study file as it is read on a machine with such a processor."""
    monkeypatch.setattr("tuner.study.resolve.fast_precision", lambda: precision)
    return load(path, "small")


def test_a_study_keeps_its_precision_on_a_machine_with_another(
    automatic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(default_url(tmp_path))
    study, *_ = open_study(storage, loaded_where_fast_is("bfloat16", automatic, monkeypatch))
    assert study.user_attrs["file"]["recipe"]["network"]["hidden"]["precision"] == "bfloat16"

    there = loaded_where_fast_is("float32", automatic, monkeypatch)
    assert {recipe.network.hidden.precision for _, recipe in there.corners} == {"float32"}
    study, begun, differences = open_study(storage, there)
    assert differences == ()
    assert {recipe.network.hidden.precision for _, recipe in begun.corners} == {"bfloat16"}
    assert begun.plain["recipe"]["network"]["hidden"]["precision"] == "auto"
    assert study.user_attrs["file"]["recipe"]["network"]["hidden"]["precision"] == "bfloat16"


def test_a_precision_that_is_said_is_another_search_space(
    automatic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(default_url(tmp_path))
    open_study(storage, loaded_where_fast_is("bfloat16", automatic, monkeypatch))
    automatic.write_text(automatic.read_text().replace('"auto"', '"float32"'))
    with pytest.raises(
        StudyError, match=r"recipe\.network\.hidden\.precision: bfloat16 in the storage, float32 in the"
    ):
        open_study(storage, load(automatic, "small"))


def test_what_the_study_began_without_is_as_fast_as_this_machine(
    automatic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = loaded_where_fast_is("float32", automatic, monkeypatch)
    assert file.as_begun({}).resolved == file.resolved
    assert file.as_begun({"recipe": {"network": {"one_of": ["dense"]}}}).resolved == file.resolved
