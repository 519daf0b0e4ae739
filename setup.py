"""What pyproject.toml cannot say: the rasterizer's CPU kernels (rasterizer/setup.py), and where rooms go."""

import runpy
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

rasterizer = runpy.run_path(str(Path(__file__).parent / "rasterizer" / "setup.py"))


class Modules(build_py):
    """Without rasterizer/setup.py, which is no module."""

    def find_package_modules(self, package, package_dir):
        found = super().find_package_modules(package, package_dir)
        return [module for module in found if module[:2] != ("rasterizer", "setup")]


# Installed, the commands and the experiments live inside the package: a user's own `configs` or `launch` is
# nobody's business. In a checkout they are what they are called.
rooms = find_packages(include=["configs*", "launch*"])
inside = {f"ganverse_jax.{name}": name.replace(".", "/") for name in rooms}
setup(
    packages=[*find_packages(include=["ganverse_jax*", "rasterizer*"]), *inside],
    package_dir=inside,
    ext_modules=rasterizer["kernels"]("rasterizer"),
    cmdclass=rasterizer["COMMANDS"] | {"build_py": Modules},
)
