"""Studies in the storage: continued as they began and with their own file only, deleted with all their files."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage

from tests.support.searches import artifacts, search, small
from tuner.base.errors import StudyError
from tuner.data.sources import Places
from tuner.search.studies import compare, delete_study, open_study
from tuner.storage import default_url, open_storage, private, study_record
from tuner.storage.private import canonical
from tuner.study import StudyFile, load


@pytest.mark.slow
def test_a_deleted_study_leaves_no_files_even_after_some_were_removed(
    storage: BaseStorage, small_study: Path, places: Places, tmp_path: Path
) -> None:
    search(storage, small(small_study), places, trials=1, artifacts=artifacts(tmp_path / "artifacts"))
    study = optuna.load_study(study_name="small", storage=storage)
    page = tmp_path / "page.html"
    page.write_text("<p>")
    store = optuna.artifacts.FileSystemArtifactStore(str(tmp_path / "artifacts"))
    optuna.artifacts.upload_artifact(artifact_store=store, file_path=str(page), study_or_trial=study)
    private.store_system_attribute(study, "artifacts:gone", "null")  # what optuna-dashboard leaves
    (copy := tmp_path / "small" / "sources" / "0123").mkdir(parents=True)  # of a search on Ray
    (copy / "mine.py").write_text("")
    assert delete_study(storage, "small", tmp_path) == 1
    assert not [each for each in (tmp_path / "small").rglob("*") if each.is_file() or each == copy]
    assert list((tmp_path / "artifacts").iterdir()) == []


def test_an_edited_space_is_shown_and_refused(storage: BaseStorage, small_study: Path) -> None:
    open_study(storage, small(small_study))
    with pytest.raises(StudyError) as error:
        open_study(
            storage,
            small(small_study, "training.batch_size=10"),
        )
    assert str(error.value).splitlines()[:2] == [
        "the study 'small' began with another search space or objective:",
        "  recipe.training.batch_size: 50 in the storage, 10 in the file",
    ]
    assert "--name" in str(error.value)
    assert "--reset" in str(error.value)


def test_an_edited_budget_or_sampler_goes_on_and_is_shown(storage: BaseStorage, small_study: Path) -> None:
    open_study(storage, small(small_study))
    *_, differences = open_study(storage, small(small_study, "budget.trials=9", "search.sampler=random"))
    assert [str(each) for each in differences] == [
        "budget.trials: 4 in the storage, 9 in the file",
        "search.sampler: absent in the storage, random in the file",
    ]
    assert open_study(storage, small(small_study, "budget.trials=9", "search.sampler=random"))[2] == ()


@pytest.mark.parametrize("writes", range(6))
def test_a_study_whose_creation_was_interrupted_is_described_by_the_next_call(
    writes: int, memory: BaseStorage, small_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was missing for ever was the objective: the end of each search was a traceback."""
    write, left = memory.set_study_user_attr, iter(range(writes))

    def interrupted(*arguments: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(*arguments)

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(memory, "set_study_user_attr", interrupted)
        open_study(memory, small(small_study))
    study, file, differences = open_study(memory, small(small_study))
    record = study_record(study)
    assert (record.objectives, record.title, record.plain) == (file.objectives, file.title, canonical(file.resolved))
    assert study.metric_names == list(file.objectives)
    assert differences == ()


def test_trials_that_another_program_stored_are_refused(memory: BaseStorage, small_study: Path) -> None:
    study = optuna.create_study(storage=memory, study_name="small", direction="maximize")
    study.enqueue_trial({})
    open_study(memory, small(small_study))
    optuna.delete_study(study_name="small", storage=memory)
    study = optuna.create_study(storage=memory, study_name="small", direction="maximize")
    study.add_trial(optuna.create_trial(value=7.0))
    with pytest.raises(StudyError, match=r"`optimize` did not make, with 1 trials: .* \(--reset\)"):
        open_study(memory, small(small_study))
    assert study.user_attrs == {}


def test_comparing_finds_the_innermost_address() -> None:
    assert [str(each) for each in compare({"a": {"b": [1, 2]}, "c": 1}, {"a": {"b": [1, 3]}})] == [
        "a.b[1]: 2 in the storage, 3 in the file",
        "c: 1 in the storage, absent in the file",
    ]


@pytest.fixture
def automatic(small_study: Path) -> Path:
    """A study file that leaves the precision to the machine."""
    small_study.write_text(small_study.read_text() + '[recipe.network.hidden]\nprecision = "auto"\n')
    return small_study


def loaded_with_fast(precision: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyFile:
    """The study file as it is read on a machine with such a processor."""
    monkeypatch.setattr("tuner.study.resolve.fast_precision", lambda: precision)
    return load(path, "small")


def test_a_study_keeps_its_precision_on_a_machine_with_another(
    automatic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(default_url(tmp_path))
    study, *_ = open_study(storage, loaded_with_fast("bfloat16", automatic, monkeypatch))
    assert study.user_attrs["file"]["recipe"]["network"]["hidden"]["precision"] == "bfloat16"

    there = loaded_with_fast("float32", automatic, monkeypatch)
    assert {recipe.network.hidden.precision for _, recipe in there.corners} == {"float32"}
    study, begun, differences = open_study(storage, there)
    assert differences == ()
    assert {recipe.network.hidden.precision for _, recipe in begun.corners} == {"bfloat16"}
    assert begun.plain["recipe"]["network"]["hidden"]["precision"] == "auto"
    assert study.user_attrs["file"]["recipe"]["network"]["hidden"]["precision"] == "bfloat16"


def test_an_explicit_precision_is_another_search_space(
    automatic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(default_url(tmp_path))
    open_study(storage, loaded_with_fast("bfloat16", automatic, monkeypatch))
    automatic.write_text(automatic.read_text().replace('"auto"', '"float32"'))
    with pytest.raises(
        StudyError, match=r"recipe\.network\.hidden\.precision: bfloat16 in the storage, float32 in the"
    ):
        open_study(storage, load(automatic, "small"))


def test_what_the_study_began_without_is_as_fast_as_this_machine(
    automatic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = loaded_with_fast("float32", automatic, monkeypatch)
    assert file.as_begun({}).resolved == file.resolved
    assert file.as_begun({"recipe": {"network": {"one_of": ["dense"]}}}).resolved == file.resolved
