"""SimCLR and its kin: two views of an example alike, and all examples not, by one loss of their projections.

Papers: Chen et al. 2020, arXiv:2002.05709; `supcon`: Khosla et al. 2020, arXiv:2004.11362; `barlow_twins`:
Zbontar et al. 2021, arXiv:2103.03230; `vicreg`: Bardes, Ponce & LeCun 2022, arXiv:2105.04906

  genlab --config=simclr
    scikit-learn's digits at 16 px, 2,000 rounds: a linear probe of the codes is right on 97.7 % of 300 test digits, of
    raw pixels and PCA on 96.3 %, of the untrained encoder on 92.7 %; 20 nearest neighbours on 99.0 %; 48 s of CPU time
    (one seed).
  genlab --config=simclr:vicreg
    99.0 %, a gain of 2.7 points (0.6 to 4.7) over raw pixels and PCA; 48 s of CPU time (one seed).
  genlab --config=simclr:supcon
    with labels: 99.3 % after 2,000 rounds (raw pixels and PCA 96.3 with the scaling chosen: a gain of 3.0 points, 1.1 to 4.9);
    49 s of CPU time (one seed).
  genlab --config=simclr:barlow_twins
    99.0 %, a gain of 2.7 points (0.6 to 4.7) over raw pixels and 2.7 (0.8 to 4.5) over PCA; 52 s of CPU time (one seed).
  genlab --config=simclr:mnist --config.data.data_dir=DIR
    MNIST, 1,500 rounds, three seeds (`genlab sweep ... --seeds=3`): a linear probe of 5,000 labels is right on 97.0 % of
    10,000 test digits (95 % interval over seeds 96.4 to 97.6; raw pixels 90.7, PCA 90.4, untrained 79.6); `supcon_mnist`
    99.1 %, `vicreg_mnist` 96.8 %, `barlow_twins_mnist` 96.2 %; 9 min of one core for three seeds.
  genlab --config=simclr:folder --config.data.name=folder:DIR
    one's own images, a sub-folder for each class, at 32 px. Eight categories of 1,276 emoji, three seeds: 51.4 % of 249
    test emoji, raw pixels 57.0 %, untrained 47.3 %; `vicreg_folder` 53.0 %, `supcon_folder`, with labels, 63.0 %; also
    `barlow_twins_folder`, 51.7 %; 6 min of one core for three seeds.
  genlab --config=simclr:cifar10 --config.data.data_dir=DIR
    500 epochs of SimCLR with ResNet-18; for a GPU; not run.
"""

from genlab.shipped.configs.common import views
from ml_collections import ConfigDict

LOSSES = ("supcon", "barlow_twins", "vicreg")
VARIANTS = (
    "tiny",
    *LOSSES,
    "mnist",
    "folder",
    *(f"{loss}_{data}" for data in ("mnist", "folder") for loss in LOSSES),
    "cifar10",
)


def get_config(variant: str = "") -> ConfigDict:
    """NT-Xent of digits; a variant names another loss, other data, or both."""
    loss = variant.removesuffix("_mnist").removesuffix("_folder")
    config = views.of_digits(loss if loss in LOSSES else "nt_xent")
    if loss in ("barlow_twins", "vicreg"):
        config.model.projector.update(hidden=(256,), outputs=256)
    match variant:
        case "tiny":
            views.tiny(config)
        case "cifar10":
            views.on_cifar10(config, epochs=500)
            config.model.projector.update(hidden=(512,), outputs=128)
            config.optimizer.learner.update(weight_decay=1e-6)
            config.optimizer.learner.schedule.update(steps=config.train.steps)
        case _ if variant.endswith("mnist"):
            views.on_mnist(config)
        case _ if variant.endswith("folder"):
            views.on_folder(config)
    if loss in ("barlow_twins", "vicreg") and loss != variant:
        config.model.projector.update(hidden=(512,), outputs=512)
    return config
