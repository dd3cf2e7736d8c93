"""Convolutional autoencoder: a pyramid of strided convolutions, and transposed ones back up.

Papers: Masci et al. 2011, ICANN; transposed convolutions: Zeiler et al. 2010, CVPR

Two CPU cores; nats of the test split, and accuracy of a linear probe on the codes (raw pixels:
96.3 %):

  genlab --config=convolutional_autoencoder
    scikit-learn's digits, 16 px, a code of 16: 76.1 nats, half the squared error 0.40, probe 96.0 %
    (an untrained encoder: 82.3 %); 21 s of CPU time.
  genlab --config=convolutional_autoencoder:denoising
    the same from masked pixels: 76.2 nats, probe 95.7 %; 24 s of CPU time.
  genlab --config=convolutional_autoencoder:mnist --config.data.data_dir=DIR
    MNIST, a code of 32: 55.1 nats, half the squared error 1.30, probe of 10,000 labels 93.4 % (raw pixels:
    91.4 %, 32 principal components: 89.7 %, untrained: 75.8 %), 20 nearest neighbours 96.1 % (raw pixels: 94.7
    %); 11 min of CPU time.
"""

from genlab.shipped.configs import autoencoder
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "denoising", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """Two halvings to a code of 16, two doublings back."""
    config = autoencoder.digits()
    config.model = dict(
        encoder=dict(
            name="conv_code_encoder", latent_dim=16, channels=(16, 32), hidden=128
        ),
        decoder=dict(name="conv_decoder", channels=(32, 16), hidden=128),
    )

    match variant:
        case "tiny":
            config.model.encoder.update(latent_dim=3, channels=(4,), hidden=8)
            config.model.decoder.update(channels=(4,), hidden=8)
            autoencoder.tiny(config)
        case "denoising":
            config.experiment.corruption = dict(name="masking", fraction=0.25)
        case "mnist":
            config.model.encoder.update(latent_dim=32, channels=(32, 64), hidden=256)
            config.model.decoder.update(channels=(64, 32), hidden=256)
            autoencoder.mnist(config)
    return config


def sweep_code():
    """Reconstruction and probe against the width of the code."""
    return grid(model__encoder__latent_dim=(2, 4, 8, 16, 32))
