"""How well simple classifiers read classes from the codes of a model.

Each probe measures the same classifier on the examples as they are, on their principal components
of as many numbers as a code has, and on the codes of the same encoder untrained: what the codes
are worth is the difference.
"""

from genlab.errors import InputError
from genlab.metrics.measurement import Measurement
from genlab.metrics.representation import compare, representations
from genlab.numbers import Count, Positive
from genlab.registry import metrics
from genlab.trained import Trained


@metrics.register
def linear_probe(
    trained: Trained,
    split: str,
    *,
    num_train: Count = 10_000,
    num_test: Count = 10_000,
    C: Positive = 1.0,
    max_iter: Count = 1000,
) -> Measurement:
    """Accuracy of logistic regression on standardised codes, beside raw, PCA and untrained.

    Args:
      trained: the model; its encoder stays as it is.
      split: where the tested examples come from.
      num_train: labels fitted on, the first of the train split; few of them ask how far few labels
        reach.
      num_test: examples tested, the first of the split.
      C: inverse strength of the L2 penalty, above 0.
      max_iter: steps of L-BFGS; the protocol says where they did not suffice.

    Returns:
      `accuracy_codes`, `accuracy_raw`, `accuracy_pca`, `accuracy_untrained` in [0, 1].

    Raises:
      InputError: no `encode`, no labels, fewer than two classes, or C not above 0.

    Paper: Alain & Bengio 2016, arXiv:1610.01644
    """
    from sklearn.linear_model import LogisticRegression

    if C <= 0:
        raise InputError(f"C={C} is not above 0; a small C is a strong penalty")
    seen = representations(trained, split, num_train=num_train, num_test=num_test)
    found = compare(
        seen, lambda: LogisticRegression(C=C, max_iter=max_iter), standardize=True
    )
    return Measurement(found.values, {"split": split, **found.protocol})


@metrics.register
def nearest_neighbour_probe(
    trained: Trained,
    split: str,
    *,
    num_train: Count = 10_000,
    num_test: Count = 10_000,
    k: Count = 20,
) -> Measurement:
    """Accuracy of a vote of the k nearest training codes by cosine, beside raw, PCA and untrained.

    Features are neither standardised nor centred (but the principal components are), and every
    neighbour has one vote.

    Args:
      trained: the model.
      split: where the tested examples come from.
      num_train: labelled examples searched, the first of the train split.
      num_test: examples tested, the first of the split.
      k: neighbours.

    Returns:
      `accuracy_codes`, `accuracy_raw`, `accuracy_pca`, `accuracy_untrained` in [0, 1].

    Raises:
      InputError: no `encode`, no labels, fewer than two classes, or fewer than k examples.

    Paper: Wu et al. 2018, arXiv:1805.01978; the even vote is genlab's
    """
    from sklearn.neighbors import KNeighborsClassifier

    seen = representations(trained, split, num_train=num_train, num_test=num_test)
    if not 1 <= k <= len(seen.train_label):
        raise InputError(
            f"k={k} neighbours of {len(seen.train_label)} labelled examples: take 1 or more,"
            " and no more than there are"
        )
    found = compare(
        seen, lambda: KNeighborsClassifier(k, metric="cosine"), standardize=False
    )
    return Measurement(found.values, {"split": split, **found.protocol})


@metrics.register
def mlp_probe(
    trained: Trained,
    split: str,
    *,
    num_train: Count = 10_000,
    num_test: Count = 10_000,
    hidden: Count = 256,
    max_iter: Count = 50,
) -> Measurement:
    """Accuracy of a perceptron on standardised codes, beside raw, PCA and untrained.

    One hidden layer of rectified units, Adam, scikit-learn's defaults otherwise; its weights and
    the order of the examples are drawn from the run's seed.

    Args:
      trained: the model; its encoder stays as it is.
      split: where the tested examples come from.
      num_train: labels fitted on, the first of the train split.
      num_test: examples tested, the first of the split.
      hidden: hidden units.
      max_iter: passes over the examples; the protocol says where they did not suffice.

    Returns:
      `accuracy_codes`, `accuracy_raw`, `accuracy_pca`, `accuracy_untrained` in [0, 1].

    Raises:
      InputError: no `encode`, no labels, or fewer than two classes.

    Paper: Hjelm et al. 2019, arXiv:1808.06670 (one hidden layer; the sizes are genlab's)
    """
    from sklearn.neural_network import MLPClassifier

    seen = representations(trained, split, num_train=num_train, num_test=num_test)
    found = compare(
        seen,
        lambda: MLPClassifier((hidden,), max_iter=max_iter, random_state=trained.seed),
        standardize=True,
    )
    return Measurement(found.values, {"split": split, **found.protocol})
