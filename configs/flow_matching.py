"""Flow matching: a network that learns the velocity from data to noise along straight lines.

Papers: Lipman et al. 2023, arXiv:2210.02747; Liu, Gong & Liu 2023, arXiv:2209.03003; `transport`: Tong et al. 2024,
arXiv:2302.00482; `dit`: Peebles & Xie 2023, arXiv:2212.09748

  genlab --config=flow_matching
    scikit-learn's digits at 16 px; after 800 of its 3,000 rounds a Frechet distance of 3.7 in `digits_classifier` (1,000
    samples; 300 real test digits: 3.7), precision .63, recall .92; 10 min of one core (one seed). On MNIST at 16 px:
    RESULTS, "Families side by side".
  genlab --config=flow_matching:toy
    a ring of eight Gaussians: 8 of 8 modes, 97.6 % of 2,500 samples within 3 standard deviations (real points
    98.5 %), KL(true || model) .037 nats (.023 to .051) by the exact divergence; 20,000 rounds, 1 min 16 s of
    CPU time (one seed).
  genlab --config=flow_matching:transport
    the same ring with noise by optimal transport within the batch: 8 of 8 modes, 96.1 %, KL .116 nats (.087 to .145); 20,000
    rounds, 21 min 35 s of CPU time (one seed). The density is farther than without (`toy`).
  genlab --config=flow_matching:mnist --config.data.data_dir=DIR
    MNIST at 28 px; not measured in full. Made narrow and short, with "--config.model.denoiser.width=16
    --config.train.steps=800 --config.optimizer.denoiser.ema=0.99", a Frechet distance of 4.4 (3.6 to 5.2; 1,000 samples; 1,000
    real test digits: 1.2), precision .63, recall .90; 30 min 14 s of CPU time (one seed).
  genlab --config=flow_matching:dit
    a transformer of 2x2 patches that is told the digit, with guidance: after 1,600 of its 3,000 rounds a Frechet distance of
    26.2 (21.4 to 31.0; 1,000 samples; 300 real test digits: 3.7), precision .80, recall .48; 33 min 39 s of CPU time (one
    seed).
  genlab --config=flow_matching:mnist_dit --config.data.data_dir=DIR
    the same on MNIST at 28 px; for a GPU. Not measured in full; made narrow and short, with "--config.dtype=float32
    --config.model.denoiser.network.width=64 --config.model.denoiser.network.blocks=3 --config.train.steps=600
    --config.optimizer.denoiser.ema=0.99 --config.eval.every=0 --config.eval.final_split=validation", a Frechet distance of 64.7
    (62.5 to 66.9; 1,000 samples; 1,000 real validation digits: 1.1), precision .64, recall .17: a transformer needs more
    rounds than these; 30 min of CPU time (one seed).
"""

from genlab.shipped.configs import base, diffusion
from ml_collections import ConfigDict

VARIANTS = ("tiny", "toy", "transport", "mnist", "dit", "mnist_dit")


def get_config(variant: str = "") -> ConfigDict:
    """A U-Net on scikit-learn's digits at 16 px; `toy` and `transport` on a ring of Gaussians."""
    config = diffusion.get_config("mnist" if "mnist" in variant else "")
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
        case "dit" | "mnist_dit":
            dit = dict(name="dit", width=128, blocks=4)
            if variant == "mnist_dit":
                dit.update(width=256, blocks=6)
                config.dtype = "bfloat16"
            config.model.denoiser = dict(name="guided", network=dit)
            config.experiment.update(drop_label=0.1, guidance=1.0)
            config.sample.plots = ("samples", "class_samples")
    return config
