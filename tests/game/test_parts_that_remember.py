"""What parts remember, and what both players see and do beside the objective."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recipes

from genlab.errors import InputError
from genlab.game import parallel
from genlab.numbers import NonNegative
from genlab.run.recipe import Recipe


def wary(real_logits, memory, *, rate: float = 0.5):
    """Pays for the distance of the mean logit from its running mean."""
    now = parallel.mean_over_devices(jnp.mean(real_logits))
    mean = memory["mean"] + rate * (now - memory["mean"])
    return jnp.square(now - memory["mean"]), {
        "mean": mean,
        "moves": memory["moves"] + 1,
    }


wary.memory = {"mean": 0.0, "moves": jnp.zeros(())}


def steady(parameters, memory):
    """Half the squared distance of the parameters from the first ones."""
    gaps = jax.tree.map(lambda now, first: now - first, parameters, memory)
    return 0.5 * sum(jnp.sum(gap**2) for gap in jax.tree.leaves(gaps)), memory


steady.memory = lambda parameters: parameters


def forgetful(real_logits, memory):
    return real_logits**2


forgetful.memory = {"mean": 0.0}


def growing(real_logits, memory):
    return real_logits**2, real_logits


growing.memory = {"mean": 0.0}


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Adds what it has learned, one more at each of the discriminator's moves."""

    memory: ClassVar = {"size": 0.0}

    by: NonNegative = 1.0

    def __call__(self, x, memory):
        return x + memory["size"]

    def renew(self, memory, real_logits):
        assert real_logits.ndim == 1
        return {"size": memory["size"] + self.by}


def shrinking(x, key):
    return x[:, :1]


HERE = "test_parts_that_remember"


def ring(n_critic=1, **experiment):
    """The tiny ring with other knobs of the family."""
    config = recipes.plain("gan_ring")
    config["experiment"] |= {"n_critic": n_critic, **experiment}
    return Recipe.build(config)


@pytest.mark.full
def test_memories_are_part_of_the_state_and_alike_on_all_devices():
    built = ring(
        penalty=[f"{HERE}:wary", f"{HERE}:steady"],
        generator_penalty=f"{HERE}:steady",
        augment={"name": f"{HERE}:Shift", "by": 0.5},
        n_critic=2,
        pool=3,
    )
    start = built.init_state()
    kept = start.extra["memory"]
    assert set(kept) == {"penalty", "generator_penalty", "augment"}
    of_generator = kept["generator_penalty"][f"{HERE}:steady"]
    recipes.assert_identical(of_generator, start.params["generator"])

    whole, metrics = recipes.run_rounds(built, 4, 4)
    kept = whole.extra["memory"]
    assert float(kept["penalty"][f"{HERE}:wary"]["moves"]) == 8  # not the generator's
    assert float(kept["augment"][f"{HERE}:Shift"]["size"]) == 4.0
    assert int(whole.extra["pool"]["fake"]["count"]) == 3
    size = metrics[f"discriminator/memory_augment_{HERE}:Shift_size"]
    np.testing.assert_allclose(size, [0.75, 1.75, 2.75, 3.75])  # means of two moves
    assert metrics["generator/generator_penalty"][0] == 0
    assert metrics["generator/generator_penalty"][3] > 0
    named = f"discriminator/penalty_{HERE}:wary"
    assert np.all(metrics[named][1:] > 0)

    for how, devices, per_call in (("jit", 1, 2), ("pmap", 4, 4)):
        again, _ = recipes.run_rounds(built, 4, per_call, devices, how)
        recipes.assert_close(whole, again, 1e-5)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("forgetful", "keeps a memory and returned a .*; it must be what it makes and"),
        ("growing", "returned another memory than it was given"),
        ("absent", "needs 'memories'"),
    ],
)
def test_mistakes_with_a_memory_are_named(part, told):
    with pytest.raises(InputError, match=told):
        traced(ring(penalty=f"{HERE}:{part}"))


def absent(real_logits, memories):
    return real_logits


def test_a_memory_is_offered_where_the_family_keeps_one():
    config = recipes.plain("vae")
    config["objective"] = {"name": f"{HERE}:remembering"}
    with pytest.raises(InputError, match="needs 'memory', which 'vae' does not offer"):
        Recipe.build(config)


def remembering(reconstruction, kl, memory):
    return reconstruction + kl, memory


def traced(built):
    """The state and the names of the metrics after a round, traced on shapes."""
    draws = built.experiment.draws()
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * draws), built.example_batch())
    step = built.experiment.train_step
    return jax.eval_shape(step, built.shapes(), batch, jax.random.key(0))


def test_what_is_shown_keeps_its_shape():
    with pytest.raises(InputError, match=r"in augment returned shape .*2?, 1\]"):
        traced(ring(augment=f"{HERE}:shrinking"))


def test_further_moves_in_some_rounds_are_counted_where_they_are_made():
    built = ring(n_critic=1, catching_up=(2, 3))
    assert built.experiment.draws() == 3
    first, metrics = recipes.run_rounds(built, 3, 3)
    state, _ = recipes.run_rounds(built, 4, 2)  # rounds 0 and 3 have three moves
    counts = [
        int(jax.tree.leaves(found.opt_state["discriminator"])[0])
        for found in (first, state)
    ]
    assert counts == [5, 8]
    turns = built.experiment.turns()
    assert [[t.moves_in(n) for n in range(5)] for t in turns[:2]] == [
        [0, 2, 2, 2, 4],
        [0, 1, 2, 3, 4],
    ]
    # Means are over the moves that were made: without further ones the second round is the same.
    plain = ring(n_critic=1, catching_up=(2, 1000))
    others = recipes.as_one_call(recipes.run_rounds(plain, 3, 1)[1])
    for name, values in metrics.items():
        np.testing.assert_allclose(values[:3], others[name][:3], rtol=1e-6)
    norms = metrics["discriminator/parameter_norm"]
    np.testing.assert_allclose(norms, norms[0], rtol=0.1)


def test_steps_of_the_generator_beside_those_of_the_discriminator():
    built = ring(n_critic=2, generator_steps=3)
    turns = [(t.player, t.repeats, t.fresh) for t in built.experiment.turns()]
    assert turns == [
        ("discriminator", 2, True),
        ("generator", 1, False),
        ("generator", 2, True),
    ]
    assert built.experiment.draws() == 4
    state, _ = recipes.run_rounds(built, 2, 2)
    moves = {
        player: int(jax.tree.leaves(state.opt_state[player])[0])
        for player in ("generator", "discriminator")
    }
    assert moves == {"generator": 6, "discriminator": 4}
