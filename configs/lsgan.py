"""Least-squares GAN: the networks of `dcgan` told apart by squared errors.

Paper: Mao et al. 2017, arXiv:1611.04076

  genlab --config=lsgan
    scikit-learn's digits, 32 px: every class holds 7.5 % or more of 1,000 samples by an SVM of 98.7 % accuracy on
    300 test digits; `frechet_digits_classifier` 10.0 (8.0 to 11.9; `_floor` 3.3), precision .43 and recall .88, of
    the test digits .94 and .94; 168 s of CPU time (one seed).
"""

from genlab.shipped.configs import dcgan
from ml_collections import ConfigDict

VARIANTS = ("tiny",)


def get_config(variant: str = "") -> ConfigDict:
    """`dcgan` with another objective."""
    config = dcgan.get_config(variant)
    config.objective = dict(name="least_squares")
    return config
