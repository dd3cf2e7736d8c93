"""Deep Boltzmann machine: machines with doubled inputs, then all layers together.

Paper: Salakhutdinov & Hinton 2009, AISTATS

Two CPU cores; nats on the test split, dynamically binarised, in brackets the 95 %
interval of log Z and the examples together:

  genlab --config=dbm
    scikit-learn's digits, 8 px, 100 and 100 units: bound on log p(x) -23.4 (-23.9 to -23.0, 94 of 100
    effective runs, estimates of log Z within 0.05 nats), squared error of a completed half 0.130 a
    pixel (0.148 of the mean image); 84 CPU seconds.
  genlab --config=dbm:mnist --config.data.data_dir=DIR
    MNIST, 500 and 1000 units: bound on log p(x) -85.0 (-85.5 to -84.4, 30 of 100 effective
    runs, estimates of log Z within 0.14 nats), squared error of a completed half 0.063 a pixel (0.092
    of the mean image); 33 min of CPU time.
  genlab sweep --config=dbm:mnist_finetune --seeds=3 --config.init_from=RUN
      --config.train.steps=8000 --config.optimizer.classifier.schedule.steps=8000
      --config.data.data_dir=DIR
    RUN is that of `mnist`; 60,000 labels: error 1.48 % over three seeds (standard error 0.02), `mnist_random`
    after as many rounds 1.92 % (0.01); 8 min of CPU time each. After 12,000 rounds with
    `--config.model.classifier.dropout=0.2 --config.model.classifier.input_dropout=0.1` 1.30 % (0.01);
    12 min.
  genlab --config=dbm:classifier
    97.7 % right after fine-tuning, grey pixels (`random`, without pretraining: 96.3 %; one seed each,
    300 test images).
"""

from genlab.shipped.configs import base, dbn
from ml_collections import ConfigDict

from genlab.trials.space import grid, product, seeds

VARIANTS = (
    "tiny",
    "classifier",
    "random",
    "finetune",
    "mnist",
    "mnist_classifier",
    "mnist_random",
    "mnist_finetune",
)


def get_config(variant: str = "") -> ConfigDict:
    """Joint training after doubled pretraining; `classifier` goes on with labels.

    On MNIST it starts from one machine trained by persistent chains and a blank second layer.
    `random` is the classifier without either, `finetune` starts from a run of this config or of its
    variant `mnist`, named by `init_from`.
    """
    place, _, kind = variant.rpartition("_")
    mnist = "mnist" in (place, kind)
    widths, rounds = ((500, 1000), 90_000) if mnist else ((100, 100), 5_000)
    config = base.get_config()
    config.data.update(name="digits", binarize="dynamic")
    config.train = dict(steps=10_000, batch_size=100, steps_per_call=100)
    config.log.every = 500
    config.checkpoint.every = 5_000
    if mnist:
        config.data.update(name="tfds:mnist", data_dir="")
        config.train.steps = config.checkpoint.every = 40_000
    if variant == "tiny":
        widths, rounds = (12, 8), 4
        config.train.steps = 8

    machine = dict(name="dbm", widths=widths)
    joint(config, machine, dbn.BETAS_MNIST if mnist else dbn.BETAS)
    if variant == "tiny":
        config.experiment.update(chains=8, mean_field_sweeps=3, sample_sweeps=10)
        base.tiny(config)
        config.sample.plots = ("fantasies",)
    config.stages = doubled(widths, rounds)
    if mnist:
        # A second layer that has learned nothing leaves the likelihood of the first alone as it is.
        config.stages = dbn.greedy(widths[:1], rounds, chains=100)
        config.optimizer.dbm.learning_rate = 0.02
        config.experiment.weight_decay = 1e-4
        config.eval.every = config.train.steps
    parts = under("dbm/machine", len(config.stages))
    config.start = dict(name="copy", parts=parts)
    if kind in ("classifier", "random", "finetune"):
        parts = ("experiment", "objective", "model", "optimizer", "start")
        stage = {part: config[part].to_dict() for part in parts}
        stage["name"], stage["train"] = "joint", dict(steps=config.train.steps)
        stage["data"] = dict(binarize="dynamic", train_size=0)
        dbn.classifier(config, widths, mnist)
        config.model.classifier = dict(name="mean_field_classifier", widths=widths)
        config.eval.metrics = config.eval.final_metrics = config.sample.plots = ()
        config.stages = (*config.stages, stage) if kind == "classifier" else ()
        source = dict(classifier="joint", finetune="init").get(kind)
        config.start = dict(name="fresh")
        if source:
            parts = onto("classifier/classifier", f"{source}/dbm/machine")
            config.start = dict(name="copy", parts=parts)
    return config


def joint(config: ConfigDict, machine: dict, betas) -> None:
    """Training of all layers together."""
    config.experiment = dict(name="dbm", chains=100)
    config.objective = dict(name="energy_difference")
    config.model = dict(machine=machine)
    schedule = dict(name="linear", begin=0, steps=config.train.steps, end=0.0)
    config.optimizer = dict(
        dbm=dict(name="sgd", learning_rate=0.005, schedule=schedule)
    )
    config.eval.update(every=config.train.steps // 2, best="squared_error")
    config.eval.metrics = ("free_energy_gap", "completion")
    config.eval.final_metrics = (dict(name="log_likelihood", betas=betas),)
    config.sample = dict(
        every=config.train.steps // 2,
        plots=("fantasies", "samples", "receptive_filters", "completions"),
    )


def doubled(widths, rounds: int) -> tuple[dict, ...]:
    """Greedy stages: each layer's input is doubled from the side where the other layers are."""
    stages = dbn.greedy(widths, rounds)
    for index, stage in enumerate(stages):
        machine = stage["model"]["machine"]
        machine["visible_copies"] = 2 if stage is not stages[-1] else 1
        machine["hidden_copies"] = 2 if index else 1
        # The layers below were trained on two copies of what they see.
        if index:
            below = (f"frozen/features/layer_{i}/kernel" for i in range(index))
            stage["start"]["factors"] = dict.fromkeys(below, 2.0)
        stage["optimizer"]["rbm"]["learning_rate"] = 0.025
    return stages


def under(target: str, depth: int) -> dict[str, str]:
    """Where the layers of a deep machine of two hidden layers come from."""
    parts = {f"{target}/visible_bias": "layer_0/rbm/machine/visible_bias"}
    for index in range(depth):
        machine = f"layer_{index}/rbm/machine"
        parts[f"{target}/kernel_{index}"] = f"{machine}/kernel"
        parts[f"{target}/hidden_bias_{index}"] = f"{machine}/hidden_bias"
    return parts


def onto(target: str, machine: str) -> dict[str, str]:
    """Where the classifier's layers come from: a deep machine that a stage or a run trained."""
    return {
        f"{target}/machine": machine,
        f"{target}/layer_0/kernel": f"{machine}/kernel_0",
        f"{target}/layer_0/bias": f"{machine}/hidden_bias_0",
        f"{target}/layer_1/kernel": f"{machine}/kernel_1",
        f"{target}/layer_1/bias": f"{machine}/hidden_bias_1",
        f"{target}/feedback/kernel": f"{machine}/kernel_1",
    }


def sweep_labels():
    """Few labels and many, three seeds each; for the classifier variants."""
    sizes = grid(data__train_size=(100, 300, 1000), data__subset_seed=("run",))
    return product(sizes, seeds(3))
