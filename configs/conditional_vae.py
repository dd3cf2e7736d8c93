"""Conditional variational autoencoder that completes images with missing parts.

Paper: Sohn, Lee & Yan 2015, NIPS 28

Two CPU cores; the bound on -log p(image | what is known of it), and what fills the holes of the test
digits, means of p(y|x, z) at a draw of z.

  genlab --config=conditional_vae
    scikit-learn's digits, 16 px, a hole of 8 to 12 pixels a side: 82.8 nats (reconstruction 80.9, KL
    1.8); inside the holes PSNR 14.5 dB, SSIM 0.696 (empty 9.0 and 0.216), of whole images 18.7 and
    0.715; 51 CPU seconds (300 test digits, one seed).
  genlab --config=conditional_vae:strokes
    free-form holes: 81.8 nats (80.8 to 82.9; KL 0.6); inside the holes PSNR 17.8 dB, SSIM 0.850 (empty 8.2 and 0.475), of
    whole images 21.7 and 0.887; 36 CPU seconds (300 test digits, one seed).
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

VARIANTS = ("tiny", "strokes")


def get_config(variant: str = "") -> ConfigDict:
    """scikit-learn's digits at 16 px with a hole of half to three quarters of a side."""
    config = base.get_config()
    config.experiment = dict(
        name="conditional_vae", likelihood="bernoulli", latent_dim=10, fill_only=True
    )
    config.objective = dict(name="elbo", beta=1.0)
    encoder = dict(name="mlp_encoder", hidden=(256,))
    # What it makes has no mask, which examples have.
    decoder = dict(name="mlp_decoder", hidden=(256,), example_shape=(16, 16, 1))
    config.model = dict(encoder=encoder, decoder=decoder, prior=encoder)
    config.optimizer = dict(vae=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", image_size=16)
    config.data.degrade = dict(name="box_holes", count=1, least=0.5, most=0.75)
    config.train = dict(steps=4000, batch_size=64, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=1000, best="negative_elbo", metrics=("translation",))
    config.sample = dict(every=1000, plots=(dict(name="translations", draws=4),))
    config.checkpoint.every = 2000

    match variant:
        case "tiny":
            config.experiment.latent_dim = 3
            for network in config.model.values():
                network.hidden = (8,)
            config.model.decoder.example_shape = (8, 8, 1)
            config.data.image_size = 8
            base.tiny(config)
        case "strokes":
            config.data.degrade = dict(name="stroke_holes", count=6, width=0.15)
    return config
