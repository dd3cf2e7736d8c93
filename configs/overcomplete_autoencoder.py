"""Overcomplete autoencoder: a code wider than its examples, which must not learn the identity.

`plain` shows the failure: it copies all but perfectly, even digits of a class that it has never seen,
with filters that stay the noise of their start and codes that serve a classifier no better than
pixels. The default restores masked pixels, which a copy cannot; `sparse` pays for every active unit.

Papers: Vincent et al. 2010, JMLR 11:3371-3408; Bengio et al. 2013, arXiv:1206.5538, section 7.2

Two CPU cores; squared error of a test digit, of the known classes and of the class held back:

  python launch.py --config=configs/overcomplete_autoencoder.py
    scikit-learn's digits, 8 px: 1.12 and 1.68; half of the filters become spots and strokes.
  python launch.py --config=configs/overcomplete_autoencoder.py:plain
    the same without masking: 0.002 and 0.029; the filters are noise.
  python launch.py --config=configs/overcomplete_autoencoder.py:sparse
    L1, a decoder of unit norm, 6 % of the units active: 0.54 and 1.16.
"""

from ml_collections import ConfigDict

from configs import base

VARIANTS = ("tiny", "plain", "sparse", "mnist", "mnist_plain")


def get_config(variant: str = "") -> ConfigDict:
    """256 units for 64 pixels; the digit 1 is held back from training."""
    config = base.get_config()
    config.experiment = dict(
        name="autoencoder", corruption=dict(name="masking", fraction=0.4)
    )
    config.objective = dict(name="squared_error")
    config.model = dict(
        encoder=dict(name="dense_encoder", widths=(256,), activation="relu"),
        decoder=dict(name="tied_decoder"),
    )
    config.optimizer = dict(autoencoder=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", without_labels=(1,))
    config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2500, best="reconstruction")
    config.eval.metrics = ("anomaly_detection", "linear_probe")
    config.sample = dict(every=5000, plots=("reconstructions", "receptive_filters"))
    config.checkpoint.every = 5000

    place, _, kind = variant.rpartition("_")
    if variant == "tiny":
        config.model.encoder.widths = (80,)
        config.train = dict(steps=8, batch_size=8, steps_per_call=2)
        config.log.every = config.eval.every = config.sample.every = 4
        config.checkpoint.every = 4
        config.eval.metrics = ()
    if kind == "plain":
        config.experiment.corruption = None
    if kind == "sparse":
        config.experiment.corruption = None
        config.experiment.regularizer = dict(name="l1_sparsity", weight=0.1)
        config.model.decoder = dict(name="dense_decoder", unit_norm=True)
    if "mnist" in (place, kind):
        config.model.encoder.widths = (1568,)
        config.data.update(name="tfds:mnist", data_dir="", image_size=28)
        config.train.steps = 20_000
    return config
