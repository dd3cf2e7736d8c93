"""PacGAN's protocol on mixtures in the plane, made small, and a method for each row of its table."""

from ml_collections import ConfigDict

METHODS = (
    *(
        "gan",
        "minimax",
        "least_squares",
        "hinge",
        "relativistic",
        "relativistic_average",
    ),
    *("clip", "gradient_penalty", "dragan", "r1", "r2", "r3gan", "lecam", "spectral"),
    *("zcr", "orthogonal_regularization", "spectral_regularization", "mode_seeking"),
    "virtual_batch_norm",
    *("packing_2", "packing_4", "minibatch_discrimination", "minibatch_deviation"),
    *("unrolled", "replay", "feature_matching", "historical_averaging", "top_k"),
    *("two_steps", "five_steps", "two_rates", "ema"),
    *("label_smoothing", "noisy_labels", "flipped_labels", "instance_noise"),
)


def protocol(config: ConfigDict, kind: str) -> None:
    """The plain GAN of the paper, its networks a sixth as wide, for 10,000 rounds at twenty times its
    learning rate; 400,000 rounds at 1e-4 with widths 400 and 200 are the paper's.

    Paper: Lin et al. 2018, arXiv:1712.04086, section 4.1 and its code

    Args:
      config: takes the protocol up.
      kind: of the mixture, `ring` or `grid`.
    """
    config.experiment = dict(name="gan", latent_dim=2)
    config.objective = dict(name="non_saturating")
    config.model = dict(
        generator=dict(
            name="mlp_generator",
            hidden=(64,) * 4,
            norm="batch",
            output_activation="identity",
        ),
        discriminator=dict(name="maxout_discriminator", hidden=(32,) * 3),
    )
    adam = dict(name="adam", learning_rate=2e-3, b1=0.8)
    config.optimizer = dict(generator=adam, discriminator=adam)
    radius, std = dict(ring=(1.0, 0.01), grid=(4.0, 0.05))[kind]
    config.data.update(name="toy2d", kind=kind, radius=radius, std=std, size=100_000)
    config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    config.log.every = 1000
    config.eval.metrics = (dict(name="mode_coverage", num_samples=2500),)
    config.sample = dict(every=0, plots=("samples",))
    config.checkpoint.every = 10_000


def method(config: ConfigDict, name: str) -> None:
    """Changes the plain GAN of the protocol by one objective, penalty, network or stabiliser.

    Raises:
      KeyError: it is none of METHODS.
    """
    game, model, optimizer = config.experiment, config.model, config.optimizer
    match name:
        case "minimax" | "least_squares" | "hinge" | "noisy_labels":
            config.objective = dict(name=name)
        case "relativistic" | "relativistic_average" | "feature_matching":
            config.objective = dict(name=name)
        # With the optimizer and the moves of the paper, at ten times its rate.
        case "clip":
            config.objective = dict(name="wasserstein")
            game.n_critic = 5
            optimizer.generator = dict(name="rmsprop", learning_rate=5e-4)
            optimizer.discriminator = dict(optimizer.generator, clip_weights=0.01)
            config.train.steps = 3400
        # The weight and the moves of its authors' code for points.
        case "gradient_penalty":
            config.objective = dict(name="wasserstein")
            game.penalty = dict(name="gradient_penalty", weight=0.1)
            game.n_critic = 5
            config.train.steps = 3400  # which take as long as the others
        case "r1" | "r2":
            game.penalty = dict(name=name, weight=0.1)
        case "dragan" | "lecam":
            game.penalty = dict(name=name)
        case "orthogonal_regularization" | "spectral_regularization":
            game.penalty = dict(name=name)
        case "r3gan":
            config.objective = dict(name="relativistic")
            game.penalty = [dict(name="r1", weight=0.1), dict(name="r2", weight=0.1)]
        case "historical_averaging":
            game.penalty = dict(name=name)
            game.generator_penalty = dict(name=name)
        case "zcr":
            game.penalty = dict(name="latent_consistency")
            game.generator_penalty = dict(name="latent_diversity")
        case "mode_seeking":
            game.generator_penalty = dict(name=name)
        case "virtual_batch_norm":
            model.generator = _around(model.generator, name, examples=64)
        case "spectral":
            model.discriminator = _around(model.discriminator, name)
        case "packing_2" | "packing_4":
            pack = int(name[-1])  # as many packs as other batches have examples
            config.train.batch_size *= pack
            model.discriminator = _around(model.discriminator, "packed", pack=pack)
        case "minibatch_discrimination":
            knobs = dict(kernels=32, width=5)
            model.discriminator = _around(model.discriminator, name, **knobs)
        case "minibatch_deviation":
            model.discriminator = _around(model.discriminator, name, group=4)
        case "unrolled":
            game.unrolled_steps = 5
            config.train.steps = 3400
        case "replay":
            game.pool = 1000
        case "top_k":
            game.top_k = 0.75
        case "two_steps":  # of the generator, as PacGAN's code for stacked MNIST
            game.generator_steps = 2
        case "five_steps":
            game.n_critic = 5
            config.train.steps = 3400
        case "label_smoothing":
            config.objective.real_label = 0.9
        case "flipped_labels":
            game.flip_labels = 0.05
        case "instance_noise":
            fade = dict(name="linear", value=0.5, steps=config.train.steps)
            game.augment = dict(name="gaussian_noise", std=fade)
        case "two_rates":
            optimizer.generator.learning_rate /= 4
        case "ema":
            optimizer.generator.ema = 0.999
        case _ if name != "gan":
            raise KeyError(f"{name!r} is none of {METHODS}")


def _around(network: ConfigDict, name: str, **knobs: int) -> dict:
    return dict(name=name, network=network.to_dict(), **knobs)
