"""Deep belief network: machines trained one by one, then up-down, or with a classifier on top.

Papers: Hinton, Osindero & Teh 2006, Neural Comput. 18:1527-1554; Hinton & Salakhutdinov 2006,
Science 313:504-507; bound: Salakhutdinov & Murray 2008, ICML

Two CPU cores; nats on the test split, dynamically binarised, in brackets the 95 %
interval of log Z and the examples together:

  genlab --config=dbn
    scikit-learn's digits, 8 px, 100 and 64 units: bound on log p(x) -23.7 (-24.3 to -23.0, 98 of 100
    effective runs, estimates of log Z within 0.04 nats); 46 CPU seconds.
  genlab --config=dbn:mnist --config.data.data_dir=DIR
    MNIST, 500 and 784 units: bound on log p(x) -84.6 (-85.3 to -84.1, 42 of 100 effective runs,
    estimates of log Z within 0.39 nats); 22 min 36 s of CPU time.
  genlab --config=dbn:labels
    with labels in the top machine, and pictures of each class: -23.6 (-24.3 to -23.0, 97 of 100
    effective runs, estimates of log Z within 0.01 nats); its likeliest label is right
    for 74.3 % of the test split.
  genlab --config=dbn:classifier
    96.0 % right after fine-tuning with logits on top, grey pixels (`random`, without pretraining:
    96.3 %; one seed each, 300 test images).
  genlab sweep --config=dbn:mnist_classifier --seeds=3 --config.data.data_dir=DIR
    MNIST, 500-500-2000, 60,000 labels: error 1.37 % over three seeds (standard error 0.01), `mnist_random`
    1.68 % (0.03); 18 and 10 min of CPU time for the three.
  genlab sweep --config=dbn:mnist_finetune --seeds=3 --config.init_from=RUN
      --config.data.data_dir=DIR
    RUN is that of `mnist`, 500-784: error 1.44 % (standard error 0.03); 4 min of CPU time. With
    `--config.model.classifier.dropout=0.2 --config.model.classifier.input_dropout=0.1`, chosen on held-out
    digits, 1.19 % (0.04); 5 min.
"""

from genlab.shipped.configs import base
from ml_collections import ConfigDict

from genlab.trials.space import grid, product, seeds

VARIANTS = (
    "tiny",
    "labels",
    "classifier",
    "random",
    "finetune",
    "mnist",
    "mnist_labels",
    "mnist_classifier",
    "mnist_random",
    "mnist_finetune",
)

BETAS, BETAS_MNIST = (50, 400, 1000), (500, 4000, 10_000)  # of log Z


