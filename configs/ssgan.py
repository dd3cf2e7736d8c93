"""Self-supervised GAN: the discriminator also tells by how much an image was turned; InfoMax-GAN beside it.

Papers: Chen et al. 2019, arXiv:1811.11212; `infomax`: Lee, Tran & Cheung 2021, arXiv:2007.04589

  genlab --config=ssgan
    the networks of `sngan` on scikit-learn's digits at 16 px, with a head of rotations, weights 1.0 and 0.2:
    every class holds 8 % or more of 1,000 samples; `frechet_digits_classifier` 8.9 (7.4 to 10.4; `sngan` 21.8,
    `_floor` 3.7), precision .49 and recall .86; 1,500 rounds, under 5 min of CPU time (one seed).
  genlab --config=ssgan:infomax
    information between parts and whole, weights 0.2 and 0.2: every class holds 5.9 % or more; Frechet
    distance 13.5 (11.6 to 15.5), precision .44 and recall .85; 3 min 8 s of CPU time (one seed).
  genlab --config=ssgan:both
    rotations and information: every class holds 6.4 % or more; Frechet distance 11.4 (9.4 to 13.4), precision .45 and recall
    .81; 3 min 38 s of CPU time (one seed).
  genlab --config=ssgan:mnist --config.data.data_dir=DIR
    MNIST at 32 px, width 64; also `infomax_mnist`. For a GPU. Not measured yet.
  genlab --config=ssgan:cifar10 --config.data.data_dir=DIR
    the sizes and rounds of `sngan:cifar10`; also `infomax_cifar10`. For a GPU; not run.
"""

from genlab.shipped.configs import sngan
from ml_collections import ConfigDict

ROTATION = (dict(name="rotation_of_both"), ("rotations",))
INFOMAX = (dict(name="information_of_both"), ("local", "whole"))
VARIANTS = (
    *("tiny", "infomax", "both", "mnist", "infomax_mnist"),
    *("cifar10", "infomax_cifar10"),
)


def get_config(variant: str = "") -> ConfigDict:
    """`sngan` with heads on its discriminator, inside the spectral normalisation, and what they minimise."""
    of_sngan = variant.removeprefix("infomax").removeprefix("_")
    config = sngan.get_config("" if variant in ("infomax", "both") else of_sngan)
    chosen = (INFOMAX,) if variant.startswith("infomax") else (ROTATION,)
    if variant in ("both", "tiny"):
        chosen = (ROTATION, INFOMAX)
    config.experiment.auxiliary = [part for part, _ in chosen]
    heads = tuple(head for _, names in chosen for head in names)
    inside = config.model.discriminator.network.to_dict()
    config.model.discriminator.network = dict(name="heads", network=inside, heads=heads)
    if variant.endswith("mnist"):
        config.train.steps = 8000
        config.eval.metrics = (dict(name="class_coverage", num_train=5000),)
        config.sample.every = config.checkpoint.every = 4000
    if variant == "infomax_cifar10":
        config.model.discriminator.network.pair_width = 1024
    return config
