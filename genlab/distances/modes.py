"""How samples are spread over known modes."""

import numpy as np


def kl_to_even(counts: np.ndarray) -> float:
    """KL(model || even) in nats, of samples counted by mode, `counts: [K]`, to the same share of each.

    0 where all modes have as many, log K where one has them all; infinity nowhere, since a mode
    without samples adds nothing. Of N samples that are spread evenly in truth it is (K - 1) / (2 N)
    on average.
    """
    shares = counts[counts > 0] / counts.sum()
    return float(np.sum(shares * np.log(shares * len(counts))))
