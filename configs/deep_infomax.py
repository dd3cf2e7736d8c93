"""Deep InfoMax: a code of high mutual information with parts of its image, matched to a prior.

Paper: Hjelm et al. 2019, arXiv:1808.06670

  genlab --config=deep_infomax
    DIM(L) with InfoNCE, scikit-learn's digits at 16 px. A linear probe of the codes is right on
    97.3 % of 300 test digits, of raw pixels, PCA and the untrained encoder, whose batch norms have not seen a digit, on
    96.3 %; 2,000 rounds, 35 s of CPU time (one seed).
  genlab --config=deep_infomax:global
    DIM(G), the whole map in the place of its parts: 94.7 %; 37 s of CPU time (one seed).
  genlab --config=deep_infomax:jensen_shannon
    by the Jensen-Shannon bound; `donsker_varadhan` by that. Not measured yet.
  genlab --config=deep_infomax:mnist --config.data.data_dir=DIR
    MNIST, 1,500 rounds, three seeds (`genlab sweep ... --seeds=3`): 94.4 % (94.0 to 94.8) of 10,000 test digits by 5,000 labels
    (raw pixels 90.7, PCA 90.4, untrained 84.2); 4 min of one core for three seeds.
  genlab --config=deep_infomax:folder --config.data.name=folder:DIR
    one's own images, a sub-folder for each class, at 32 px. Eight categories of 1,276 emoji, three seeds: 59.6 % (58.9 to
    60.2) of 249 test emoji, raw pixels 57.0 %, untrained 49.9 %; 5 min of one core for three seeds.
  genlab --config=deep_infomax:cifar10 --config.data.data_dir=DIR
    the paper's encoder, in batches of 64 for 1,000 epochs at 1e-4; for a GPU; not run.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.views import PROBES, PROBES_OF_MANY
from ml_collections import ConfigDict

BOUNDS = ("jensen_shannon", "donsker_varadhan")
VARIANTS = ("tiny", "global", *BOUNDS, "mnist", "folder", "cifar10")


def get_config(variant: str = "") -> ConfigDict:
    """DIM(L) by InfoNCE: alpha 0, beta 1, gamma 0.1."""
    config = base.get_config()
    config.experiment = dict(name="deep_infomax", alpha=0.0, beta=1.0, gamma=0.1)
    config.objective = dict(name=variant if variant in BOUNDS else "info_nce")
    dot = dict(name="mlp", hidden=(128,), outputs=128)
    config.model = dict(
        encoder=dict(
            name="infomax_encoder", channels=(32, 64), hidden=128, latent_dim=64
        ),
        query=dot,
        local=dot,
        discriminator=dict(name="mlp_discriminator", hidden=(256, 64)),
    )
    adam = dict(name="adam", learning_rate=1e-3)
    config.optimizer = dict(learner=adam, discriminator=dict(adam, b1=0.5))
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=2000, batch_size=64, steps_per_call=20)
    config.log.every = 200
    config.eval.final_metrics = PROBES
    config.sample = dict(every=2000, plots=("latent_embedding",))
    config.checkpoint.every = 1000

    match variant:
        case "tiny":
            config.model.encoder.update(channels=(4, 8), hidden=8, latent_dim=3)
            config.model.discriminator.hidden = (8,)
            for role in ("query", "local"):
                config.model[role].update(hidden=(8,), outputs=4)
            config.model.whole = dict(config.model.local)
            config.experiment.alpha = 0.5
            # InfoNCE does not see the last bias of `local`, which would follow rounding.
            config.objective = dict(name="jensen_shannon")
            config.data.image_size = 8
            config.sample.plots = ()
            base.tiny(config)
        case "global":
            config.experiment.update(alpha=1.0, beta=0.0, gamma=1.0)
            del config.model.local
            config.model.whole = dot
        case "mnist":
            config.data.update(name="tfds:mnist", data_dir="", image_size=28)
            config.eval.final_metrics = PROBES_OF_MANY
            _sized(config)
        case "folder":
            config.data.update(name="folder", image_size=32, channels=3)
            config.eval.final_metrics = PROBES_OF_MANY
            _sized(config)
        case "cifar10":
            config.model.encoder = dict(name="infomax_encoder")
            for role in ("query", "local"):
                config.model[role].update(hidden=(2048,), outputs=2048)
            config.model.discriminator.hidden = (1000, 200)
            for player in ("learner", "discriminator"):
                config.optimizer[player].learning_rate = 1e-4
            config.data.update(name="tfds:cifar10", data_dir="", image_size=32)
            steps = 1000 * (50_000 // 64)
            config.train = dict(steps=steps, batch_size=64, steps_per_call=100)
            config.sample.every = config.checkpoint.every = 10_000
    return config


def _sized(config: ConfigDict) -> None:
    """A wider encoder and 1,500 rounds, a few minutes of one CPU core."""
    config.model.encoder.hidden = 256
    config.train = dict(steps=1500, batch_size=128, steps_per_call=50)
    config.sample.every = config.checkpoint.every = 1500
