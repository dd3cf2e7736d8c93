"""Ex-post samplers: what recipes of autoencoders and VAEs share that fit a density to their codes."""

from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

SAMPLERS = {
    "ex_post": dict(name="gaussian_mixture", components=10, floor=1e-4),
    "aggregate": dict(name="kernel_density", kept=1372),
    "two_stage": dict(name="vae_density"),
    "flow_on_codes": dict(name="coupling_flow", layers=8, hidden=(64, 64)),
}
LEARNED = ("two_stage", "flow_on_codes")  # by gradients, not by rounds of EM


def of_codes(config: ConfigDict, sampler: str, width: int) -> None:
    """The recipe as a stage, and after it a density of its codes, of `width` numbers.

    Args:
      config: of a family with one player, an encoder and a decoder, on scikit-learn's digits.
      sampler: one of SAMPLERS.
      width: numbers in a code.
    """
    (player,) = config.optimizer
    kept = ("experiment", "objective", "model", "optimizer", "train")
    first = {key: config[key].to_dict() for key in kept}
    config.stages = (dict(name="codes", **first),)
    networks = first["model"]
    likelihood = first["experiment"].get("likelihood", first["objective"])
    config.experiment = dict(name="density", likelihood=likelihood)
    config.objective = dict(name="description_length")
    density = dict(SAMPLERS[sampler], example_shape=(width,))
    features = dict(networks["encoder"])
    if "latent_dim" in first["experiment"]:
        features["latent_dim"] = width
    config.model = dict(
        density=density, features=features, renderer=networks["decoder"]
    )
    config.optimizer = dict(density=dict(name="sgd", learning_rate=1.0))
    # All training digits in a batch: a round is a step of EM.
    config.train = dict(steps=100, batch_size=1372, steps_per_call=20)
    if sampler == "two_stage":
        config.model.density.latent_dim = width
    if sampler in LEARNED:
        config.optimizer.density = dict(name="adam", learning_rate=1e-3)
        config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    parts = {"features": "encoder", "renderer": "decoder"}
    config.start = dict(
        name="copy",
        parts={f"frozen/{to}": f"codes/{player}/{of}" for to, of in parts.items()},
    )
    config.log.every = config.eval.every = config.train.steps // 5
    config.sample = dict(every=config.train.steps, plots=("samples",))
    config.eval.update(best="", metrics=())
    knobs = dict(features="digits_classifier", num=1000)
    config.eval.final_metrics = (
        *in_features_of_digits(),
        dict(name="prior_loss", **knobs),
    )
