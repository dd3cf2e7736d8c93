"""A GAN of perceptrons with the non-saturating loss; `gan_minimax` plays the zero-sum game with them.

The generator minimises -log D(G(z)), whose gradient is largest where the discriminator is sure of a fake; the plot
`gradient_signal` draws it beside that of the zero-sum game, which is gone there, and the logits of samples.

Papers: Goodfellow et al. 2014, arXiv:1406.2661, section 3; maxout: Goodfellow et al. 2013, arXiv:1302.4389

  genlab --config=gan_ns
    the rarest class holds .5 to .7 % of 1,000 samples, by an SVM of 99.3 % accuracy on 300 test digits;
    `frechet_digits_classifier` 77, 110 and 122 (`_floor` 3.0), precision .82 to .86 and recall .77 to .82, of the
    test digits .94 and .94; 10,000 rounds, 28 s of CPU time (`sweep --config=gan_ns --seeds=3`).
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny",)


def get_config(variant: str = "") -> ConfigDict:
    """Rectified units against maxout, as in the paper, on scikit-learn's digits at 8 px."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=64)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(name="mlp_generator", hidden=(256, 256)),
        discriminator=dict(name="maxout_discriminator", hidden=(128, 128)),
    )
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(name="digits", value_range=(-1.0, 1.0))
    config.train = dict(steps=10_000, batch_size=64, steps_per_call=100)
    config.log.every = 500
    config.eval.metrics = ("class_coverage",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=1000, plots=("samples", "gradient_signal"))
    config.checkpoint.every = 5000
    if variant == "tiny":
        for network in config.model.values():
            network.hidden = (16,)
        base.tiny(config)
    return config
