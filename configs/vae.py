"""Variational autoencoder: a bound on log p(x) by an amortised Gaussian posterior.

Papers: Kingma & Welling 2014, arXiv:1312.6114; `iwae`: Burda, Grosse & Salakhutdinov 2016,
arXiv:1509.00519; `conditional`: Sohn, Lee & Yan 2015, NIPS 28

Two CPU cores; nats of -ELBO on the test split, one z an image, dynamically binarised:

  genlab --config=vae
    scikit-learn's digits, 8 px, 10 latents: 22.7 nats (reconstruction 17.1, KL 5.5) in 15 s;
    of samples, means of p(x|z), `frechet_digits_classifier` 11.9 of 1,000, `_at_floor` 14.8 of 300,
    `_floor` 3.0 of 300 test digits; precision .51 and recall .92, of the test digits .94 and .94 (300
    each, one seed).
  genlab eval --workdir=DIR --metrics=amortization_gap
    of the first, 300 test digits: posteriors fitted to each digit gain 0.191 nats over the encoder's
    (standard error 0.007), and log p(x) is 0.268 (0.004) above those; 13 CPU seconds (one seed).
  genlab --config=vae:manifold
    the digits at 16 px, 2 latents, with the picture of the manifold: 96.1 nats in 30 s.
  genlab --config=vae:iwae
    the importance weighted bound of 50 z an image: 21.95 nats, where its -ELBO is 25.8 (one seed).
  genlab --config=vae:conditional
    encoder and decoder see the class: 19.9 nats of -log p(x|class) (reconstruction 16.7, KL 3.2); of 100
    samples of each class 99.5 % are of it by an SVM of 88.3 % accuracy on the
    binarised test digits, 97 % or more of every class (one seed).
  genlab --config=vae:dfc
    DFC-VAE, Hou et al. 2017, arXiv:1610.00291, digits at 16 px in features of the classifier that
    comes with genlab: KL 10.8 nats beside 8.7 of features, which are no likelihood; samples
    `frechet_digits_classifier` 21.4 (18.9 to 23.9; `_floor` 3.7), precision .62 and recall .85; 67 CPU seconds (one
    seed).
  genlab --config=vae:flow
    four steps of an inverse autoregressive flow behind the Gaussian: 22.5 nats (22.1 to 22.9), -log p(x) 22.24 (of
    5,000 draws, as the first's 22.41), Frechet distance 7.5 (6.2 to 8.9); 54 CPU seconds (one seed).
  genlab --config=vae:vamp
    100 pseudo-inputs as the prior: 22.1 nats (21.7 to 22.6), -log p(x) 21.94, Frechet distance 5.0 (3.1 to 6.8),
    precision .81 and recall .81; 46 CPU seconds (one seed).
  genlab --config=vae:semi_amortised
    q(z|x) is the encoder's after five steps of Adam for each image: 23.0 nats, -log p(x) 22.56 (`importance_nll`),
    where the first has 22.7 and 22.41: on digits this small it gains nothing; 79 CPU seconds (one seed).
  genlab --config=vae:ex_post
    a mixture of 10 Gaussians on the codes of the first, by 100 rounds of EM: of 1,000 samples
    `frechet_digits_classifier` 6.6, 5.3 less than of z ~ N(0, I) by the same decoder (`prior_loss`; 95 %
    interval 3.0 to 7.6); precision .59 and recall .84, where the prior's are .51 and .92 (one seed).
  genlab --config=vae:aggregate
    kernels on codes of all training digits: 5.1, 6.8 less (4.5 to 9.1); precision .55, recall .90; 29 CPU seconds.
  genlab --config=vae:two_stage
    a second VAE on the codes: 9.7, 2.2 less (-0.2 to 4.7); precision .54, recall .86; 56 CPU seconds.
  genlab --config=vae:flow_on_codes
    a normalizing flow on the codes: 7.6, 4.3 less (1.6 to 7.0); precision .62, recall .86; 25 CPU seconds.
  genlab --config=vae:planar
    eight planes behind the Gaussian: 22.6 nats, -log p(x) 22.27, Frechet distance 9.2 (7.7 to 10.7); 36 CPU seconds.
  genlab --config=vae:full_covariance
    22.7 nats, -log p(x) 22.33, Frechet distance 9.9 (8.0 to 11.9); 28 CPU seconds.
  genlab --config=vae:mixture
    20 learned Gaussians as the prior: 22.3 nats, -log p(x) 22.00, Frechet distance 5.2 (3.5 to 6.8); 24 CPU seconds.
  genlab --config=vae:residual
    residual convolutions: 22.3 nats, -log p(x) 21.95, Frechet distance 9.1 (7.2 to 10.9); 71 CPU seconds.
  genlab --config=vae:warm_up
    the KL comes in over 5,000 rounds: 22.7 nats, -log p(x) 22.41, Frechet distance 10.7 (8.8 to 12.7); 18 CPU
    seconds. With
    `:free_bits`, 8 bits of the whole KL, 22.8, 22.38, 8.2 (6.7 to 9.7); with `:free_bits_each`, half a bit of each
    dimension, 22.8, 22.45, 10.1 (8.3 to 11.9); 14 s each.
  genlab --config=vae:svi
    no encoder: q(z|x) is fitted to each image by 20 steps of Adam from one learned Gaussian: 23.9 nats, -log p(x)
    22.67, Frechet distance 30.8 (27.8 to 33.8); 81 CPU seconds.
  genlab --config=vae:mnist --config.data.data_dir=DIR
    MNIST, 500 hidden units, 20 latents: 97.6 nats (reconstruction 70.4, KL 27.3) after 60,000
    rounds (109 epochs of 55,000 images) in 2 min 33 s.
"""

