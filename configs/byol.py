"""BYOL and SimSiam: a prediction from one view meets what the other is projected to, without negatives.

Papers: Grill et al. 2020, arXiv:2006.07733; `simsiam`: Chen & He 2021, arXiv:2011.10566

  genlab --config=byol
    scikit-learn's digits at 16 px, the target network at 1 % a round, falling to 0. After
    600 of 2,000 rounds (`--config.train.steps=600`) a linear probe of the codes is right on 97.0 % of 300 test digits,
    of raw pixels on 96.7 %, of PCA on 94.0 %, of the untrained encoder on 92.7 % (one seed). After all of them 96.0 %
    (raw pixels and PCA 96.3 with the scaling chosen); 68 s of CPU time.
  genlab --config=byol:simsiam
    no target network: the projections, without gradient, are the targets. After its 2,000 rounds 98.0 % (raw pixels
    and PCA 96.3, gain 1.7 points, -0.7 to 4.0; untrained 92.7); 49 s of CPU time (one seed).
  genlab --config=byol:mnist --config.data.data_dir=DIR
    MNIST, 1,500 rounds, three seeds (`genlab sweep ... --seeds=3`): 92.5 % (90.2 to 94.8) of 10,000 test digits by 5,000 labels
    (raw pixels 90.7, PCA 90.4, untrained 79.6); `simsiam_mnist` 95.3 % (93.7 to 97.0); 11 and 9 min of one core for three seeds.
  genlab --config=byol:folder --config.data.name=folder:DIR
    one's own images, a sub-folder for each class, at 32 px. Eight categories of 1,276 emoji, three seeds: 51.4 % of 249
    test emoji, raw pixels 57.0 %, untrained 47.3 %; `simsiam_folder` 32.4 %; 7 min of one core for three seeds.
  genlab --config=byol:cifar10 --config.data.data_dir=DIR
    SimSiam's schedule for CIFAR-10, appendix D of its paper, but for the projector's last normalisation, the least area
    of a crop (here .08) and the jitter of hues; for a GPU; not run.
"""

from genlab.shipped.configs.common import views
from ml_collections import ConfigDict

VARIANTS = (
    "tiny",
    "simsiam",
    "mnist",
    "simsiam_mnist",
    "folder",
    "simsiam_folder",
    "cifar10",
)


def get_config(variant: str = "") -> ConfigDict:
    """BYOL on digits; `simsiam` has no target network, and `cifar10` its published numbers."""
    config = views.of_digits("byol")
    config.model.predictor = dict(name="mlp", hidden=(128,), outputs=64, norm="batch")
    match variant:
        case "tiny":
            views.tiny(config)
        case "mnist" | "simsiam_mnist":
            views.on_mnist(config)
        case "folder" | "simsiam_folder":
            views.on_folder(config)
        case "cifar10":
            views.on_cifar10(config, epochs=800)
            config.model.projector.update(hidden=(2048,), outputs=2048)
            config.model.predictor.update(hidden=(512,), outputs=2048)
            rate = dict(name="cosine", steps=config.train.steps)
            config.optimizer.learner = dict(
                name="decayed_sgd",
                learning_rate=0.06,
                momentum=0.9,
                weight_decay=5e-4,
                schedule=rate,
            )
    if variant.startswith("simsiam") or variant == "cifar10":
        config.objective = dict(name="simsiam")
    else:
        falling = dict(name="cosine", value=0.01, steps=config.train.steps)
        config.experiment.target_rate = falling
    return config
