"""One step: samples by one call of a network, trained alone or by an adversary from a diffusion.

Papers: consistency: Song et al. 2023, arXiv:2303.01469; Song & Dhariwal 2023, arXiv:2310.14189; Geng et al. 2024,
arXiv:2406.14548; `distilled`: Lin et al. 2025, arXiv:2501.08316; Xiao et al. 2022, arXiv:2112.07804

  genlab --config=one_step
    scikit-learn's digits at 16 px: after 800 of its 3,000 rounds, `experiment.gap.steps` 100, a Frechet distance of 12.9
    (10.2 to 15.6; 300 real test digits: 3.7) in `digits_classifier`, precision .49, recall .92; 17 min 13 s of CPU time
    (one seed). On MNIST at 16 px: RESULTS, "Families side by side".
  genlab --config=one_step:toy
    a ring of eight Gaussians by one call: 8 of 8 modes, but 42 % of 2,500 samples within 3 standard deviations (real points
    98.5 %): one call of a smooth map leaves bridges between modes so narrow; 2 min 3 s of CPU time (one seed).
  genlab --config=one_step:distilled
    digits, a teacher by flow matching and then its network against a discriminator. Not measured in full; with
    `--config.stages.teacher.train.steps=600 --config.train.steps=300`, a fifth of both, a Frechet distance of 47.4 (43.7
    to 51.2; 300 real test digits: 3.7), precision .39, recall .80; 16 min 32 s of CPU time (one seed).
  genlab --config=one_step:mnist --config.data.data_dir=DIR
    MNIST at 28 px; not measured in full. Made narrow and short, with "--config.model.denoiser.width=16
    --config.train.steps=800 --config.experiment.gap.steps=100 --config.optimizer.denoiser.ema=0.99 --config.eval.every=0
    --config.eval.final_split=validation", a Frechet distance of 16.0 (14.5 to 17.5; 1,000 samples; 1,000 real validation
    digits: 1.1), precision .56, recall .75; 10 min of CPU time to measure it; that
    of training was not taken (one seed).
  genlab --config=one_step:distilled_mnist --config.data.data_dir=DIR
    MNIST at 32 px. Not measured yet.
"""

from genlab.shipped.configs import base, diffusion
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = ("tiny", "toy", "mnist", "distilled", "distilled_mnist")


def get_config(variant: str = "") -> ConfigDict:
    """A consistency model of scikit-learn's digits at 16 px; `toy` of a ring of Gaussians; `distilled`, a flow
    matching model made a generator of one step by a discriminator."""
    on_mnist = variant.endswith("mnist")
    config = diffusion.get_config("mnist" if on_mnist else "")
    if on_mnist:
        config.train.steps = 12_000
        config.eval.final_metrics = in_features_of_digits(5000)
    steps = config.train.steps
    gap = dict(name="exponential", value=1.0, rate=0.5, steps=steps // 8, end=0.02)
    config.experiment = dict(
        name="diffusion",
        path="straight",
        target="velocity",
        gap=gap,
        sampler="renoised",
    )
    config.objective = dict(name="pseudo_huber", c=0.01)
    config.optimizer.denoiser.update(learning_rate=5e-4, clip=1.0)
    config.eval.best = ""  # the error falls with the gap
    match variant:
        case "tiny":
            config.experiment.target_rate = 0.1
            config.model.denoiser = dict(name="time_mlp", hidden=(16, 16), width=8)
            config.data.image_size = 8
            base.tiny(config)
        case "toy":
            diffusion.toy(config)
            config.objective.c = 0.001
            config.experiment.gap.steps = 2500
            coverage = config.eval.final_metrics[0]
            config.eval.final_metrics = (coverage,)
        case "distilled" | "distilled_mnist":
            by_an_adversary(config)
    return config


def by_an_adversary(config: ConfigDict) -> None:
    """The same network as a stage of flow matching, and then as a generator."""
    kept = ("model", "optimizer", "train")
    teacher = {key: config[key].to_dict() for key in kept}
    flow = dict(name="diffusion", path="straight", target="velocity", sampler="euler")
    config.stages = (
        dict(
            teacher,
            name="teacher",
            experiment=flow,
            objective=dict(name="prediction_error"),
        ),
    )
    if config.data.image_size == 28:
        config.data.image_size = 32  # which the discriminator halves three times
    size = config.data.image_size
    config.experiment = dict(
        name="gan", latent_dim=size**2, penalty=dict(name="r1", weight=0.5)
    )
    config.objective = dict(name="non_saturating")
    network = teacher["model"]["denoiser"]
    config.model = dict(
        generator=dict(name="one_step", network=network),
        discriminator=dict(name="sndcgan_discriminator", width=16),
    )
    adam = dict(name="adam", learning_rate=1e-4, b1=0.5)
    config.optimizer = dict(generator=dict(adam, ema=0.995), discriminator=adam)
    config.train.steps = config.train.steps // 2
    start = {"generator/generator/network": "teacher/denoiser/denoiser"}
    config.start = dict(name="copy", parts=start)
