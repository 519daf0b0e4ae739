"""The documentation as people read it: its pages, and the blocks and links in them."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "rasterizer" / "README.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """The blocks fenced as of a language."""
    found = FENCED.findall(page.read_text(encoding="utf-8"))
    return [textwrap.dedent(code) for _, told, code in found if told == language]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def shell(page: Path) -> list[str]:
    """Blocks that may be of a shell: fenced as bash, or indented."""
    return blocks(page, "bash") + [textwrap.dedent(code) for code in INDENTED.findall(prose(page))]
