"""What MkDocs is told besides mkdocs.yml: files outside docs/ that pages link to, equations without a script.

On a code host and on the site the same links hold: `../rasterizer/README.md` of a page is the file there.
"""

import posixpath
import re
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<=\]\()[^)\s#:]+(?=[)#])")  # no address, no anchor alone
EQUATION = re.compile(r"^```math\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def in_repository(uri: str) -> str:
    """The repository's path of a page or picture of the site."""
    return f"docs/{uri}" if (ROOT / "docs" / uri).exists() else uri


def linked(uri: str, link: str) -> str:
    """The site's name of the file that a page links to."""
    folder = posixpath.dirname(in_repository(uri))
    return posixpath.normpath(posixpath.join(folder, link)).removeprefix("docs/")


def on_files(files, config):
    """Publish what pages link to outside docs/, and what that links to, and what nav names there."""
    waiting = [page.src_uri for page in files.documentation_pages()]
    waiting += [uri for uri in ("rasterizer/README.md", "CHANGELOG.md") if add(uri, files, config)]
    while waiting:
        page = waiting.pop()
        for link in LINK.findall((ROOT / in_repository(page)).read_text(encoding="utf-8")):
            uri = linked(page, link)
            if add(uri, files, config) and uri.endswith(".md"):
                waiting.append(uri)
    return files


def add(uri: str, files, config) -> bool:
    """Publish a file of the repository, if there is one and the site has it not."""
    if files.get_file_from_path(uri) or not (ROOT / uri).is_file():
        return False
    files.append(File.generated(config, uri, abs_src_path=str(ROOT / uri)))
    return True


def on_page_markdown(markdown, page, config, files):
    """Links as the site has its files, and equations as MathML, which browsers draw by themselves."""
    here = posixpath.dirname(page.file.src_uri)
    text = LINK.sub(lambda link: posixpath.relpath(linked(page.file.src_uri, link[0]), here or "."), markdown)
    return EQUATION.sub(lambda found: convert(found[1].strip(), display="block"), text)
