"""Text to image: sprites drawn from a caption that says colour, size, shape and place.

Paper: Reed et al. 2016, arXiv:1605.05396

  genlab --config=text_to_image
    of 1,000 samples 97.3, 92.6 and 94.4 % show all that their caption says (three seeds; chance 1.4 %), what
    the others miss being the shape; the samples of one caption hardly differ, 20 % of their pairs in any factor
    (seed 0). 1,500 rounds of words and 5,000 of the game; 4 min of CPU time a seed.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

VARIANTS = ("tiny", "digits")


def get_config(variant: str = "") -> ConfigDict:
    """`shapes` with captions, whose words are learned before the game; `digits`."""
    config = base.get_config()
    config.experiment = dict(
        name="gan",
        latent_dim=32,
        mismatched=0.5,
        interpolated=0.5,
        auxiliary=dict(name="class_likelihood", fake_weight=0.0),
    )
    config.objective = dict(name="non_saturating")
    width, rounds = (8, 4) if variant == "tiny" else (16, 1500)
    sentence = dict(name="sentence", width=32)
    if variant == "digits":
        sentence["template"] = "a handwritten {}"
    discriminator = dict(
        name="projection",
        network=dict(name="dcgan_discriminator", width=width),
        embedding=sentence,
        tells_classes=True,
    )
    config.model = dict(
        generator=dict(
            name="conditional",
            network=dict(name="dcgan_generator", width=width),
            embedding=sentence,
        ),
        discriminator=discriminator,
    )
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(
        name="shapes",
        image_size=32,
        colors=3,
        places=4,
        captions=True,
        value_range=(-1.0, 1.0),
    )
    config.train = dict(steps=5000, batch_size=64, steps_per_call=20)
    config.eval.metrics = ("caption_agreement",)
    config.sample = dict(every=1000, plots=("captions",))
    config.checkpoint.every = 1000
    config.stages = (_words(discriminator, rounds),)
    seen = "words/classifier/classifier/network"
    parts = {
        "discriminator/discriminator": seen,
        "generator/generator/embedding": f"{seen}/embedding",
    }
    config.start = dict(name="copy", parts=parts)

    match variant:
        case "tiny":
            config.experiment.latent_dim = 8
            config.data.image_size = 8
            base.tiny(config)
            few = dict(name="caption_agreement", num=4)
            config.eval.update(every=0, metrics=(few,))
        case "digits":
            for knob in ("colors", "places", "captions"):
                del config.data[knob]
            config.data.update(name="digits", image_size=16)
            config.sample.plots = ("captions", "class_samples")
            config.eval.metrics = ("class_agreement",)
    return config


def _words(discriminator: dict, rounds: int) -> dict:
    """The stage that learns what words look like: which caption an image has."""
    return dict(
        name="words",
        experiment=dict(name="classifier"),
        objective=dict(name="cross_entropy"),
        model=dict(classifier=dict(name="tells_classes", network=discriminator)),
        optimizer=dict(classifier=dict(name="adam", learning_rate=1e-3, b1=0.5)),
        train=dict(steps=rounds),
    )
