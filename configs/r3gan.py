"""R3GAN's objective on scikit-learn's digits: relativistic pairs with both penalties on the slope.

Papers: Huang et al. 2024, arXiv:2501.05441; pairs: Jolicoeur-Martineau 2018, arXiv:1807.00734; R1, R2:
Mescheder et al. 2018, arXiv:1801.04406

  genlab --config=r3gan
    each class holds 8.6 % or more of 1,000 samples by an SVM of 99.3 % accuracy on 300 test digits;
    `frechet_digits_classifier` 2.7 (1.5 to 4.0; `_floor` 3.0), precision .72 and recall .90, of the test
    digits .94 and .94; 44 s of CPU time (one seed).
  genlab --config=r3gan:no_r2
    7.6 % or more; 2.9 (1.5 to 4.4), precision .76 and recall .89: no difference shows here; 37 s (one seed).
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "no_r2")


def get_config(variant: str = "") -> ConfigDict:
    """Perceptrons in the place of the paper's residual networks; beta1 is 0, and gamma falls from .5 to
    .05, beta2 is .9. `no_r2` keeps R1 alone."""
    config = base.get_config()
    falling = dict(name="cosine", value=0.5, steps=10_000, end=0.1)
    penalties = tuple(dict(name=name, weight=falling) for name in ("r1", "r2"))
    config.experiment = dict(name="gan", latent_dim=64, penalty=penalties)
    config.objective = dict(name="relativistic")
    config.model = dict(
        generator=dict(name="mlp_generator", hidden=(256, 256)),
        discriminator=dict(name="mlp_discriminator", hidden=(256, 256)),
    )
    adam = dict(name="adam", learning_rate=2e-4, b1=0.0, b2=0.9)
    config.optimizer = dict(generator=dict(adam, ema=0.999), discriminator=adam)
    config.data.update(name="digits", value_range=(-1.0, 1.0))
    config.train = dict(steps=10_000, batch_size=128, steps_per_call=100)
    config.log.every = 500
    config.eval.metrics = ("class_coverage",)
    config.eval.final_metrics = in_features_of_digits()
    config.sample = dict(every=5000, plots=("samples",))
    config.checkpoint.every = 5000

    match variant:
        case "tiny":
            for network in config.model.values():
                network.hidden = (16,)
            base.tiny(config)
        case "no_r2":
            config.experiment.penalty = penalties[:1]
    return config
