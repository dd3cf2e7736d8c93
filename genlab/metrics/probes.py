"""How well simple classifiers read classes from the codes of a model.

Each probe measures the same classifier on the examples as they are, on their principal components
of as many numbers as a code has, and on the codes of the same encoder untrained: what the codes
are worth is the difference. For each of these its regularisation and the scaling of the features are
chosen alike, on training labels that are held out for it.
"""

from collections.abc import Sequence
from dataclasses import replace

from genlab.errors import InputError
from genlab.metrics.measurement import Measurement
from genlab.metrics.representation import (
    STRENGTHS,
    check_grid,
    compare,
    representations,
)
from genlab.numbers import Count, NonNegative, Positive
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("classes", "encode")
def linear_probe(
    trained: Trained,
    split: str,
    *,
    num_train: Count = 10_000,
    num_test: Count = 10_000,
    C: Sequence[Positive] = STRENGTHS,
    max_iter: Count = 1000,
) -> Measurement:
    """Accuracy of logistic regression on scaled codes, beside raw, PCA and untrained.

    Args:
      trained: the model; its encoder stays as it is.
      split: where the tested examples come from.
      num_train: labels fitted on, an even spread over the train split; few of them ask how far few labels
        reach.
      num_test: examples tested, an even spread.
      C: inverse strengths of the L2 penalty, above 0, from which one is chosen for each
        representation.
      max_iter: steps of L-BFGS; the protocol says where they did not suffice.

    Returns:
      `accuracy_codes`, `accuracy_raw`, `accuracy_pca`, `accuracy_untrained` in [0, 1], and what the
      codes gain over the others, `gain_over_raw`, `gain_over_pca`, `gain_over_untrained`.

    Raises:
      InputError: no `encode`, no labels, fewer than two classes, or C not above 0.

    Paper: Alain & Bengio 2016, arXiv:1610.01644
    """
    from sklearn.linear_model import LogisticRegression

    check_grid(C=C)
    seen = representations(trained, split, num_train=num_train, num_test=num_test)
    found = compare(
        seen,
        lambda strength: LogisticRegression(C=strength, max_iter=max_iter),
        C,
        standardize=True,
    )
    return _of_split(found, split)


@metrics.register
@needs("classes", "encode")
def nearest_neighbour_probe(
    trained: Trained,
    split: str,
    *,
    num_train: Count = 10_000,
    num_test: Count = 10_000,
    k: Sequence[Count] = (1, 5, 20),
) -> Measurement:
    """Accuracy of a vote of the k nearest training codes by cosine, beside raw, PCA and untrained.

    Features are neither standardised nor centred (but the principal components are), and every
    neighbour has one vote.

    Args:
      trained: the model.
      split: where the tested examples come from.
      num_train: labelled examples searched, an even spread.
      num_test: examples tested, an even spread.
      k: numbers of neighbours, from which one is chosen for each representation.

    Returns:
      `accuracy_codes`, `accuracy_raw`, `accuracy_pca`, `accuracy_untrained` in [0, 1], and what the
      codes gain over the others, `gain_over_raw`, `gain_over_pca`, `gain_over_untrained`.

    Raises:
      InputError: no `encode`, no labels, fewer than two classes, or fewer than k examples.

    Paper: Wu et al. 2018, arXiv:1805.01978; the even vote is genlab's
    """
    from sklearn.neighbors import KNeighborsClassifier

    seen = representations(trained, split, num_train=num_train, num_test=num_test)
    check_grid(k=k)
    # Of more than one number the best is chosen with four fifths of the examples.
    fitted = len(seen.train_label) * (4 if len(k) > 1 else 5) // 5
    if max(k) > fitted:
        raise InputError(
            f"k={tuple(k)} neighbours of {fitted} labelled examples: take no more than"
            " there are"
        )
    found = compare(
        seen,
        lambda count: KNeighborsClassifier(count, metric="cosine"),
        k,
        standardize=False,
    )
    return _of_split(found, split)


@metrics.register
@needs("classes", "encode")
def mlp_probe(
    trained: Trained,
    split: str,
    *,
    num_train: Count = 10_000,
    num_test: Count = 10_000,
    hidden: Count = 256,
    max_iter: Count = 50,
    alpha: Sequence[NonNegative] = (1e-4, 1e-2, 1.0),
) -> Measurement:
    """Accuracy of a perceptron on scaled codes, beside raw, PCA and untrained.

    One hidden layer of rectified units, Adam, scikit-learn's defaults otherwise; its weights and
    the order of the examples are drawn from the run's seed.

    Args:
      trained: the model; its encoder stays as it is.
      split: where the tested examples come from.
      num_train: labels fitted on, an even spread over the train split.
      num_test: examples tested, an even spread.
      hidden: hidden units.
      max_iter: passes over the examples; the protocol says where they did not suffice.
      alpha: weights of the L2 penalty, 0 or more, from which one is chosen for each representation.

    Returns:
      `accuracy_codes`, `accuracy_raw`, `accuracy_pca`, `accuracy_untrained` in [0, 1], and what the
      codes gain over the others, `gain_over_raw`, `gain_over_pca`, `gain_over_untrained`.

    Raises:
      InputError: no `encode`, no labels, or fewer than two classes.

    Paper: Hjelm et al. 2019, arXiv:1808.06670 (one hidden layer; the sizes are genlab's)
    """
    from sklearn.neural_network import MLPClassifier

    check_grid(alpha=alpha)
    seen = representations(trained, split, num_train=num_train, num_test=num_test)
    found = compare(
        seen,
        lambda weight: MLPClassifier(
            (hidden,), alpha=weight, max_iter=max_iter, random_state=trained.seed
        ),
        alpha,
        standardize=True,
    )
    return _of_split(found, split)


def _of_split(found: Measurement, split: str) -> Measurement:
    return replace(found, protocol={"split": split, **found.protocol})


linear_probe.check = lambda experiment, data, *, C, **knobs: check_grid(C=C)
nearest_neighbour_probe.check = lambda experiment, data, *, k, **knobs: check_grid(k=k)
mlp_probe.check = lambda experiment, data, *, alpha, **knobs: check_grid(alpha=alpha)
