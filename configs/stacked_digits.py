"""Stacked digits: three digits as red, green and blue, a thousand modes of which GANs lose some.

Papers: Metz et al. 2017, arXiv:1611.02163; PacGAN: Lin et al. 2018, arXiv:1712.04086; R3GAN: Huang
et al. 2024, arXiv:2501.05441

PacGAN's protocol made small: 128,000 stacks, two moves of the generator, batch 64, z of 100; networks of
width 16 at 16 px in the place of 64 at 28 px, scikit-learn's digits, 2,000 rounds. 26,000 samples; the
classifier of the digits that comes with genlab.

  genlab --config=stacked_digits
    970 of 1,000 modes, KL to the even distribution .56 nats (real stacks 1,000 and .039), one seed; 64 s of CPU
    time.
  genlab --config=stacked_digits:packing_2
    955 modes, .62 nats; 79 s.
  genlab --config=stacked_digits:minibatch_discrimination
    996 modes, .27 nats; 69 s.
  genlab --config=stacked_digits:gradient_penalty
    999 modes, .22 nats; 1,000 rounds of five moves of the critic, 8 min 42 s.
  genlab --config=stacked_digits:r3gan
    1,000 modes, .17 nats; 5 min 53 s.
  genlab --config=stacked_digits:mnist --config.data.data_dir=DIR \\
    "--config.eval.final_metrics=({'name': 'stacked_modes', 'classifier': {'name': 'run', 'run': 'RUN'}},)"
    MNIST at 32 px, by a classifier trained with `genlab --config=classifier:mnist`. At 16 px, 2,000 rounds, DCGAN has 971
    modes, packing two 957 and four 978, minibatch discrimination 993, R3GAN 955 (one seed; RESULTS).
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

VARIANTS = (
    *("tiny", "mnist", "packing_2", "packing_4", "minibatch_discrimination"),
    *("gradient_penalty", "r3gan"),
)


def get_config(variant: str = "") -> ConfigDict:
    """DCGAN as it is, and what helps it; critics that pay for their slope have no batch norm."""
    config = base.get_config()
    config.experiment = dict(name="gan", latent_dim=100, generator_steps=2)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(name="dcgan_generator", width=16),
        discriminator=dict(name="dcgan_discriminator", width=16),
    )
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    config.optimizer = dict(generator=dict(adam, ema=0.99), discriminator=adam)
    config.data.update(
        name="stacked_digits", image_size=16, value_range=(-1.0, 1.0), size=128_000
    )
    config.train = dict(steps=2000, batch_size=64, steps_per_call=20)
    config.eval.final_metrics = ("stacked_modes",)
    config.sample = dict(every=500, plots=("samples",))
    config.checkpoint.every = 500

    match variant:
        case "tiny":
            config.model.generator.width = config.model.discriminator.width = 4
            config.experiment.latent_dim = 8
            config.data.update(image_size=8, size=200)
            base.tiny(config)
            config.eval.final_metrics = (dict(name="stacked_modes", num=32),)
        case "mnist":
            config.data.name = "stacked_digits:tfds:mnist"
            config.data.data_dir = ""
            config.data.image_size = 32
            config.train.steps = config.checkpoint.every = 20_000
        case "packing_2" | "packing_4":
            pack = int(variant[-1])
            config.train.batch_size *= pack
            critic = config.model.discriminator.to_dict()
            config.model.discriminator = dict(name="packed", network=critic, pack=pack)
        case "minibatch_discrimination":
            critic = config.model.discriminator.to_dict()
            config.model.discriminator = dict(name=variant, network=critic)
        case "gradient_penalty":
            config.objective.name = "wasserstein"
            config.experiment.update(
                generator_steps=1, n_critic=5, penalty=dict(name="gradient_penalty")
            )
            config.model.discriminator = dict(name="sndcgan_discriminator", width=16)
            config.train.steps = 1000
        case "r3gan":
            config.objective.name = "relativistic"
            penalty = [dict(name=name, weight=1.0) for name in ("r1", "r2")]
            config.experiment.update(generator_steps=1, penalty=penalty)
            config.model.discriminator = dict(name="sndcgan_discriminator", width=16)
    return config
