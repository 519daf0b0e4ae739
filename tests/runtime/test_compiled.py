"""Claims about kept programs: in the user's own folder, and nowhere else where a person chose."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
from ganverse_jax.runtime.compiled import keep_compiled
import jax
keep_compiled()
jax.jit(lambda x: x * 3 + 1)(2.0).block_until_ready()
print(jax.config.jax_compilation_cache_dir)
"""


def folder_of(**changes):
    """The folder that a program of its own keeps its programs in, by its environment."""
    kept = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=ROOT,
        env=kept | {"JAX_PLATFORMS": "cpu"} | changes,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_programs_are_kept_in_the_users_cache_folder(tmp_path):
    folder = folder_of(XDG_CACHE_HOME=str(tmp_path))
    assert Path(folder).is_relative_to(tmp_path / "ganverse_jax") and any(Path(folder).iterdir())


def test_a_folder_that_a_person_chose_stays_and_one_that_cannot_be_made_is_done_without(tmp_path):
    assert folder_of(JAX_COMPILATION_CACHE_DIR=str(tmp_path / "mine")) == str(tmp_path / "mine")
    (tmp_path / "file").write_text("")
    assert folder_of(XDG_CACHE_HOME=str(tmp_path / "file")) == "None"
