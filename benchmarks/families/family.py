"""A family in a comparison: its recipe and what makes it comparable to the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genlab.shipped.configs.common import pacgan

import genlab

KINDS = {"ring": 8, "grid": 25, "two_moons": 20}  # parts of a mixture that has enough
# Of kernels, the best of a factor of about 1.5 on validation points; the recipe's is the ring's.
BANDWIDTHS = {"ring": 0.004, "grid": 0.006, "two_moons": 0.04}
SUPPORTS = {"ring": 3.0, "grid": 5.0, "two_moons": 5.0}  # where all points lie
SPLINES = 4.0  # where those of the recipe move them
MIXTURES = ("ring", "grid")  # whose modes are counted
COVERAGE = {"name": "mode_coverage", "num_samples": 2500}
NO_PICTURES = {"sample.every": 0, "sample.plots": (), "eval.every": 0, "eval.best": ""}


@dataclass(frozen=True)
class Family:
    """One row.

    Attributes:
      name: what the table calls it.
      config: name of the recipe.
      overrides: key of the config -> value.
      metrics: beside those of all, by name.
    """

    name: str
    config: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple = ()

    def on_points(self, kind: str) -> "Family":
        """The same on points of a kind, with the metrics of densities."""
        more: dict[str, Any] = {"data.kind": kind}
        config = self.config_of()
        density = config["model"].get("density", {})
        if "components" in density:
            more["model.density.components"] = KINDS[kind]
        if "bandwidth" in density:
            more["model.density.bandwidth"] = BANDWIDTHS[kind]
        if density.get("transform") == "spline" and SUPPORTS[kind] > SPLINES:
            more["model.density.bound"] = SUPPORTS[kind] + 1.0
        if "support" in config["experiment"]:
            more["experiment.support"] = (-SUPPORTS[kind], SUPPORTS[kind])
        common = ("log_density",) if kind == "two_moons" else (COVERAGE, "log_density")
        return self.having(more, common)

    def having(self, overrides: Mapping[str, Any], metrics: tuple) -> "Family":
        """The same with more overrides, under its own, and more metrics, before its own."""
        merged = {**overrides, **self.overrides}
        return Family(self.name, self.config, merged, (*metrics, *self.metrics))

    def config_of(self) -> dict[str, Any]:
        """The recipe as it is shipped."""
        return genlab.load(self.config).config

    def told(self) -> str:
        """The recipe and its overrides, but for where data lie."""
        changed = (
            f"--config.{key}={value}"
            for key, value in self.overrides.items()
            if key != "data.data_dir"
        )
        return " ".join((self.config, *changed))

    def arguments(self, scale: float) -> list[str]:
        """Flags of `genlab sweep`; trainings and their schedules `scale` times as long."""
        overrides = {**NO_PICTURES, **self.overrides}
        overrides |= {"eval.metrics": (), "eval.final_metrics": self.metrics}
        if scale != 1:
            rounds = self.overrides.get("train.steps")
            overrides |= _shorter(self.config_of(), scale, rounds)
        flags = [f"--config.{key}={value}" for key, value in overrides.items()]
        return [f"--config={self.config}", *flags]


def _shorter(
    config: dict[str, Any], scale: float, rounds: int | None
) -> dict[str, Any]:
    """Overrides of a config whose row has its own number of rounds, or the recipe's."""
    rounds = max(1, round((rounds or config["train"]["steps"]) * scale))
    found: dict[str, Any] = {"train.steps": rounds, "checkpoint.every": rounds}
    for player, optimizer in config["optimizer"].items():
        schedule = optimizer.get("schedule") or {}
        if "steps" in schedule:
            key = f"optimizer.{player}.schedule.steps"
            found[key] = max(1, round(schedule["steps"] * scale))
    return found


DENSITIES = (
    Family("kernels", "gaussian_mixture:kernels"),
    Family("mixture", "gaussian_mixture:ring"),
    Family("realnvp", "realnvp:toy"),
    Family("splines", "realnvp:spline"),
    Family("flow_matching", "flow_matching:toy"),
    Family("diffusion", "diffusion:toy"),
    Family("energy", "ebm:toy"),
)


def of_methods(kind: str) -> list[Family]:
    """The recipe of a mixture, and the plain GAN and its changes by PacGAN's protocol, made small."""
    recipe = f"gan_{kind}"
    changed = [Family(name, f"{recipe}:{name}") for name in pacgan.METHODS]
    return [row.having({}, (COVERAGE,)) for row in (Family("recipe", recipe), *changed)]


def of_images(data: str, mnist: str, features: str) -> list[Family]:
    """The rows on scikit-learn's digits or MNIST, at the sizes of their recipes."""
    network: Any = {"name": "run", "run": features} if features else "digits_classifier"
    num = dict(zip(("num", "num_reference"), COUNTS[data], strict=False))
    metrics = tuple(
        {"name": name, "features": network, **num}
        for name in ("frechet", "precision_recall")
    )
    rows = {"digits": DIGITS, "mnist": MNIST, "mnist16": MNIST_16}[data]
    overrides: dict[str, Any] = {} if data == "digits" else {"data.data_dir": mnist}
    if data == "mnist16":
        overrides |= {"data.name": "tfds:mnist", "data.image_size": 16}
    return [family.having(overrides, metrics) for family in rows]


def of_codes(data: str, mnist: str) -> list[Family]:
    """The rows whose codes are probed; on digits all but the machines see 16 px."""
    if data == "digits":
        return list(CODES)
    return [row.having({"data.data_dir": mnist}, ()) for row in MNIST_CODES]


