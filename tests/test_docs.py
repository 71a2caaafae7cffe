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


# What lies elsewhere: written by the tools, the data, MMAction2's own tools.
ELSEWHERE = re.compile(
    r'(data|work_dirs|OUT|NTU_ROOT|merged|adapter|answers|vis_data)/|'
    r'(config\.py|report\.md|'
    r'(skipped|report|test|part|day|a05_s04_e03_v02)\.json|'
    r'\w*(confusion_matrix|report_accuracy|'
    r'eval_metric)\.py)$')


def paths_in(text):
    """What a page gives as code that ends as a file or a folder does, once
    for each alternative in braces, and the paths of its code blocks."""
    for block, code in re.findall(r'```(.*?)```|`([^`\s]+)`', text, re.S):
        yield from re.findall(
            r'(?<![\w/.])(?:lvlm_var_mm|tools|configs|tests|docs)/[\w/.-]+\.'
            r'\w+', block)
        head, inner, tail = re.fullmatch(
            r'([^{]*)(?:\{(.*)\})?(.*)', code).groups()
        for path in (head + one + tail for one in (inner or '').split(',')):
            if re.search(r'\w(/|\.(py|sh|md|txt|cfg|yml|jsonl?))$', path):
                yield path


def test_paths_of_a_page():
    assert list(paths_in(
        '`a/b.py` `word` `c/` `x.{py,md}` `say a.py`\n```\npython tools/d.py '
        '-x e.py\n```\n`f/{g,h}.md`')) == [
            'a/b.py', 'c/', 'x.py', 'x.md', 'tools/d.py', 'f/g.md', 'f/h.md']


@pytest.mark.parametrize(
    'page', PAGES, ids=lambda p: str(p.relative_to(REPO)))
def test_files_that_are_named_exist(page):
    """From the top or beside the page; a config, as tools find it, below
    configs/."""
    places = REPO, page.parent, REPO / 'configs'
    lost = [path for path in paths_in(page.read_text())
            if not ELSEWHERE.match(path)
            and not any(list(place.glob(path)) for place in places)]
    assert not lost


def test_readme_is_skimmed():
    assert len((REPO / 'README.md').read_text().split()) < 1600
