"""Transfer: a classifier of few labels whose encoder was trained without any.

An autoencoder that denoises all training images comes first; its encoder then starts a classifier of
a hundred labels, fine-tuned or (`frozen`) as it is, beside one from scratch.

  genlab --config=transfer
  genlab sweep --config=transfer --sweep=labels
    scikit-learn's digits, 16 px, five seeds, which draw the labels too: of 300 test digits 90.0 % (88.2 to 91.9) with 100
    labels and 95.5 % (94.1 to 96.8) with 500; `transfer:frozen` 89.1 % (88.4 to 89.9) and 92.7 % (91.7 to 93.6);
    `transfer:scratch` 90.9 % (89.4 to 92.5) and 95.9 % (94.5 to 97.4): nothing is gained here. 2 min 11 s of CPU time.
  genlab sweep --config=transfer:mnist --sweep=labels_mnist --config.data.data_dir=DIR
    MNIST, 100 and 1,000 labels; transfer:mnist_frozen and transfer:mnist_scratch beside it. Not measured
    with this autoencoder; from runs of `simclr:mnist` in the way below 83.2 % of 10,000 test digits with 100 labels and 95.2 % with
    1,000, from scratch 77.1 and 92.8 % (RESULTS.md): gains of 6.1 points (2.6 to 9.6) and 2.5 (1.9 to 3.0), three seeds.

Any run with an encoder serves in the place of the first stage, of other data and other sizes of image too:

  genlab --config=transfer:scratch --config.init_from=RUN --config.start="{'name': 'matching',
    'parts': {'classifier/classifier/network': 'init/PLAYER/encoder'}}"

where model.classifier.network is chosen as that run's encoder; what does not agree is told and stays fresh. To keep
it frozen, choose the encoder as model.features, fill 'frozen/features', and let model.classifier be a
'dense_classifier' with widths=().
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

from genlab.trials.space import grid, product, seeds

WAYS = ("fine_tuned", "frozen", "scratch")
VARIANTS = ("tiny", *WAYS[1:], "mnist", *(f"mnist_{way}" for way in WAYS[1:]))


def get_config(variant: str = "") -> ConfigDict:
    """Strided convolutions to a code of 64, and a linear layer on it."""
    mnist = variant.startswith("mnist")
    way = variant.removeprefix("mnist").removeprefix("_")
    way = way if way in WAYS else "fine_tuned"
    config = base.get_config()
    config.experiment = dict(name="classifier")
    config.objective = dict(name="cross_entropy")
    config.optimizer = dict(classifier=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", image_size=16, train_size=100, subset_seed="run")
    config.train = dict(steps=600, batch_size=50, steps_per_call=50)
    config.log.every = 100
    config.eval.update(every=100, best="-accuracy")
    config.checkpoint.every = 600
    sizes, rounds = dict(channels=(16, 32), hidden=128, latent_dim=64), 2000
    if mnist:
        config.data.update(name="tfds:mnist", data_dir="", image_size=28)
        sizes, rounds = dict(channels=(32, 64), hidden=256, latent_dim=64), 2000
    if variant == "tiny":
        base.tiny(config)
        config.data.update(image_size=8, train_size=40)
        sizes, rounds = dict(channels=(4,), hidden=8, latent_dim=3), 4
    _choose(config, way, dict(name="conv_code_encoder", **sizes))
    if way != "scratch":
        batch = 8 if variant == "tiny" else 128
        config.stages = (_autoencoder(sizes, rounds, batch),)
    return config


def _choose(config: ConfigDict, way: str, encoder: dict) -> None:
    """The networks of a way to use an encoder, and where they start."""
    place = "classifier/classifier/network"
    config.model = dict(classifier=dict(name="headed", network=encoder))
    if way == "frozen":
        place = "frozen/features"
        linear = dict(name="dense_classifier", widths=())
        config.model = dict(features=encoder, classifier=linear)
    if way != "scratch":
        parts = {place: "autoencoder/autoencoder/encoder"}
        config.start = dict(name="copy", parts=parts)


def _autoencoder(sizes: dict, rounds: int, batch: int) -> dict:
    """The stage that trains the encoder, on all images and no label."""
    decoder = dict(channels=sizes["channels"][::-1], hidden=sizes["hidden"])
    return dict(
        name="autoencoder",
        experiment=dict(
            name="autoencoder", corruption=dict(name="masking", fraction=0.5)
        ),
        objective=dict(name="bernoulli"),
        model=dict(
            encoder=dict(name="conv_code_encoder", **sizes),
            decoder=dict(name="conv_decoder", **decoder),
        ),
        optimizer=dict(autoencoder=dict(name="adam", learning_rate=1e-3)),
        data=dict(train_size=0, subset_seed=None),
        train=dict(steps=rounds, batch_size=batch),
    )


def sweep_labels():
    """Few labels and more, five seeds each, which draw the labels too."""
    return product(grid(data__train_size=(100, 500)), seeds(5))


def sweep_labels_mnist():
    """The same of 100 and 1,000 labels."""
    return product(grid(data__train_size=(100, 1000)), seeds(5))
