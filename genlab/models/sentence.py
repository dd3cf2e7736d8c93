"""A class as the vector of a sentence about it, and encoders of sentences."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genlab.errors import InputError, suggest
from genlab.nn.activation import leaky_relu
from genlab.numbers import Count
from genlab.registry import models

Array = jax.Array


@models.register
class Sentence(nn.Module):
    """The vector of a class from the words of its name, which may be a caption.

    A network that is told the class by it, as `conditional` with `embedding=dict(name="sentence")`, is
    told a text: classes that share words share what is learned about these, and one that training did
    not see is understood by its words. The mean of two classes is the mean of their sentences before
    the last layer.

    Paper: Reed et al. 2016, arXiv:1605.05396

    Attributes:
      class_names: a caption, or a name, of each class.
      encoder: of words, [N, T, V] one-hot with zeros after a sentence's end, to vectors [N, D].
      template: the sentence around a name, `a handwritten {}`.
      vocabulary: words that sentences may have; None for those that they do have.
      width: of the vector.
    """

    class_names: Sequence[str]
    encoder: Any = dataclasses.field(
        default=None, metadata={"part": "models"}
    )  # None: `word_average`
    template: str = "{}"
    vocabulary: Sequence[str] | None = None
    width: Count = 32

    @nn.compact
    def __call__(self, label: Array, *, train: bool = False) -> Array:
        """Maps `label: [B]` int, or weights of all classes [B, K], to vectors [B, width], float32.

        Raises:
          InputError: a sentence has a word that the vocabulary lacks.
        """
        words = one_hot_words(self.class_names, self.template, self.vocabulary)
        encoder = self.encoder or WordAverage(name="encoder")
        encode = lambda seen: encoder(jnp.asarray(seen, jnp.float32), train=train)
        known = label.ndim == 2
        text = label @ encode(words) if known else encode(jnp.asarray(words)[label])
        return leaky_relu(nn.Dense(self.width, use_bias=False, name="dense")(text))


@models.register
class WordAverage(nn.Module):
    """The mean of learned vectors of the words, whatever their order, and a hidden layer.

    Attributes:
      width: of the vectors of words, and of the sentence's.
    """

    width: Count = 64

    @nn.compact
    def __call__(self, words: Array, *, train: bool = False) -> Array:
        """Maps one-hot `words: [N, T, V]` to [N, width]."""
        del train
        count = jnp.sum(words, axis=(1, 2))[:, None]
        mean = jnp.sum(words, axis=1) / jnp.maximum(count, 1.0)
        hidden = nn.Dense(self.width, use_bias=False, name="words")(mean)
        return nn.Dense(self.width, name="dense")(leaky_relu(hidden))


@models.register
class WordRecurrence(nn.Module):
    """The last state of a GRU that reads the words in their order.

    Paper: Cho et al. 2014, arXiv:1406.1078

    Attributes:
      width: of the vectors of words and of the state.
    """

    width: Count = 64

    @nn.compact
    def __call__(self, words: Array, *, train: bool = False) -> Array:
        """Maps one-hot `words: [N, T, V]` to [N, width]."""
        del train
        vectors = nn.Dense(self.width, use_bias=False, name="words")(words)
        length = jnp.sum(words, axis=(1, 2)).astype(jnp.int32)
        cell = nn.GRUCell(self.width, name="cell")
        state, _ = nn.RNN(cell, return_carry=True)(vectors, seq_lengths=length)
        return state


def one_hot_words(
    names: Sequence[str], template: str, vocabulary: Sequence[str] | None
) -> np.ndarray:
    """The words of a sentence about each name, one-hot: [K, T, V] bool, zeros after a sentence's end.

    Args:
      names: of the classes.
      template: the sentence around a name, with {} in its place.
      vocabulary: words that there are; None for those of the sentences.

    Raises:
      InputError: a word that the vocabulary lacks, or a template without a place for the name.
    """
    if template.count("{}") != 1:
        raise InputError(f"template={template!r} has no place {{}} for a class's name")
    sentences = [template.format(name).lower().split() for name in names]
    found = sorted({word for sentence in sentences for word in sentence})
    known = {
        word: i for i, word in enumerate(found if vocabulary is None else vocabulary)
    }
    for sentence in sentences:
        for word in sentence:
            if word not in known:
                raise InputError(
                    f"the vocabulary lacks {word!r} of the caption {' '.join(sentence)!r}"
                    f"{suggest(word, known)}"
                )
    length = max(map(len, sentences))
    words = np.zeros((len(sentences), length, len(known)), bool)
    for row, sentence in enumerate(sentences):
        for place, word in enumerate(sentence):
            words[row, place, known[word]] = True
    return words
