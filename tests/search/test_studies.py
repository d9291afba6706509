"""Studies in the storage: continued with their own file only, deleted with all their files."""

from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage

from tests.support.searches import artifacts, search, small
from tuner.base.errors import StudyError
from tuner.data.sources import Places
from tuner.search.studies import compare, delete_study, open_study
from tuner.storage import private


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
    assert delete_study(storage, "small", tmp_path) == 1
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


def test_comparing_finds_the_innermost_address() -> None:
    assert [str(each) for each in compare({"a": {"b": [1, 2]}, "c": 1}, {"a": {"b": [1, 3]}})] == [
        "a.b[1]: 2 in the storage, 3 in the file",
        "c: 1 in the storage, absent in the file",
    ]
