"""Autoregression: exact probabilities of images of whole levels, one pixel after the other.

Papers: gated PixelCNN: van den Oord et al. 2016, arXiv:1606.05328; `made`: Germain et al. 2015, arXiv:1502.03509; `vq`: van
den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937

  genlab --config=pixelcnn
    scikit-learn's digits at their 8 px and 17 levels: 78.8 nats (77.6 to 80.0), 1.776 bits per dimension (1.749 to
    1.804), exact, test split, at the best of its 1,000 rounds on the validation split, 500; half an image completed
    with .041 squared error by the mean of ten draws (the mean image: .078); Frechet distance of 1,000 samples 4.3 (3.2
    to 5.4; 300 real test digits 3.0); one seed, 1 min 13 s of CPU time.
  genlab --config=pixelcnn:binary
    the same, each pixel drawn to be black or white once: 24.4 nats (23.9 to 24.9), .550 bits per dimension (.539 to
    .562), exact, test split, at the best of its 1,000 rounds on the validation split, 250; half an image completed with
    .148 squared error (the mean image: .150); one seed, 62 s of CPU time.
  genlab --config=pixelcnn:made
    a perceptron with masks on the binary ones: 24.2 nats (23.7 to 24.6), .544 bits per dimension, exact, test split,
    at the best of its 1,000 rounds on the validation split, 250; one seed, 26 s of CPU time.
  genlab --config=pixelcnn:classes
    told the digit: 75.1 nats (73.8 to 76.5), 1.694 bits per dimension (1.664 to 1.724) at the best round, 500; of 100
    samples of each class 91.9 % are of it by an SVM of 99.3 % accuracy; Frechet distance 1.8 (0.8 to 2.7; `_floor`
    3.0), precision .79 and recall .92; one seed, 59 s of CPU time.
  genlab --config=pixelcnn:vq
    `vq_vae`, and the prior of its codes, which are 66.5 nats by an even one and 56.1 (55.4 to 56.7) by this, test
    split, after the best 250 of its 1,000 rounds, from which on it learns the 1,372 training digits by heart:
    Frechet distance of samples 17.3 there and 8.0 at the end (real digits 3.7); one seed, 1 min 49 s of CPU time.
  genlab --config=pixelcnn:mnist --config.data.data_dir=DIR
    MNIST at 28 px, 256 levels; for a GPU: .899 bits per dimension (.893 to .904) of the test digits, exact; 6 min on an H100
    that five others shared (one seed).
  genlab --config=pixelcnn:mnist_binary --config.data.data_dir=DIR
    each pixel drawn to be black or white once; for a GPU. Not measured in full; made narrow and short, with
    "--config.dtype=float32 --config.model.density.width=32 --config.model.density.dilations=(1,2,1,4)
    --config.train.batch_size=64 --config.train.steps=600 --config.optimizer.density.schedule.steps=600
    --config.optimizer.density.ema=0.99", 88.5 nats (88.1 to 88.9), .163 bits per dimension, exact, of 10,000 test digits;
    18 min of CPU time (one seed).
  genlab --config=pixelcnn:mnist_made --config.data.data_dir=DIR
    the same by MADE with one layer of 8,000 units, whose paper has 88.40 nats. Not measured in full; after 2,000 of its 12,000
    rounds, with "--config.dtype=float32 --config.train.steps=2000 --config.optimizer.density.schedule.steps=2000
    --config.optimizer.density.ema=0.99", 89.3 nats (88.9 to 89.8), .164 bits per dimension, exact, on 10,000 test digits; with
    genlab eval --workdir=DIR "--metrics=({'name': 'completion', 'draws': 10, 'num': 50},)" half of 50 digits completed with .064
    squared error (the mean image: .097); one seed, 32 min of CPU time, part of it for a completion of more that was stopped.
  genlab --config=pixelcnn:mnist_vq --config.data.data_dir=DIR
    `vq_vae:mnist`, and the prior of its 49 codes, 237.7 nats by an even one; for a GPU. Not measured in full; made narrow and
    short, with "--config.stages.codes.train.steps=800 --config.dtype=float32 --config.model.density.width=32
    --config.model.density.dilations=(1,2,1) --config.train.steps=1000 --config.optimizer.density.schedule.steps=1000
    --config.optimizer.density.ema=0.99", 136.7 nats (136.4 to 137.0), exact, of 10,000 test digits; Frechet distance of samples 8.3
    (7.0 to 9.6; 1,000 samples; 1,000 real test digits: 1.2), precision .52, recall .87; 7 min 30 s of CPU time (one seed).
  genlab --config=pixelcnn:paper --config.data.data_dir=DIR
    CIFAR-10 in about the size of the paper, which has 3.03 bits per dimension; for days on GPUs. Not measured yet.
"""

