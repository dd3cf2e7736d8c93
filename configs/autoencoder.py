"""Autoencoder: a perceptron through a bottleneck, narrower than its examples.

Paper: Hinton & Salakhutdinov 2006, Science 313:504-507

Two CPU cores; nats of the test split, and accuracy of a linear probe on the codes (raw pixels:
96.3 %):

  genlab --config=autoencoder
    scikit-learn's digits, 16 px, a code of 16: 76.5 nats, half the squared error 0.44, probe 95.7 %
    (an untrained encoder: 85.3 %), 5 nearest neighbours 98.3 % (86.7 %, 20); 31 CPU seconds.
  genlab --config=autoencoder:deep
    the hour-glass 256-300-150-75-30: 76.1 nats, half the squared error 0.40, probe 96.0 % (untrained:
    92.3 %); 18 s of CPU time.
  genlab --config=autoencoder:manifold
    the same to a code of 2: 89.7 nats, probe 77.0 % (untrained: 29.3 %, two principal components: 59.3
    %); 23 s of CPU time.
  genlab --config=autoencoder:mnist --config.data.data_dir=DIR
    MNIST, 784-256-32: 59.6 nats, probe of 10,000 labels 89.8 % (raw pixels: 91.4 %, 32 principal
    components: 89.7 %, untrained: 72.8 %), 20 nearest neighbours 94.9 % (raw pixels: 94.7 %); 2 min of
    CPU time.
  genlab --config=autoencoder:mnist_deep --config.data.data_dir=DIR
    MNIST, 784-1000-500-250-30: 59.6 nats, half the squared error 1.95, probe of 10,000 labels 89.6 %
    (raw pixels: 91.4 %, 30 principal components: 89.2 %, untrained: 65.3 %), 20 nearest neighbours 95.4 %; 7 min
    of CPU time.
  genlab --config=autoencoder:ex_post
    a regularised autoencoder (RAE-L2, Ghosh et al. 2020, arXiv:1903.12436), then a mixture of 10 Gaussians on
    its codes: of 1,000 samples `frechet_digits_classifier` 4.1 (of 300: 5.9; 300 test digits: 3.7), of
    codes z ~ N(0, I) 60.3; precision .71 and recall .87, of the test digits .92 and .94; 30 CPU
    seconds (one seed).
  genlab --config=autoencoder:rae_gradient_penalty
    RAE-GP, a penalty on the decoder's slope in its place: 3.9 (2.8 to 5.0), precision .70 and recall .87; 16 CPU seconds.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import ex_post
from ml_collections import ConfigDict

from genlab.trials.space import grid

VARIANTS = (
    "tiny",
    "deep",
    "manifold",
    "mnist",
    "mnist_deep",
    "ex_post",
    "rae_gradient_penalty",
)


def get_config(variant: str = "") -> ConfigDict:
    """One hidden layer on each side; `deep` is the paper's hour-glass."""
    config = digits()
    hour_glass(config, (128, 16))

    match variant:
        case "tiny":
            hour_glass(config, (12, 3))
            tiny(config)
        case "deep":
            hour_glass(config, (300, 150, 75, 30))
            tsne = dict(name="latent_embedding", method="tsne")
            config.sample.plots = (*config.sample.plots[:-1], tsne)
        case "manifold":
            hour_glass(config, (300, 150, 75, 2))
        case "mnist":
            hour_glass(config, (256, 32))
            mnist(config)
        case "mnist_deep":
            # Figure 3 of the paper: 784-1000-500-250-30.
            hour_glass(config, (1000, 500, 250, 30))
            mnist(config)
        case "ex_post":
            config.experiment.regularizer = dict(
                name="rae", weight=0.1, decoder_weight=1e-4
            )
            ex_post.of_codes(config, "ex_post", width=16)
        case "rae_gradient_penalty":
            config.experiment.regularizer = dict(
                name="rae_gradient_penalty", weight=0.1, decoder_weight=1e-3
            )
            ex_post.of_codes(config, "ex_post", width=16)
    return config


def hour_glass(config: ConfigDict, widths: tuple[int, ...]) -> None:
    """Dense layers of these widths, the last the code, linear; the decoder is their mirror image."""
    config.model = dict(
        encoder=dict(
            name="dense_encoder",
            widths=widths,
            activation="relu",
            code_activation="identity",
        ),
        decoder=dict(name="dense_decoder", widths=widths[-2::-1], activation="relu"),
    )


def digits() -> ConfigDict:
    """What the family shares on scikit-learn's digits; the networks are to be named."""
    config = base.get_config()
    config.experiment = dict(name="autoencoder")
    config.objective = dict(name="bernoulli")
    config.optimizer = dict(autoencoder=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=5000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=2500, best="reconstruction")
    config.eval.final_metrics = ("linear_probe", "nearest_neighbour_probe")
    paths = dict(name="interpolations", path="linear")
    config.sample = dict(
        every=2500, plots=("reconstructions", paths, "latent_embedding")
    )
    config.checkpoint.every = 2500
    return config


def one_layer(width: int) -> ConfigDict:
    """One sigmoid layer with tied weights on the digits, trained longer, with its filters."""
    config = digits()
    config.model = dict(
        encoder=dict(name="dense_encoder", widths=(width,)),
        decoder=dict(name="tied_decoder"),
    )
    config.train.steps = 10_000
    config.sample = dict(every=5000, plots=("reconstructions", "receptive_filters"))
    config.checkpoint.every = 5000
    return config


def mnist(config: ConfigDict, steps: int = 20_000) -> None:
    """MNIST in place of the digits."""
    config.data.update(name="tfds:mnist", data_dir="", image_size=28)
    config.train.steps = steps


def tiny(config: ConfigDict) -> None:
    """The smallest digits, for tests."""
    base.tiny(config)
    config.data.image_size = 8


def sweep_code():
    """Reconstruction and probe against the width of the code."""
    return grid(
        model__encoder__widths=((128, 2), (128, 4), (128, 8), (128, 16), (128, 32))
    )
