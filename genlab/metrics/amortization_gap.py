"""What a VAE's bound loses by taking its posteriors from an encoder, and by their being Gaussian."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from genlab.game import rng
from genlab.game.turn import Draw
from genlab.metrics.measurement import Measurement, means_of
from genlab.numbers import Count, Positive
from genlab.registry import metrics
from genlab.statistics import standard_error
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

CHUNK = 100  # examples whose posteriors are fitted together


@metrics.register
@needs("posterior_gaps")
def amortization_gap(
    trained: Trained,
    split: str,
    *,
    num: Count = 500,
    steps: Count = 500,
    learning_rate: Positive = 0.05,
    samples: Count = 500,
) -> Measurement:
    """ELBO of a q(z) fitted to each example, less that of q(z|x), the encoder's.

    log p(x) - ELBO, which inference loses in all, is the sum of two gaps: amortization, by the encoder's
    not giving the best Gaussian, and approximation, by the best one's not being p(z|x). The fitted
    Gaussian starts at the encoder's and is moved by Adam on the bound of its example; where it has not
    arrived the first gap is larger than said here, and the second smaller. log p(x) is the
    importance-weighted bound of draws from it, from below.

    Args:
      trained: the model.
      split: of the examples.
      num: examples, evenly spread over the split.
      steps: of Adam.
      learning_rate: of the first of them; it falls to 0 by a half cosine.
      samples: draws of z that the two ELBOs, by the same noise, and log p(x) are of.

    Returns:
      Nats an example: `gap`, and its standard error over the examples, `gap_error`; `approximation_gap`
      and `approximation_gap_error`; `inference_gap`, their sum; `negative_elbo`,
      `fitted_negative_elbo` and `nll`.

    Raises:
      InputError: a family without a Gaussian posterior, or counts below 1.

    Paper: Cremer, Li & Duvenaud 2018, arXiv:1801.03558
    """
    found = list(_gaps(trained, split, num, (steps, samples), learning_rate))
    both = {
        k: np.concatenate([f[k] for f in found]).astype(np.float64) for k in found[0]
    }
    elbo, fitted, log_p = both["elbo"], both["fitted_elbo"], both["log_p"]
    scores = {
        "gap": fitted - elbo,
        "approximation_gap": log_p - fitted,
        "inference_gap": log_p - elbo,
        "negative_elbo": -elbo,
        "fitted_negative_elbo": -fitted,
        "nll": -log_p,
    }
    values, intervals = means_of(scores)
    for name in ("gap", "approximation_gap"):
        values[f"{name}_error"] = standard_error(scores[name])
    protocol: dict[str, Any] = {
        "split": split,
        "examples": len(elbo),
        "fitted": f"{steps} steps of Adam at {learning_rate:g} from the encoder's",
        "samples": samples,
    }
    if trained.data.is_image:
        protocol["binarized"] = trained.preparation.binarize
    return Measurement(values, protocol, intervals)


def _gaps(
    trained: Trained, split: str, num: int, counts: tuple[int, int], rate: float
) -> Iterator[dict[str, np.ndarray]]:
    """What `posterior_gaps` says of the examples, so many at a time, by name: [n] each."""
    steps, samples = counts

    def look(experiment, params, extra, batch, root, step, rate):
        draw = Draw(batch, root, step)
        return experiment.posterior_gaps(params, extra, draw, steps, rate, samples)

    compiled = trained.compile(f"posterior gaps, {steps} steps, {samples} draws", look)
    model, step = (trained.params, trained.extra), np.int32(trained.step)
    for index, batch in enumerate(trained.examples_in_chunks(split, num, CHUNK)):
        root = rng.stream(trained.seed, f"amortization_gap/{split}", index)
        yield jax.device_get(compiled(*model, batch, root, step, rate))
