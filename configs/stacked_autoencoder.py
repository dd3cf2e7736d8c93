"""Stacked autoencoders: layers pretrained one by one, then fine-tuned with a classifier on top.

Papers: Bengio et al. 2007, NIPS 19; Vincent et al. 2010, JMLR 11:3371-3408;
Hinton & Salakhutdinov 2006, Science 313:504-507

Two CPU cores:

  python launch.py --config=configs/stacked_autoencoder.py
"""

from ml_collections import ConfigDict

from configs import base
from genlab.sweep.space import grid, product, seeds

VARIANTS = ("tiny", "plain", "none", "unrolled", "mnist", "mnist_plain", "mnist_none")


def get_config(variant: str = "") -> ConfigDict:
    """Denoising layers under a classifier; `plain` does not corrupt, `none` does not pretrain."""
    place, _, kind = variant.rpartition("_")
    mnist = "mnist" in (place, kind)
    widths, rounds = ((1000,) * 3, 11_000) if mnist else ((200, 200, 100), 2_000)
    image = (28, 28, 1) if mnist else (16, 16, 1)
    config = base.get_config()
    config.experiment = dict(name="classifier")
    config.objective = dict(name="cross_entropy")
    config.model = dict(classifier=dict(name="dense_classifier", widths=widths))
    schedule = dict(name="linear", begin=0, steps=4_000, end=0.0)
    config.optimizer = dict(
        classifier=dict(name="adam", learning_rate=1e-3, schedule=schedule)
    )
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=4_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=1000, best="cross_entropy")
    config.checkpoint.every = 2000
    if mnist:
        config.data.update(name="tfds:mnist", data_dir="", image_size=28)
        config.train.steps = schedule["steps"] = 22_000
        config.optimizer.classifier.schedule = schedule

    if variant == "tiny":
        widths, image, rounds = (6, 5), (8, 8, 1), 4
        config.model.classifier.widths = widths
        config.data.image_size = 8
        config.train = dict(steps=8, batch_size=8, steps_per_call=2)
        config.log.every = config.eval.every = config.checkpoint.every = 4
    if kind != "none":
        corruption = None if kind == "plain" else dict(name="masking", fraction=0.25)
        config.stages = layerwise(widths, image, rounds, corruption)
        config.start = dict(name="copy", parts=under("classifier/classifier/encoder", widths))
    if variant == "unrolled":
        unroll(config, widths)
    return config


def layerwise(widths, image, rounds, corruption) -> tuple[dict, ...]:
    """A stage for each layer: an autoencoder on the frozen code of the layers below."""
    stages = []
    for index, width in enumerate(widths):
        below = widths[:index]
        model = dict(
            encoder=dict(name="dense_encoder", widths=(width,)),
            decoder=dict(
                name="dense_decoder", example_shape=below[-1:] if below else image
            ),
        )
        start = dict(name="fresh")
        if below:
            model["features"] = dict(name="dense_encoder", widths=below)
            start = dict(name="copy", parts=under("frozen/features", below))
        stages.append(
            dict(
                name=f"layer_{index}",
                experiment=dict(name="autoencoder", corruption=corruption),
                objective=dict(name="bernoulli"),
                model=model,
                optimizer=dict(autoencoder=dict(name="adam", learning_rate=1e-3)),
                data=dict(train_size=0),
                train=dict(steps=rounds),
                start=start,
            )
        )
    return tuple(stages)


def under(target: str, widths) -> dict[str, str]:
    """Where the layers of an encoder come from: each out of the stage that trained it."""
    return {
        f"{target}/layer_{index}": f"layer_{index}/autoencoder/encoder/layer_0"
        for index in range(len(widths))
    }


def unroll(config: ConfigDict, widths) -> None:
    """The stack as one autoencoder, decoders in reverse, fine-tuned as such."""
    depth = len(widths)
    parts = under("autoencoder/encoder", widths)
    for index in range(depth):
        source = f"layer_{depth - 1 - index}/autoencoder/decoder/layer_0"
        parts[f"autoencoder/decoder/layer_{index}"] = source
    config.experiment = dict(name="autoencoder")
    config.objective = dict(name="bernoulli")
    config.model = dict(
        encoder=dict(name="dense_encoder", widths=widths),
        decoder=dict(name="dense_decoder", widths=widths[-2::-1]),
    )
    config.optimizer = dict(autoencoder=dict(name="adam", learning_rate=1e-3))
    config.start = dict(name="copy", parts=parts)
    config.eval.best = "reconstruction"
    config.sample = dict(every=2000, plots=("reconstructions", "latent_embedding"))


def sweep_labels():
    """Few labels and many, three seeds each."""
    return product(grid(data__train_size=(100, 300, 1000)), seeds(3))
