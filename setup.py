"""What pyproject.toml cannot say: the rasterizer's CPU kernels (rasterizer/setup.py), and where rooms go."""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

rasterizer = runpy.run_path(str(Path(__file__).parent / "rasterizer" / "setup.py"))

# Installed, the commands and the experiments live inside the package: a user's own `configs` or `launch` is
# nobody's business. In a checkout they are what they are called.
rooms = find_packages(include=["configs*", "launch*"])
inside = {f"ganverse_jax.{name}": name.replace(".", "/") for name in rooms}
setup(
    packages=[*find_packages(include=["ganverse_jax*", "rasterizer*"]), *inside],
    package_dir=inside,
    ext_modules=rasterizer["kernels"]("rasterizer"),
    cmdclass=rasterizer["COMMANDS"],
)
