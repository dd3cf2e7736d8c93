"""RotNet: by how much has this image been turned?

Paper: Gidaris, Singh & Komodakis 2018, arXiv:1803.07728

  genlab --config=rotnet
    scikit-learn's digits at 16 px. It tells 97.1 % of the turns of test digits; a linear probe of the
    codes is right on 94.0 % of them, of raw pixels and PCA on 96.3 %, of the untrained encoder on 92.7 %: on digits
    turns teach little; 2,000 rounds, 43 s of CPU time (one seed).
  genlab --config=rotnet:eight
    angles of 45 degrees; `two` of 180. Not measured yet.
  genlab --config=rotnet:mnist --config.data.data_dir=DIR
    MNIST, 1,500 rounds, three seeds (`genlab sweep ... --seeds=3`): 99.5 % of the turns, and a linear probe of 5,000 labels is right on
    76.4 % (67.3 to 85.5) of 10,000 test digits, less than untrained (79.6; raw pixels 90.7); 7 min of one core for three
    seeds. `--config.data.name=tfds:fashion_mnist` is the better test.
  genlab --config=rotnet:folder --config.data.name=folder:DIR
    one's own images, a sub-folder for each class, at 32 px. Eight categories of 1,276 emoji, three seeds: 56 % of the turns,
    42.3 % of 249 test emoji, raw pixels 57.0 %, untrained 47.3 %; 11 min of a busy core for three seeds.
  genlab --config=rotnet:cifar10 --config.data.data_dir=DIR
    the paper's 100 epochs of SGD with ResNet-18; for a GPU; not run.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common.views import PROBES, PROBES_OF_MANY, WIDER
from ml_collections import ConfigDict

VARIANTS = ("tiny", "two", "eight", "mnist", "folder", "cifar10")
_EPOCH = 50_000 // 128


def get_config(variant: str = "") -> ConfigDict:
    """A small convolutional encoder on digits; `cifar10` has the paper's optimizer and rounds."""
    config = base.get_config()
    config.experiment = dict(name="rotation", rotations=4)
    config.objective = dict(name="rotation_likelihood")
    config.model = dict(
        encoder=dict(
            name="conv_code_encoder", latent_dim=64, hidden=128, code_activation="relu"
        ),
        head=dict(name="mlp", hidden=(), outputs=4),
    )
    config.optimizer = dict(learner=_sgd(0.03, dict(name="cosine", steps=2000)))
    config.data.update(name="digits", image_size=16)
    config.train = dict(steps=2000, batch_size=64, steps_per_call=20)
    config.log.every = 200
    config.eval.final_metrics = PROBES
    config.sample = dict(every=2000, plots=("latent_embedding",))
    config.checkpoint.every = 1000

    match variant:
        case "tiny":
            config.model.encoder.update(channels=(4,), hidden=8, latent_dim=3)
            config.data.image_size = 8
            config.sample.plots = ()
            base.tiny(config)
        case "two" | "eight":
            count = dict(two=2, eight=8)[variant]
            config.experiment.rotations = config.model.head.outputs = count
        case "mnist" | "folder":
            config.model.encoder = ConfigDict(WIDER)
            if variant == "mnist":
                config.data.update(name="tfds:mnist", data_dir="", image_size=28)
            else:
                config.data.update(name="folder", image_size=32, channels=3)
            config.eval.final_metrics = PROBES_OF_MANY
            config.train = dict(steps=1500, batch_size=128, steps_per_call=50)
            config.optimizer.learner = _sgd(0.03, dict(name="cosine", steps=1500))
            config.sample.every = config.checkpoint.every = 1500
        case "cifar10":
            config.model.encoder = dict(name="resnet_encoder")
            config.data.update(name="tfds:cifar10", data_dir="", image_size=32)
            config.train = dict(steps=100 * _EPOCH, batch_size=128, steps_per_call=50)
            drops = dict(
                name="piecewise",
                boundaries=(30 * _EPOCH, 60 * _EPOCH, 80 * _EPOCH),
                factors=(0.2, 0.2, 0.2),
            )
            config.optimizer.learner = _sgd(0.1, drops)
            config.sample.every = config.checkpoint.every = 10 * _EPOCH
    return config


def _sgd(rate: float, schedule: dict) -> dict:
    """The paper's optimizer, at its own rate of 0.1 or another."""
    return dict(
        name="decayed_sgd",
        learning_rate=rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
        schedule=schedule,
    )
