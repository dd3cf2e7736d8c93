"""What `genlab list` takes for a kind."""

import pytest

from genlab.config import catalogue


@pytest.mark.parametrize(
    "word, kind",
    [
        *((kind, kind) for kind in ("metrics", "configs", "likelihoods", "")),
        *((kind[:-1], kind) for kind in ("metrics", "models", "starts", "configs")),
        *(("data", "datasets"), ("features", "features"), ("elbo", ""), ("metrcs", "")),
    ],
)
def test_a_kind_goes_by_its_plural_its_singular_and_the_name_in_a_config(word, kind):
    assert catalogue.kind_of(word) == kind
