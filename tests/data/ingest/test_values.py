"""Values as they stand in frames and files."""

import numpy as np
import pandas as pd
import pytest

from tuner.base.errors import DataError
from tuner.data.ingest.values import factorize, require_complete


def test_an_empty_text_is_nothing_as_it_is_in_a_file() -> None:
    named = factorize(pd.Series(["a", "", None, "b", np.nan, "a"], name="kind"), "here")
    assert named.names == ("a", "b")
    assert named.numbers.tolist() == [0, -1, -1, 1, -1, 0]


@pytest.mark.parametrize("gap", ["", None, np.nan])
def test_a_target_without_a_value_is_refused(gap: object) -> None:
    with pytest.raises(DataError, match=r"here: column 'y': 1 of 3 rows have no value \(row 2\)"):
        require_complete(pd.Series(["a", gap, "b"], name="y"), "here")