from genlab.shipped.configs import base
from genlab.shipped.configs.common import ex_post
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

from genlab.trials.space import grid

NETWORKS = {
    "flow": dict(flow=dict(name="inverse_autoregressive_flow", length=4, hidden=64)),
    "planar": dict(flow=dict(name="planar_flow", length=8)),
    "vamp": dict(prior=dict(name="vamp_prior", components=100)),
    "mixture": dict(prior=dict(name="mixture_prior", components=20)),
}
OBJECTIVES = {
    "warm_up": dict(name="elbo", beta=dict(name="warmup", steps=5000)),
    "free_bits": dict(name="free_bits", bits=8.0),
    "free_bits_each": dict(name="free_bits_per_dimension", bits=0.5),
}
VARIANTS = (
    *("tiny", "manifold", "iwae", "conditional", "residual", "dfc", "mnist"),
    *("full_covariance", "semi_amortised", "svi"),
    *(*NETWORKS, *OBJECTIVES, *ex_post.SAMPLERS),
)


def get_config(variant: str = "") -> ConfigDict:
    """Perceptrons with one hidden layer, Bernoulli likelihood of dynamically binarised pixels."""
    config = base.get_config()
    config.experiment = dict(
        name="vae", likelihood=dict(name="bernoulli"), latent_dim=10
    )
    config.objective = dict(name="elbo", beta=1.0)
    config.model = dict(
        encoder=dict(name="mlp_encoder", hidden=(256,), activation="tanh"),
        decoder=dict(name="mlp_decoder", hidden=(256,), activation="tanh"),
    )
    config.optimizer = dict(vae=dict(name="adam", learning_rate=1e-3))
    config.data.update(name="digits", binarize="dynamic")
    config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.eval.update(every=1000, best="negative_elbo", metrics=("posterior",))
    config.eval.final_metrics = (*in_features_of_digits(), "importance_nll")
    config.sample = dict(every=1000, plots=("samples", "reconstructions"))
    config.checkpoint.every = 5000

    match variant:
        case "tiny":
            config.experiment.latent_dim = 3
            config.model.encoder.hidden = config.model.decoder.hidden = (16,)
            base.tiny(config)
        case "manifold":
            config.experiment.latent_dim = 2
            config.data.image_size = 16
            config.sample.plots = ("manifold", "latent_embedding", "reconstructions")
        case "iwae":
            config.objective = dict(name="iwae")
            config.experiment.samples = 50
            config.eval.best = "negative_bound"
        case "conditional":
            config.model = {
                role: dict(name="conditional", network=network, width=16)
                for role, network in config.model.items()
            }
            config.eval.metrics = ("class_agreement",)
            config.sample.plots = ("samples", "class_samples")
        case "dfc":
            # Hou et al. 2017: features of the classifier that comes with genlab, no pixels.
            config.experiment.likelihood = dict(name="deep_features", weight=100.0)
            config.data.update(image_size=16, binarize="none")
            config.sample.plots = ("samples", "reconstructions", "interpolations")
        case "semi_amortised":
            config.experiment.update(refine_steps=5, refine_rate=0.1)
        case "svi":
            _without_an_encoder(config)
        case "full_covariance":
            config.model.encoder.covariance = "full"
        case "residual":
            config.model = dict(
                encoder=dict(name="residual_encoder", channels=(16, 32)),
                decoder=dict(name="residual_decoder", channels=(32, 16)),
            )
        case "mnist":
            # Section 5 of the paper: 500 hidden units, batches of 100.
            config.experiment.latent_dim = 20
            config.model.encoder.hidden = config.model.decoder.hidden = (500,)
            config.data.name = "tfds:mnist"
            config.data.data_dir = ""
            config.eval.final_metrics = ()
            config.train = dict(steps=60_000, batch_size=100, steps_per_call=100)
            config.eval.every = config.sample.every = 3000
    if variant in NETWORKS:
        config.model.update(NETWORKS[variant])
        if "flow" in config.model:
            config.eval.metrics = ("latent_use",)
    if variant in OBJECTIVES:
        config.objective = OBJECTIVES[variant]
    if variant in ex_post.SAMPLERS:
        ex_post.of_codes(config, variant, width=10)
    return config


def _without_an_encoder(config: ConfigDict) -> None:
    """q(z|x) of each image is fitted from one Gaussian for all, by Adam on its bound alone."""
    config.experiment.update(refine_steps=20, refine_rate=0.3)
    config.model.encoder = dict(name="shared_gaussian")
    config.eval.metrics = ()
    config.sample.plots = ("samples",)


def sweep_terms():
    """The bound, its reconstruction alone and its KL alone, for `latent_spaces` of `manifold`."""
    only = {"objective": "elbo", "objective.beta": 0.0}
    return [{"objective": "elbo"}, only, {"objective": "gaussian_kl"}]


def sweep_beta():
    """Reconstruction against KL."""
    return grid(objective__beta=(0.25, 0.5, 1.0, 2.0, 4.0, 8.0))