from genlab.shipped.configs import base, vq_vae
from genlab.shipped.configs.common.digits import in_features_of_digits
from ml_collections import ConfigDict

VARIANTS = (
    *("tiny", "binary", "made", "classes", "vq"),
    *("mnist", "mnist_binary", "mnist_made", "mnist_vq", "paper"),
)


def get_config(variant: str = "") -> ConfigDict:
    """PixelCNN on scikit-learn's digits at 8 px and 17 levels."""
    config = base.get_config()
    config.experiment = dict(name="density")
    config.objective = dict(name="description_length")
    pixel_cnn = dict(
        name="pixel_cnn", levels=17, low=0.0, width=32, dilations=(1, 2, 1)
    )
    config.model = dict(density=pixel_cnn)
    adam = dict(name="adam", learning_rate=2e-3, clip=10.0, ema=0.99)
    config.optimizer = dict(density=adam)
    config.data.name = "digits"
    config.train = dict(steps=1000, batch_size=64, steps_per_call=20)
    config.eval.update(every=250, best="negative_log_likelihood")
    completion = dict(name="completion", draws=10)
    config.eval.final_metrics = (
        *("log_density", completion),
        *in_features_of_digits(),
    )
    config.sample = dict(every=500, plots=("samples", "completions"))
    config.checkpoint.every = 250

    match variant:
        case "tiny":
            config.model.density.update(width=4, dilations=(1,))
            base.tiny(config)
        case "binary" | "mnist_binary":
            _binary(config)
        case "made" | "mnist_made":
            _binary(config)
            made = dict(name="made", levels=2, low=0.0, hidden=(500,))
            config.model.density = made
        case "classes":
            network = config.model.density.to_dict()
            config.model.density = dict(name="class_density", network=network)
            config.eval.final_metrics = ("class_agreement", *in_features_of_digits())
            config.sample.plots = ("samples", "class_samples")
        case "vq":
            _of_codes(config, vq_vae.get_config(), side=4)
        case "mnist_vq":
            _of_codes(config, vq_vae.get_config("mnist"), side=7)
    if variant.startswith("mnist"):
        _on_mnist(config, variant)
    if variant == "paper":
        _on_mnist(config, variant)
        config.data.update(name="tfds:cifar10", image_size=32)
        config.model.density.update(width=128, kernel=5, dilations=(1,) * 14)
        config.train.steps = config.optimizer.density.schedule.steps = 500_000
    return config


def _binary(config: ConfigDict) -> None:
    config.data.binarize = "fixed"
    config.model.density.levels = 2
    config.eval.final_metrics = config.eval.final_metrics[
        :2
    ]  # features are of gray ones


def _on_mnist(config: ConfigDict, variant: str) -> None:
    """For some minutes of a GPU."""
    steps = 12_000
    config.dtype = "bfloat16"
    exact = dict(name="log_density", num=10_000)
    completion = dict(name="completion", draws=10)
    config.eval.final_metrics = () if "vq" in variant else (exact, completion)
    config.train = dict(steps=steps, batch_size=128, steps_per_call=100)
    schedule = dict(name="cosine", steps=steps)
    config.optimizer.density.update(learning_rate=1e-3, ema=0.999, schedule=schedule)
    config.log.every = 200
    config.eval.every = config.sample.every = config.checkpoint.every = steps // 4
    if variant != "mnist_vq":
        config.data.update(name="tfds:mnist", data_dir="", image_size=28)
    if variant == "mnist_made":
        config.model.density.hidden = (8000,)
        config.optimizer.density.clip = 1.0
        return
    config.model.density.update(width=64, dilations=(1, 2, 1, 4, 1, 2, 1))
    if variant in ("mnist", "paper"):
        config.model.density.levels = 256


def _of_codes(config: ConfigDict, first: ConfigDict, side: int) -> None:
    """A `vq_vae` as a stage, and after it the density of the places of its codes."""
    kept = ("experiment", "objective", "model", "optimizer", "train")
    stage = {key: first[key].to_dict() for key in kept}
    config.stages = (dict(name="codes", **stage),)
    config.data = first.data
    codes, width = (stage["experiment"][knob] for knob in ("codes", "latent_dim"))
    config.experiment.update(likelihood=stage["experiment"]["likelihood"], codes=codes)
    knobs = dict(example_shape=(side, side, 1), levels=codes, ordered=False)
    config.model = dict(
        density=dict(name="pixel_cnn", width=32, dilations=(1, 2, 1), **knobs),
        features=dict(stage["model"]["encoder"], latent_dim=width),
        renderer=stage["model"]["decoder"],
    )
    parts = {"features": "encoder", "renderer": "decoder"}
    config.start = dict(
        name="copy",
        parts={f"frozen/{to}": f"codes/vq_vae/{of}" for to, of in parts.items()},
    )
    config.eval.final_metrics = in_features_of_digits()
    config.sample.plots = ("samples",)
