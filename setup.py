"""What pyproject.toml cannot say: where recipes and families lie in the installed package."""

from setuptools import find_packages, setup

# In a checkout they are at its top; see `genlab/shipped`.
SHIPPED = ("configs", "experiments")

setup(
    packages=[
        *find_packages(include=["genlab", "genlab.*"]),
        *(
            f"genlab.shipped.{name}"
            for name in find_packages(include=[*SHIPPED, "configs.*"])
        ),
    ],
    package_dir={f"genlab.shipped.{name}": name for name in SHIPPED},
)
