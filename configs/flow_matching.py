"""Flow matching: a network that learns the velocity from data to noise along straight lines.

Papers: Lipman et al. 2023, arXiv:2210.02747; Liu, Gong & Liu 2023, arXiv:2209.03003; `transport`: Tong et al. 2024,
arXiv:2302.00482

  genlab --config=flow_matching
    Not measured yet.
  genlab --config=flow_matching:toy
    a ring of eight Gaussians: 8 of 8 modes, 97.6 % of 2,500 samples within 3 standard deviations (real points
    98.5 %), KL(true || model) .037 nats (.023 to .051) by the exact divergence; 20,000 rounds, 1 min 16 s of
    CPU time (one seed).
  genlab --config=flow_matching:transport
    the same ring with noise by optimal transport within the batch. Not measured yet.
  genlab --config=flow_matching:mnist --config.data.data_dir=DIR
    MNIST at 28 px. Not measured yet.
"""

from genlab.shipped.configs import base, diffusion
from ml_collections import ConfigDict

VARIANTS = ("tiny", "toy", "transport", "mnist")


def get_config(variant: str = "") -> ConfigDict:
    """A U-Net on scikit-learn's digits at 16 px; `toy` and `transport` on a ring of Gaussians."""
    config = diffusion.get_config("mnist" if variant == "mnist" else "")
    config.experiment = dict(
        name="diffusion",
        path="straight",
        target="velocity",
        sampler=dict(name="euler", steps=50),
    )
    match variant:
        case "tiny":
            config.model.denoiser = dict(
                name="time_unet", width=8, multiples=(1,), heads=2
            )
            config.experiment.sampler.steps = 3
            config.data.image_size = 8
            base.tiny(config)
        case "toy" | "transport":
            diffusion.toy(config)
            config.experiment.sampler = dict(name="heun", steps=50)
            config.experiment.optimal_transport = variant == "transport"
    return config
