"""Claims about names of files: any bytes are shown, stored and found again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganverse_jax.runtime.checkpoint import read_json, write_json, write_text
from ganverse_jax.runtime.names import legible, path_of

FINDS = """
import sys
from pathlib import Path
from ganverse_jax.runtime.names import legible, path_of
(found,) = Path(sys.argv[1]).iterdir()
assert legible(Path(found.name)) == "h\\u00e9.png", ascii(found)
assert path_of(legible(Path(found.name))) == found.name
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [(b"voit\xf9re.png", r"voit\xf9re.png"), ("車.png".encode(), "車.png"), (b"a\xff", r"a\xff")],
)
def test_a_name_of_any_bytes_is_legible_and_is_found_again(tmp_path, name, told):
    path = os.fsdecode(name)
    assert legible(Path(path)) == legible(path) == told
    legible(path).encode()
    Path(tmp_path, path).write_bytes(b"x")
    write_json(tmp_path / "names.json", [path])
    (read,) = read_json(tmp_path / "names.json")
    assert (tmp_path / path_of(read)).read_bytes() == b"x"
    write_text(tmp_path / "names.txt", path)
    assert (tmp_path / "names.txt").read_bytes() == name


def test_a_name_beyond_the_locale_is_found_again(tmp_path):
    (tmp_path / "hé.png").touch()
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", FINDS, str(tmp_path)]
    subprocess.run(command, env=os.environ | ascii_only, cwd=Path(__file__).parents[2], check=True)
