"""Links of README, docs and the rasterizer's guide lead somewhere, as a code host and the site read them."""

import re
import subprocess

import pytest

from tests.docs.pages import PAGES, ROOT, name_of, prose

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)
OUTSIDE = re.compile(r"https?://")


def anchors(page) -> set[str]:
    """Of its headings: lower case, spaces as dashes, marks left out."""
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text) for text in HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-") for text in plain}


def broken(page) -> list[str]:
    """Links of a page that lead nowhere."""
    wrong = []
    for link in LINK.findall(prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if OUTSIDE.match(link):
            continue
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page):
    assert broken(page) == []


def test_a_link_to_no_file_and_to_no_heading_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# What's *there*\n\n[a](#whats-there) [b](#nowhere) [c](absent.md) [d](page.md#nowhere)\n"
    )
    assert broken(page) == ["#nowhere", "absent.md", "page.md#nowhere"]


def test_the_readme_is_about_a_screen_and_every_page_is_in_the_site_s_navigation():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    named = set(re.findall(r"[\w/]+\.md", navigation))
    assert {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")} <= named


def test_pictures_that_pages_show_are_part_of_the_repository():
    shown = {
        (page.parent / link).resolve().relative_to(ROOT).as_posix()
        for page in PAGES
        for link in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", prose(page))
    }
    assert len(shown) > 5
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no git here to ask what is part of the repository")
    assert shown <= set(listed.stdout.splitlines())
