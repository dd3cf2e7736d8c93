"""Ring GANs that train as one population: `size` has members, batch, per_call; 0 members are one run."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.gpu.side import Side, of_genlab


def genlab(size: dict[str, Any], dtype: str) -> Side:
    """Members that differ in seed and learning rate, or one run as `launch.py` trains it."""
    import jax

    from benchmarks import sweep
    from benchmarks.genlab_side import trainer
    from genlab.sweep.population import Population
    from genlab.trials.trial import resolve

    per_call, members = size["per_call"], size["members"]
    common = sweep.COMMON | {
        "train.steps_per_call": str(per_call),
        "train.batch_size": str(size["batch"]),
        "dtype": dtype,
    }
    if not members:
        return of_genlab(trainer("gan_ring.py", common, per_call=per_call), dtype)
    trials = [
        {"seed": seed, "optimizer.generator.learning_rate": 1e-3 * (1 + seed / members)}
        for seed in range(members)
    ]
    folder = Path(tempfile.mkdtemp())
    (cohort,) = Population(resolve(sweep.CONFIG, common, trials), folder).cohorts
    resident, step = cohort.resident(), 0
    crowd = cohort.place(cohort.first({}))

    def run(rounds: int) -> None:
        nonlocal crowd, step
        for _ in range(rounds // per_call):
            crowd, _ = cohort.call(crowd, resident, step, per_call)
            step += per_call
        jax.block_until_ready(crowd.state)

    return of_genlab(run, dtype)
