"""Stacked autoencoders: layers pretrained one by one, then fine-tuned with a classifier on top.

Papers: Bengio et al. 2007, NIPS 19; Vincent et al. 2010, JMLR 11:3371-3408;
Hinton & Salakhutdinov 2006, Science 313:504-507

Two CPU cores:

  genlab --config=stacked_autoencoder
    scikit-learn's digits, denoising layers 200-200-100: 98.3 % of 300 test digits; the variants
    `contractive` 98.0 %, `plain` 97.7 %, `none` 97.0 %; one seed each, 15 s.
  genlab --config=stacked_autoencoder:unrolled
    the same stack fine-tuned as one autoencoder with tied weights: 75.6 nats, half the squared error
    0.30; 17 s of CPU time.
  genlab sweep --config=stacked_autoencoder:mnist --seeds=3
      --config.data.data_dir=DIR
    MNIST, 60,000 labels, three denoising layers of 1000: error 1.28 % (standard error 0.03, three seeds), about
    10 min; mnist_plain 1.54, mnist_none 1.67 %. One layer, about 6 min: shallow_denoising 1.55,
    shallow_plain 1.64, shallow_none 1.81 %, shallow_contractive at a rate of 2e-3 1.40 %.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

from genlab.trials.space import grid, product, seeds

KINDS = ("denoising", "plain", "contractive", "none")
VARIANTS = (
    *("tiny", "plain", "contractive", "none", "unrolled", "mnist"),
    *(f"mnist_{kind}" for kind in KINDS[1:]),
    *(f"shallow_{kind}" for kind in KINDS),
)


def get_config(variant: str = "") -> ConfigDict:
    """Denoising layers under a classifier; `plain` does not corrupt, `none` does not pretrain.

    `mnist` and `mnist_KIND` have three layers of 1,000 units, `shallow_KIND` one.
    """
    place, _, kind = variant.rpartition("_")
    shallow, mnist = place == "shallow", "mnist" in (place, kind)
    kind = kind if kind in KINDS else "denoising"
    config = base.get_config()
    config.experiment = dict(name="classifier")
    config.objective = dict(name="cross_entropy")
    config.optimizer = dict(classifier=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=4_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=1000, best="cross_entropy")
    config.checkpoint.every = 2000
    widths, image, rounds = (200, 200, 100), (16, 16, 1), 2_000
    if mnist or shallow:
        widths, image = (1000,) if shallow else (1000,) * 3, (28, 28, 1)
        rounds = 12_000 if shallow else 6_000  # 20 passes over 60,000 images, or 10
        config.data.update(name="tfds:mnist", data_dir="", image_size=28)
        config.data.validation_fraction = 0.0
        config.train.steps = 18_000 if shallow else 12_000
        config.eval.update(every=0, best="")
        config.checkpoint.every = 6_000
    if variant == "tiny":
        widths, image, rounds = (6, 5), (8, 8, 1), 4
        config.data.image_size = 8
        base.tiny(config)
    config.model = dict(classifier=dict(name="dense_classifier", widths=widths))
    schedule = dict(name="linear", begin=0, steps=config.train.steps, end=0.0)
    config.optimizer.classifier.schedule = schedule
    if kind != "none":
        config.stages = layerwise(widths, image, rounds, kind)
        parts = under("classifier/classifier/encoder", widths)
        config.start = dict(name="copy", parts=parts)
    if variant == "unrolled":
        unroll(config, widths)
    return config


def layerwise(widths, image, rounds, kind) -> tuple[dict, ...]:
    """A stage for each layer: an autoencoder on the frozen code of the layers below."""
    knobs = {
        "denoising": dict(corruption=dict(name="masking", fraction=0.25)),
        "contractive": dict(regularizer=dict(name="contractive", weight=0.3)),
        "plain": dict(),
    }
    stages = []
    for index, width in enumerate(widths):
        below = widths[:index]
        shape = below[-1:] if below else image
        model = dict(
            encoder=dict(name="dense_encoder", widths=(width,)),
            decoder=dict(name="tied_decoder", example_shape=shape),
        )
        start = dict(name="fresh")
        if below:
            model["features"] = dict(name="dense_encoder", widths=below)
            start = dict(name="copy", parts=under("frozen/features", below))
        stages.append(
            dict(
                name=f"layer_{index}",
                experiment=dict(name="autoencoder", **knobs[kind]),
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
    """The stack as one autoencoder with tied weights, fine-tuned as such."""
    depth = len(widths)
    parts = under("autoencoder/encoder", widths)
    for index in range(depth):
        source = f"layer_{depth - 1 - index}/autoencoder/decoder/bias_0"
        parts[f"autoencoder/decoder/bias_{index}"] = source
    config.experiment = dict(name="autoencoder")
    config.objective = dict(name="bernoulli")
    config.model = dict(
        encoder=dict(name="dense_encoder", widths=widths),
        decoder=dict(name="tied_decoder"),
    )
    config.optimizer = dict(autoencoder=dict(name="adam", learning_rate=1e-3))
    config.start = dict(name="copy", parts=parts)
    config.eval.best = "reconstruction"
    config.sample = dict(every=2000, plots=("reconstructions", "latent_embedding"))


def sweep_labels():
    """Few labels and many, three seeds each, which draw the labels too."""
    sizes = grid(data__train_size=(100, 300, 1000), data__subset_seed=("run",))
    return product(sizes, seeds(3))
