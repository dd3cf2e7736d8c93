"""Linear autoencoder: least squares through a bottleneck is principal component analysis.

With linear maps and biases, which centre the data, the decoder of the best k units spans the k
leading principal components, and what is left is the sum of the other eigenvalues.

Papers: Baldi & Hornik 1989, Neural Networks 2:53-58; Bourlard & Kamp 1988, Biol. Cybern. 59:291-294

Two CPU cores; the largest angle between decoder and principal subspace, and the squared error of
the test split by that of PCA:

  genlab --config=linear_autoencoder
    scikit-learn's digits, 16 px, 10 units, tied: 0.03 degrees, 1.00001 of PCA's error, in 20 s.
  genlab --config=linear_autoencoder:untied
    the same with weights of its own for the decoder: 0.02 degrees, 1.0003, in 20 s.
  genlab --config=linear_autoencoder:mnist --config.data.data_dir=DIR
    MNIST, 32 units, tied: 0.08 degrees, 1.00000.
"""

from genlab.shipped.configs import autoencoder
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = ("tiny", "untied", "mnist", "mnist_untied")


def get_config(variant: str = "") -> ConfigDict:
    """The decoder is the transposed encoder; `untied` has weights of its own."""
    config = autoencoder.one_layer(10)
    config.objective = dict(name="squared_error")
    config.model.encoder.activation = "identity"
    # The subspace is found while the rate is high; the angle falls with the rate.
    schedule = dict(name="cosine", steps=10_000, warmup=100)
    config.optimizer = dict(
        autoencoder=dict(name="adam", learning_rate=1e-2, schedule=schedule)
    )
    config.train.batch_size = 250
    config.eval.metrics = ("principal_subspace",)
    config.sample.plots = ("principal_components", "reconstructions")

    place, _, kind = variant.rpartition("_")
    if variant == "tiny":
        config.model.encoder.widths = (3,)
        autoencoder.tiny(config)
        config.eval.metrics = ("principal_subspace",)
    if kind == "untied":
        config.model.decoder = dict(name="dense_decoder")
    if "mnist" in (place, kind):
        config.model.encoder.widths = (32,)
        autoencoder.mnist(config)
        config.train.batch_size = 500
        config.optimizer.autoencoder.schedule.steps = 20_000
        config.eval.every = config.sample.every = config.checkpoint.every = 10_000
        config.eval.metrics = (dict(name="principal_subspace", num_train=55_000),)
    return config


def sweep_width():
    """Widths of the bottleneck; the residual is the sum of the eigenvalues beyond."""
    return grid(model__encoder__widths=((2,), (4,), (10,), (20,)))
