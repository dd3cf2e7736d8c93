"""What samples of the prior lose against those of a density that was fitted to codes afterwards."""

from genlab.distances.frechet import (
    frechet_distance,
    frechet_influence,
    moments_of,
    rank_warning,
)
from genlab.metrics.measurement import Measurement, known
from genlab.metrics.sample_features import NUM, Choice, check, protocol_of
from genlab.metrics.seen import of_examples, of_samples
from genlab.numbers import Count, Seed
from genlab.registry import metrics
from genlab.statistics import about, standard_error
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("images", "sample", "sample_prior")
def prior_loss(
    trained: Trained,
    split: str,
    *,
    features: Choice = "random",
    num: Count = NUM,
    num_reference: Count = NUM,
    seed: Seed = 0,
) -> Measurement:
    """Frechet distances of one decoder's images of prior and of ex-post codes, and their difference.

    Both are of as many samples, in the same features, to the same real images of the train split.

    Args:
      trained: the model, a density of the codes of an autoencoder or a VAE.
      split: passed over; the reference is the train split.
      features: a name, or dict(name=..., knob=...), see `genlab list features`.
      num: samples of each.
      num_reference: real images.
      seed: of the samples, beside that of the run.

    Returns:
      `frechet_FEATURES_ex_post`, `frechet_FEATURES_prior` of codes from N(0, I), and `_loss`, prior less
      ex-post, in the squared unit of the features; intervals by the jackknife over the samples, the
      reference as it is.

    Raises:
      InputError: a model without an ex-post density, and as `frechet`.

    Paper: Ghosh et al. 2020, arXiv:1903.12436
    """
    del split
    knobs = dict(features=features, num=num, num_reference=num_reference)
    network = check(trained.experiment, trained.data, **knobs)
    real = of_examples(trained, network, "train", num_reference)
    truth, name = moments_of([real.features]), f"frechet_{network.name}"
    values, influence = {}, {}
    for kind, sampler in (("ex_post", "sample"), ("prior", "sample_prior")):
        drawn = of_samples(trained, network, num, seed=seed, sampler=sampler)
        key = f"{name}_{kind}"
        values[key] = frechet_distance(moments_of([drawn.features]), truth)
        influence[key] = frechet_influence(drawn.features, truth)
    values[f"{name}_loss"] = values[f"{name}_prior"] - values[f"{name}_ex_post"]
    # Pair by pair, since both samplers are given the same keys.
    influence[f"{name}_loss"] = (
        influence[f"{name}_prior"] - influence[f"{name}_ex_post"]
    )
    protocol = {
        **protocol_of(trained, network, num, seed),
        "reference": f"{len(real)} of train, as stored",
        "intervals": "jackknife over the samples, the reference as it is",
        **rank_warning(network.width, len(real), num),
    }
    intervals = {
        key: about(value, standard_error(influence[key]), num)
        for key, value in values.items()
    }
    return Measurement(values, protocol, known(intervals))


prior_loss.check = check
