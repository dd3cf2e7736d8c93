"""What is measured while a run trains: a line in its log, and the best state kept."""

from genlab.config.stage import MAIN
from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.game.turn import State
from genlab.metrics.measurement import metric_of, values_of
from genlab.run.recipe import Recipe
from genlab.storage.checkpoint import Checkpoints
from genlab.trained.trained import Trained
from genlab.writers.log import Log


def evaluated(
    trained: Trained,
    state: State,
    recipe: Recipe,
    log: Log,
    checkpoints: Checkpoints,
    failures: evaluate.Failures,
) -> dict[str, float]:
    """Measures on the split that is watched during training, or what stands in for it where it is
    empty; keeps the best state.

    Args:
      trained: the view on the state.
      state: after any number of rounds.
      recipe: the stage that it belongs to.
      log: where the values go.
      checkpoints: of the run; the best is kept where the config says by what.
      failures: takes up what cannot be measured.

    Returns:
      The values, by flat name.
    """
    chosen, step = recipe.config["eval"], int(state.step)
    split = evaluate.existing_split(recipe.data, chosen["split"])
    results = evaluate.measure(
        trained, split, chosen["metrics"], chosen["batch_size"], failures
    )
    values = values_of(results)
    log.write(step, split_name(recipe.stage, split), values)
    best = chosen["best"]
    name = best.removeprefix("-")
    if best and (name in values or metric_of(name) not in failures):
        if name not in values:
            raise InputError(
                f"eval.best={best!r} is not measured; measured are {', '.join(values)}"
            )
        score = -values[name] if best.startswith("-") else values[name]
        if step > recipe.begin:
            scored = f"{best} on {split}"
            checkpoints.save_best(state, step, scored, score)
    return values


def split_name(stage: str, split: str) -> str:
    """How the log calls a split: stages before the last say which they are."""
    return split if stage == MAIN else f"{stage}/{split}"
