"""A search as an estimator of scikit-learn: a data frame in, cross-validated groups kept whole, a score on rows held out.

python examples/estimator.py
"""

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

import tuner

ROWS = 600


def flats() -> tuple[pd.DataFrame, pd.Series]:
    """Made-up flats: numbers, categories and dates, of which some are missing, and whether each was let within a week."""
    generator = np.random.default_rng(0)
    size = generator.gamma(8.0, 9.0, ROWS)
    price = size * generator.normal(14.0, 3.0, ROWS)
    quarter = generator.choice(["old town", "harbour", "hill"], ROWS, p=[0.3, 0.3, 0.4])
    offered = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 365, ROWS), unit="D")
    charm = 14.0 - price / size + 2.0 * (quarter == "harbour") + (offered.month > 8) + generator.normal(0.0, 1.0, ROWS)
    size[generator.random(ROWS) < 0.05] = np.nan
    frame = pd.DataFrame({"size": size, "price": price, "quarter": pd.Categorical(quarter), "offered": offered})
    return frame, pd.Series(np.where(charm > 0.8, "quickly", "slowly"), name="let")


def main() -> None:
    """Search for three quarters of a minute, then score on the rows that the search has not seen."""
    rows, let = flats()
    seen, unseen, let_seen, let_unseen = train_test_split(rows, let, test_size=0.25, random_state=0, stratify=let)
    classifier = tuner.TunedClassifier(minutes=0.75, random_state=0)
    classifier.fit(seen, let_seen)
    figure = classifier.study_.objectives[0].replace("_", " ")
    print(
        f"{figure} {classifier.validation_score_:.4f}; right on unseen rows {classifier.score(unseen, let_unseen):.4f}"
    )
    print(pd.DataFrame(classifier.predict_proba(unseen[:3]), columns=classifier.classes_).round(3))


if __name__ == "__main__":
    main()
