"""Partially importance weighted autoencoder: decoder and encoder are two players with bounds of their own.

Paper: Rainforth et al. 2018, arXiv:1802.04537. The decoder has the bound of all 50 draws, the encoder the mean
of 5 bounds of 10 draws each, whose gradient is less noisy.

  genlab --config=piwae
    scikit-learn's digits, 8 px: bound 22.04 nats (21.7 to 22.4) where -ELBO is 25.5, -log p(x) 22.04 by 5,000 draws,
    48 active units; 65 s of CPU time (one seed).
  genlab --config=piwae:short --config.data.data_dir=DIR
    the first 40 passes of the protocol of `iwae`. After 4 of them 97.5 nats of 2,000 test digits, where IWAE has 99.6
    (one seed); 3 min 29 s of CPU time.
"""

from genlab.shipped.configs import base, iwae
from ml_collections import ConfigDict

VARIANTS = ("tiny", "mnist", "short")


def get_config(variant: str = "") -> ConfigDict:
    """The networks and the schedule of `iwae.py` with one layer."""
    config = iwae.get_config("" if variant == "tiny" else variant)
    config.experiment.name = "split_vae"
    config.objective = dict(name="piwae", groups=5)
    rate = config.optimizer.vae
    config.optimizer = dict(encoder=rate, decoder=rate)
    if variant == "tiny":
        config.experiment.update(latent_dim=3, samples=4)
        config.objective.groups = 2
        config.model.encoder.hidden = config.model.decoder.hidden = (8,)
        base.tiny(config)
    return config
