"""Builds the CPU kernels: for this package alone (`pip install ./rasterizer`), and for ../setup.py.

The kernels are plain shared libraries loaded with ctypes: no Python headers, one binary for every
Python. They are optional: without a working C++ compiler the install succeeds and the rasterizer
falls back to its "xla" kernel, saying so once.
"""

import os
import platform
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools < 70.1
    from wheel.bdist_wheel import bdist_wheel

HEADERS = ("common", "vectors", "visibility", "silhouette", "attributes", "texture")
FLAGS = [
    "-std=c++17",
    "-O3",
    "-g0",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-psabi",
    "-pthread",
]


class BuildKernels(build_ext):
    """build_ext for libraries without Python in their names, that never fails an install."""

    def run(self):
        try:
            import jax.ffi

            self.kernel_includes = [jax.ffi.include_dir()]
        except ImportError:
            try:
                import jaxlib

                self.kernel_includes = [os.path.join(os.path.dirname(jaxlib.__file__), "include")]
            except ImportError:
                print(
                    "rasterizer: jaxlib's headers are missing; building without CPU kernels", file=sys.stderr
                )
                return
        try:
            super().run()
        except Exception as error:  # whatever is wrong with the compiler, the fallback serves
            print(f"rasterizer: building without CPU kernels: {error}", file=sys.stderr)

    def build_extension(self, ext):
        # As system headers, so that their warnings stay theirs.
        ext.extra_compile_args += [f"-isystem{path}" for path in self.kernel_includes]
        super().build_extension(ext)

    def get_ext_filename(self, fullname):
        return fullname.replace(".", "/") + ".so"

    def get_export_symbols(self, ext):
        return []  # no PyInit


class Modules(build_py):
    """The package's modules, of which this file is none."""

    def find_package_modules(self, package, package_dir):
        found = super().find_package_modules(package, package_dir)
        return [module for module in found if module[:2] != ("rasterizer", "setup")]


class AnyPythonWheel(bdist_wheel):
    """Tags wheels for this platform but any Python 3."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


def kernels(folder):
    """The libraries to build of the package in `folder`; with RASTERIZER_PURE=1 none."""
    if os.environ.get("RASTERIZER_PURE") == "1":
        return []
    versions = {"_kernels": []}
    if platform.machine() in ("x86_64", "AMD64"):
        versions["_kernels_x86_64_v3"] = ["-march=x86-64-v3"]
    return [
        Extension(
            f"rasterizer.kernels.{name}",
            [f"{folder}/kernels/cpu.cc"],
            depends=[f"{folder}/kernels/cpu_{part}.h" for part in HEADERS],
            extra_compile_args=[*FLAGS, *flags],
            language="c++",
            optional=True,
        )
        for name, flags in versions.items()
    ]


COMMANDS = {"build_py": Modules, "build_ext": BuildKernels, "bdist_wheel": AnyPythonWheel}

if __name__ == "__main__":
    setup(ext_modules=kernels("."), cmdclass=COMMANDS)