def get_config(variant: str = "") -> ConfigDict:
    """Up-down after greedy training; `classifier` fine-tunes the stack with labels instead.

    `random` is the classifier without pretraining, `finetune` starts from a run of this config or of
    its variant `mnist`, named by `init_from`.
    """
    place, _, kind = variant.rpartition("_")
    mnist = "mnist" in (place, kind)
    discriminative = kind in ("classifier", "random", "finetune")
    # A top as wide as the examples: its machine starts as the one below, turned over.
    turned = kind not in ("classifier", "random", "labels")
    widths, top, rounds, chains = (100,), 64 if turned else 200, 5_000, None
    if mnist and not turned:
        # The first paper's widths for what reads digits.
        widths, top, rounds = (500, 500), 2000, 12_000 if discriminative else 60_000
    elif mnist:
        # Persistent chains, for the likelihood.
        widths, top, rounds, chains = (500,), 784, 90_000, 100
    config = base.get_config()
    config.data.update(name="digits", binarize="dynamic")
    config.train = dict(steps=5_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.checkpoint.every = 5_000
    if mnist:
        config.data.update(name="tfds:mnist", data_dir="")
        config.train.steps = config.checkpoint.every = 30_000
    if variant == "tiny":
        widths, rounds = (12,), 4
        config.train.steps = 8

    labels = 10 if kind == "labels" else 0
    if discriminative:
        classifier(config, (*widths, top), mnist)
    else:
        up_down(config, widths, top, labels, BETAS_MNIST if mnist else BETAS)
        config.experiment.chains = chains
    if variant == "tiny":
        config.experiment.sample_sweeps = 10
        base.tiny(config)
        config.sample.plots = ("samples",)
    if kind == "finetune":
        parts = recognition("classifier/classifier/encoder", len(widths))
        config.start = dict(name="copy", parts=parts)
    elif kind != "random":
        config.stages = greedy((*widths, top), rounds, labels, chains, turned)
        parts = under("classifier/classifier/encoder", (*widths, top))
        if kind != "classifier":
            parts = {
                **under("dbn/recognition", widths),
                **under("dbn/generative", widths, bias="visible_bias"),
                "dbn/machine": f"layer_{len(widths)}/rbm/machine",
            }
        config.start = dict(name="copy", parts=parts)
    return config


def up_down(config: ConfigDict, widths, top: int, labels: int, betas) -> None:
    """Fine-tuning of the whole stack as a generative model."""
    config.experiment = dict(name="dbn", sweeps=3)
    config.objective = dict(name="energy_difference")
    config.model = dict(
        recognition=dict(name="belief_layers", widths=widths),
        generative=dict(name="belief_layers", widths=widths, downward=True),
        machine=dict(name="rbm", example_shape=widths[-1:], hidden=top, labels=labels),
    )
    schedule = dict(name="linear", begin=0, steps=config.train.steps, end=0.0)
    config.optimizer = dict(dbn=dict(name="sgd", learning_rate=0.01, schedule=schedule))
    config.eval.update(every=config.train.steps // 2, best="squared_error")
    config.eval.metrics = ("free_energy_gap",)
    config.eval.final_metrics = (dict(name="log_likelihood", betas=betas),)
    plots = ("samples", "reconstructions", "receptive_filters")
    config.sample = dict(
        every=config.train.steps, plots=(*plots, "class_samples") if labels else plots
    )


def classifier(config: ConfigDict, widths, mnist: bool) -> None:
    """Fine-tuning of the recognition layers with logits on top."""
    config.data.binarize = "none"
    config.experiment = dict(name="classifier")
    config.objective = dict(name="cross_entropy")
    config.model = dict(classifier=dict(name="dense_classifier", widths=widths))
    config.train.steps = 22_000 if mnist else 4_000
    schedule = dict(name="linear", begin=0, steps=config.train.steps, end=0.0)
    config.optimizer = dict(
        classifier=dict(name="adam", learning_rate=1e-3, schedule=schedule)
    )
    config.eval.update(every=config.train.steps // 4, best="cross_entropy")
    if mnist:  # all 60,000 labels, and nothing held back to choose by
        config.data.validation_fraction = 0.0
        config.eval.update(every=0, best="")


def greedy(
    widths,
    rounds: int,
    labels: int = 0,
    chains: int | None = None,
    turned: bool = False,
) -> tuple[dict, ...]:
    """A stage for each machine, on states drawn from the frozen layers below; labels at the top.

    A machine that starts as the one below it, `turned` over, leaves the bound on log p where that
    machine's likelihood was, and raises it as its own rises (Hinton, Osindero & Teh 2006, section 4).
    """
    stages = []
    for index, width in enumerate(widths):
        below = widths[:index]
        top = index == len(widths) - 1
        machine = dict(name="rbm", hidden=width, labels=labels if top else 0)
        model, start = dict(machine=machine), dict(name="fresh")
        if below:
            machine["example_shape"] = below[-1:]
            model["features"] = dict(name="dense_encoder", widths=below)
            start = dict(name="copy", parts=under("frozen/features", below))
            if turned:
                own, other = "rbm/machine", f"layer_{index - 1}/rbm/machine"
                start["parts"][f"{own}/kernel"] = f"{other}/kernel"
                start["parts"][f"{own}/visible_bias"] = f"{other}/hidden_bias"
                start["parts"][f"{own}/hidden_bias"] = f"{other}/visible_bias"
                start["transposed"] = (f"{own}/kernel",)
        schedule = dict(name="linear", begin=0, steps=rounds, end=0.0)
        rate = 0.02 if turned and below else 0.05
        stages.append(
            dict(
                name=f"layer_{index}",
                experiment=dict(name="rbm", chains=chains),
                objective=dict(name="energy_difference"),
                model=model,
                optimizer=dict(
                    rbm=dict(name="sgd", learning_rate=rate, schedule=schedule)
                ),
                data=dict(binarize="dynamic", train_size=0),
                train=dict(steps=rounds),
                start=start,
            )
        )
    return tuple(stages)


def under(target: str, widths, bias: str = "hidden_bias") -> dict[str, str]:
    """Where kernels and biases of layers come from: each out of the machine of its stage."""
    parts = {}
    for index in range(len(widths)):
        machine = f"layer_{index}/rbm/machine"
        parts[f"{target}/layer_{index}/kernel"] = f"{machine}/kernel"
        parts[f"{target}/layer_{index}/bias"] = f"{machine}/{bias}"
    return parts


def recognition(target: str, depth: int) -> dict[str, str]:
    """Where an encoder's layers come from: the run of a belief network that `init_from` names."""
    network, top = "init/dbn", f"{target}/layer_{depth}"
    return {
        **{
            f"{target}/layer_{index}": f"{network}/recognition/layer_{index}"
            for index in range(depth)
        },
        f"{top}/kernel": f"{network}/machine/kernel",
        f"{top}/bias": f"{network}/machine/hidden_bias",
    }


def sweep_labels():
    """Few labels and many, three seeds each; for the classifier variants."""
    sizes = grid(data__train_size=(100, 300, 1000), data__subset_seed=("run",))
    return product(sizes, seeds(3))
