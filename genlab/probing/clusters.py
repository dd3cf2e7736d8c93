"""Whether clusters of features are the classes, though no label made them."""

import numpy as np

from genlab.statistics import about

RESAMPLES = 200


def matched(clusters: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Which examples lie in the cluster of their class, by the one-to-one matching that is right most
    often: [N] bool.

    Paper: Kuhn 1955, Naval Research Logistics Quarterly 2:83-97
    """
    from scipy.optimize import linear_sum_assignment

    names, label = np.unique(label, return_inverse=True)
    table = np.zeros((clusters.max() + 1, len(names)), int)
    np.add.at(table, (clusters, label), 1)
    rows, columns = linear_sum_assignment(-table)
    return np.isin(clusters * len(names) + label, rows * len(names) + columns)


def shared_information(
    clusters: np.ndarray, label: np.ndarray
) -> tuple[float, tuple[float, float] | None]:
    """Normalised mutual information 2 I(c; y) / (H(c) + H(y)) in [0, 1], and its 95 % interval over
    examples drawn anew, the clusters being the same.

    Its error is the deviation over RESAMPLES bootstrap samples from a fixed seed: their quantiles would
    lie too high, since examples that are drawn twice share information with themselves.
    """
    from sklearn.metrics import normalized_mutual_info_score as score

    generator = np.random.default_rng(0)
    drawn = [
        score(label[rows], clusters[rows])
        for rows in generator.integers(len(label), size=(RESAMPLES, len(label)))
    ]
    value = float(score(label, clusters))
    return value, about(value, float(np.std(drawn, ddof=1)), len(label), share=True)


def k_means(features: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Clusters of `features: [N, F]` by k-means, the best of five starts: [N] int."""
    from sklearn.cluster import KMeans

    return KMeans(count, n_init=5, random_state=seed).fit_predict(features)
