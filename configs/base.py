"""Every key that a config has. A recipe starts from here and says what differs."""

from ml_collections import ConfigDict


def get_config(variant: str = "") -> ConfigDict:
    """The keys and what they mean; names and sizes that each recipe must choose are empty."""
    del variant
    config = ConfigDict()

    # A part is dict(name=..., knob=...); `genlab list` shows names and knobs.
    config.experiment = dict(name="")
    config.objective = dict(name="")
    config.model = dict()  # role -> part
    # player -> part; every optimizer also takes schedule, clip (global norm), clip_weights, accumulate, ema
    config.optimizer = dict()

    config.data = dict(
        name="",
        value_range=(0.0, 1.0),  # of prepared images
        binarize="none",  # none | dynamic (drawn anew at each use) | fixed
        augment=(),
        degrade=None,  # dict(name=...) makes pairs: y is the image, x what is left of it
        train_size=0,  # training examples; 0: all
        subset_seed=None,  # None: an even spread | a seed draws them | "run": that of the run does
        without_labels=(),  # classes that training does not see, by index or name
        backend="auto",  # auto | resident (on the device) | memory | grain
    )

    config.train = dict(
        steps=1000,  # rounds of the game
        batch_size=64,  # examples per draw
        steps_per_call=0,  # rounds in one compiled call at most; 0: the most that divide all periods
    )
    config.log = dict(every=100)  # rounds that one line of metrics averages over
    # Who is told beside metrics.jsonl, names or parts: tensorboard | wandb | mlflow | trackio
    config.writers = ("tensorboard",)
    config.eval = dict(
        every=0,  # rounds between evaluations; 0: only at the end
        split="validation",  # during training; results.json is on `final_split`
        final_split="test",
        batch_size=256,
        metrics=(),  # names or parts
        final_metrics=(),  # those that are measured at the end alone
        best="",  # value on `split` that the best checkpoint minimises, "-value" to maximise
    )
    config.sample = dict(every=0, plots=())
    config.checkpoint = dict(every=1000, keep=2)

    # Stages that come before what the config itself trains, in order: dict(name=..., and what
    # differs from the config); a stage is quiet (no metrics, no plots) unless it says otherwise.
    config.stages = ()
    # What the parameters take over from the stages before, or from the run of `init_from`.
    config.start = dict(name="fresh")
    config.init_from = ""  # a run folder

    config.parallel = (
        "jit"  # jit | fsdp (parameters and optimizers' state split) | pmap
    )
    config.devices = 0  # how many; 0: all
    # What backward passes compute again to save memory: none | elementwise (all but products, convolutions) | all
    config.remat = "none"
    config.dtype = "float32"  # compute type of the networks: float32 | bfloat16
    config.seed = 0
    return config


def tiny(config: ConfigDict) -> None:
    """Eight rounds of eight examples with everything due every four: shows that all works, no more."""
    config.train = dict(steps=8, batch_size=8, steps_per_call=2)
    config.log.every = config.eval.every = config.sample.every = 4
    config.checkpoint.every = 4
    config.eval.metrics = config.eval.final_metrics = ()
