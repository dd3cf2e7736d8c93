"""Overcomplete autoencoder: a code wider than its examples, which must not learn the identity.

`plain` shows the failure: it copies all but perfectly, even digits of a class that it has never seen,
with filters that stay the noise of their start and codes that serve a classifier no better than
pixels. The default restores masked pixels, which a copy cannot; `sparse` pays for every active unit.

Papers: Vincent et al. 2010, JMLR 11:3371-3408; Bengio et al. 2013, arXiv:1206.5538, section 7.2

Two CPU cores; squared error of a test digit, of the known classes and of the class held back:

  genlab --config=overcomplete_autoencoder
    scikit-learn's digits, 8 px: 1.12 and 1.68; half of the filters become spots and strokes; 7 s of
    CPU time.
  genlab --config=overcomplete_autoencoder:plain
    the same without masking: 0.002 and 0.029; the filters are noise; 7 s of CPU time.
  genlab --config=overcomplete_autoencoder:sparse
    L1, a decoder of unit norm, 6 % of the units active: 0.54 and 1.16; 8 s of CPU time.
  genlab --config=overcomplete_autoencoder:mnist --config.data.data_dir=DIR
    MNIST, 1568 units: 22.1 and 10.4, for a 1 has little ink: as a detector of the unseen class the error
    is worse than chance (ROC-AUC 0.02); 5 min of CPU time.
"""

from genlab.shipped.configs import autoencoder
from ml_collections import ConfigDict

VARIANTS = ("tiny", "plain", "sparse", "mnist", "mnist_plain")


def get_config(variant: str = "") -> ConfigDict:
    """256 units for 64 pixels; the digit 1 is held back from training."""
    config = autoencoder.one_layer(256)
    config.experiment.corruption = dict(name="masking", fraction=0.4)
    config.objective = dict(name="squared_error")
    config.model.encoder.activation = "relu"
    config.data.update(image_size=8, without_labels=(1,))
    config.eval.metrics = ("anomaly_detection",)

    place, _, kind = variant.rpartition("_")
    if variant == "tiny":
        config.model.encoder.widths = (80,)
        autoencoder.tiny(config)
    if kind == "plain":
        config.experiment.corruption = None
    if kind == "sparse":
        config.experiment.corruption = None
        config.experiment.regularizer = dict(name="l1_sparsity", weight=0.1)
        config.model.decoder = dict(name="dense_decoder", unit_norm=True)
    if "mnist" in (place, kind):
        config.model.encoder.widths = (1568,)
        autoencoder.mnist(config)
    return config