PROBE = ("linear_probe",)
DENSITY = ("log_density",)
COUNTS = {  # samples and references of a distance
    "digits": (1000,),
    "mnist": (10_000, 10_000),
    "mnist16": (2000, 10_000),
}
SMALL = {"model.denoiser.width": 16, "train.steps": 1500}
LEVELS = {"model.density.levels": 256}
# Rounds of the slow ones are cut so that each trains for a few minutes of two cores.
DIGITS = (
    Family("mixture", "gaussian_mixture"),
    Family("vae", "vae", {"data.image_size": 16}, PROBE),
    Family("ex_post", "autoencoder:ex_post"),
    Family(
        "adversarial_autoencoder",
        "adversarial_autoencoder",
        {"data.image_size": 16},
        PROBE,
    ),
    Family("soft_intro_vae", "soft_intro_vae:digits", {}, PROBE),
    Family("codes_prior", "pixelcnn:vq"),
    Family("dbm", "dbm", {}, PROBE),
    Family("dcgan", "dcgan", {"data.image_size": 16}),
    Family("sngan", "sngan", {"train.steps": 800}),
    Family("energy", "ebm", {"train.steps": 400}),
    Family("realnvp", "realnvp", {"train.steps": 1000}, DENSITY),
    Family("glow", "glow", {"train.steps": 1000}, DENSITY),
    Family(
        "pixelcnn",
        "pixelcnn",
        {"train.steps": 500},
        ({"name": "log_density", "levels": 17},),
    ),
    Family("diffusion", "diffusion:cosine", {"train.steps": 800}),
    Family("flow_matching", "flow_matching", {"train.steps": 800}),
    Family("one_step", "one_step", {"train.steps": 800}),
)
MNIST = (
    Family("vae", "vae:mnist", {}, PROBE),
    Family("adversarial_autoencoder", "adversarial_autoencoder:mnist", {}, PROBE),
    Family("soft_intro_vae", "soft_intro_vae:mnist", {}, PROBE),
    Family("codes_prior", "pixelcnn:mnist_vq"),
    Family("dbm", "dbm:mnist", {}, PROBE),
    Family("dcgan", "dcgan:mnist"),
    Family("wgan_gp", "wgan_gp:mnist"),
    Family("sngan", "sngan:mnist"),
    Family("energy", "ebm:mnist"),
    Family("realnvp", "realnvp:mnist", {}, DENSITY),
    Family("glow", "glow:mnist", {}, DENSITY),
    Family("pixelcnn", "pixelcnn:mnist", {}, DENSITY),
    Family("diffusion", "diffusion:mnist"),
    Family("flow_matching", "flow_matching:mnist"),
    Family("one_step", "one_step:mnist"),
)
# The recipes of digits on MNIST at 16 px, for which some minutes of a core are enough.
MNIST_16 = (
    Family("mixture", "gaussian_mixture"),
    Family("vae", "vae", {}, PROBE),
    Family("ex_post", "autoencoder:ex_post"),
    Family("adversarial_autoencoder", "adversarial_autoencoder", {}, PROBE),
    Family("codes_prior", "pixelcnn:vq"),
    Family("dcgan", "dcgan"),
    Family("sngan", "sngan", {"train.steps": 1500}),
    Family("energy", "ebm", {"train.steps": 400}),
    Family("realnvp", "realnvp", {**LEVELS, "train.steps": 500}, DENSITY),
    Family("glow", "glow", {**LEVELS, "train.steps": 1000}, DENSITY),
    Family("pixelcnn", "pixelcnn", {**LEVELS, "train.steps": 500}, DENSITY),
    Family("diffusion", "diffusion:cosine", SMALL),
    Family("flow_matching", "flow_matching", SMALL),
    Family("one_step", "one_step", SMALL),
)
CODES = (
    Family("autoencoder", "autoencoder"),
    Family("denoising", "denoising_autoencoder"),
    Family("contractive", "contractive_autoencoder"),
    Family("sparse", "sparse_autoencoder"),
    Family("vae", "vae", {"data.image_size": 16}),
    Family("beta_vae", "vae", {"data.image_size": 16, "objective.beta": 4.0}),
    Family("rbm", "rbm"),
    Family("dbn", "dbn"),
    Family("dbm", "dbm"),
    Family("dcgan", "dcgan", {"data.image_size": 16}),
    Family("rotnet", "rotnet"),
    Family("deep_infomax", "deep_infomax"),
    Family("simclr", "simclr"),
    Family("vicreg", "simclr:vicreg"),
    Family("supervised", "classifier", {"data.image_size": 16}),
)
MNIST_CODES = (
    Family("autoencoder", "autoencoder:mnist"),
    Family("denoising", "denoising_autoencoder:mnist"),
    Family("contractive", "contractive_autoencoder:mnist"),
    Family("sparse", "sparse_autoencoder:mnist"),
    Family("vae", "vae:mnist"),
    Family("beta_vae", "vae:mnist", {"objective.beta": 4.0}),
    Family("rbm", "rbm_pcd:mnist"),
    Family("dbn", "dbn:mnist"),
    Family("dbm", "dbm:mnist"),
    Family("dcgan", "dcgan:mnist"),
    Family("rotnet", "rotnet:mnist"),
    Family("deep_infomax", "deep_infomax:mnist"),
    Family("simclr", "simclr:mnist"),
    Family("vicreg", "simclr:vicreg_mnist"),
    Family("supervised", "classifier:mnist"),
)
