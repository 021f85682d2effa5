"""Six versions of one model, trained for real on the data set that ships with scikit-learn.

Version 1 looks at two of thirty measurements; version 2 at all of them and is better. Versions 3
and 4 are as good as version 2: what is wrong with them is in their `inference.py`, where a held-out
score never looks. Versions 5 and 6 are sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from demo.rows import Kind, Row, written
from examples.classifier.training import DATA_SET, SEED, evaluation, regression, split

if TYPE_CHECKING:
    from collections.abc import Callable

_MEAN_RADIUS, _MEAN_TEXTURE = 0, 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one version's classifier is made."""

    description: str
    build: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted classifier and how it does on the rows it has not seen."""

    version: int
    description: str
    data_set: str
    pipeline: Any
    accuracy: float
    f1: float


def _tree_over_two() -> Any:
    two = make_column_transformer((SimpleImputer(strategy="median"), [_MEAN_RADIUS, _MEAN_TEXTURE]))
    return make_pipeline(two, DecisionTreeClassifier(max_depth=2, random_state=SEED))


RECIPES = {
    1: Recipe("decision tree over 2 measurements", _tree_over_two),
    2: Recipe("logistic regression over all 30", lambda: regression(1.0)),
    3: Recipe("logistic regression, C=0.9", lambda: regression(0.9)),
    4: Recipe("logistic regression, C=0.8", lambda: regression(0.8)),
    5: Recipe("logistic regression, C=0.7", lambda: regression(0.7)),
    6: Recipe("logistic regression, C=0.6", lambda: regression(0.6)),
}


def train(version: int) -> Trained:
    """Train `version` on the training rows and score it on the others; the same every time."""
    seen, _, diagnoses, _ = split()
    recipe = RECIPES[version]
    pipeline = recipe.build().fit(seen, diagnoses)
    scores = evaluation(pipeline)
    return Trained(version, recipe.description, DATA_SET, pipeline, **scores)


def held_out(kind: Kind) -> tuple[Row, ...]:
    """Every held-out row, written as `kind`."""
    _, unseen, _, _ = split()
    return tuple(
        written(number, tuple(float(value) for value in row), kind)
        for number, row in enumerate(unseen)
    )
