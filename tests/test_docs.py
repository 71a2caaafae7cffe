"""Links of the documentation, and the files that it names."""
import re

import pytest
from helpers import REPO

PAGES = [*sorted(REPO.glob('*.md')), *sorted(
    f for folder in ('docs', 'configs', 'tools')
    for f in (REPO / folder).rglob('*.md'))]


@pytest.mark.parametrize(
    'page', PAGES, ids=lambda p: str(p.relative_to(REPO)))
def test_relative_links_resolve(page):
    links = re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', page.read_text())
    lost = [link for link in links if '://' not in link
            and not (page.parent / link).exists()]
    assert not lost


@pytest.mark.parametrize(
    'page', PAGES, ids=lambda p: str(p.relative_to(REPO)))
def test_files_that_are_named_exist(page):
    named = re.findall(
        r'(?<![\w/.])((?:lvlm_var_mm|tools|configs)/[\w/.-]+\.(?:py|sh|txt))',
        page.read_text())
    assert not [name for name in named if not (REPO / name).exists()]


def test_readme_is_skimmed():
    assert len((REPO / 'README.md').read_text().split()) < 1600
