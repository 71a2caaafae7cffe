"""What holds of all source files: hints, sizes, imports, first words."""
import ast
import re
from importlib.metadata import requires

import pytest
from helpers import REPO
from packaging.requirements import Requirement

PACKAGE = sorted((REPO / 'lvlm_var_mm').rglob('*.py'))
TOOLS = sorted((REPO / 'tools').rglob('*.py'))

LONGEST = 300
# Longer ones, each with its reason.
LONG = {
    'lvlm_var_mm/kinematics/body.py': 'one body, all that is measured of it',
    'lvlm_var_mm/preparation/custom_config.py': 'half of it is config text',
    'tools/perf/events.py': 'made and real clips, judged side by side',
    'tools/perf/label_scores.py': 'seven ways to score, side by side',
    'tools/perf/train_step.py': 'two ways to train, side by side',
}


def name_of(path):
    return path.relative_to(REPO).as_posix()


def tree_of(path):
    return ast.parse(path.read_text(encoding='utf-8'))


# ------------------------------------------------------------ type hints
def public_functions(node, in_class=False):
    """Functions and methods without a leading underscore, ``__init__`` and
    ``__call__``, as (definition, is a method)."""
    for child in getattr(node, 'body', ()):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if child.name in ('__init__', '__call__') or (
                    not child.name.startswith('_')):
                yield child, in_class
        elif isinstance(child, ast.ClassDef):
            if not child.name.startswith('_'):
                yield from public_functions(child, True)
        elif isinstance(child, (ast.If, ast.Try)):
            yield from public_functions(child, in_class)


def lacking(function, is_method):
    """What of a function has no annotation: names of arguments, 'return'."""
    of = function.args
    arguments = [*of.posonlyargs, *of.args, *of.kwonlyargs]
    is_static = any(getattr(d, 'id', None) == 'staticmethod'
                    for d in function.decorator_list)
    if is_method and not is_static:
        arguments = arguments[1:]  # self
    bare = [a.arg for a in arguments if a.annotation is None]
    if function.returns is None and function.name != '__init__':
        bare.append('return')
    return bare


@pytest.mark.parametrize('source, bare', [
    ('def f(a: int, *, b: int = 2) -> None: ...', []),
    ('def f(a, *args, b=2, **kwargs): ...', ['a', 'b', 'return']),
    ('class A:\n  def __init__(self, a): ...', ['a']),
    ('class A:\n  @staticmethod\n  def f(a) -> int: ...', ['a']),
    ('def _f(a): ...', []), ('class _A:\n  def f(self, a): ...', [])])
def test_what_lacks_a_hint(source, bare):
    assert [name for found in public_functions(ast.parse(source))
            for name in lacking(*found)] == bare


def test_public_functions_have_types():
    bare = [f'{name_of(path)}:{function.lineno} {function.name}: '
            f'{", ".join(lacking(function, is_method))}'
            for path in PACKAGE + TOOLS
            for function, is_method in public_functions(tree_of(path))
            if lacking(function, is_method)]
    assert not bare, '\n'.join(bare)


# ----------------------------------------------------------------- sizes
def test_files_are_short_or_have_a_reason():
    lines = {name_of(p): len(p.read_text(encoding='utf-8').splitlines())
             for p in PACKAGE + TOOLS}
    assert {n for n, count in lines.items() if count > LONGEST} == set(LONG)


# --------------------------------------------------------------- imports
def module_of(path):
    parts = path.relative_to(REPO).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def imported(path, modules):
    """Modules of the package that a file imports on top, as it is loaded."""
    package = module_of(path)
    if path.name != '__init__.py':
        package = package.rpartition('.')[0]
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            if node.level:
                above = package.split('.')[:len(package.split('.')) -
                                           node.level + 1]
                base = '.'.join([*above, base] if base else above)
            for alias in node.names:
                # A name of a module, else a module of a package.
                inner = f'{base}.{alias.name}'
                if inner in modules:
                    yield inner
                elif base in modules:
                    yield base


def circle(graph):
    """Find a circle, as the list of its members; None if there is none."""
    done, way = set(), []

    def walk(node):
        if node in way:
            return way[way.index(node):]
        if node in done:
            return None
        way.append(node)
        for other in graph.get(node, ()):
            found = walk(other)
            if found:
                return found
        done.add(way.pop())
        return None

    return next(filter(None, map(walk, list(graph))), None)


def test_a_circle_is_found():
    assert circle(dict(a=['b'], b=['c'], c=['b'])) == ['b', 'c']
    assert circle(dict(a=['b', 'c'], b=['c'], c=[])) is None


def test_no_import_circle():
    modules = {module_of(p): p for p in PACKAGE}
    graph = {name: sorted(set(imported(path, modules)) - {name})
             for name, path in modules.items()}
    assert sum(map(len, graph.values())) > 100
    found = circle(graph)
    assert found is None, ' -> '.join(found)


# ------------------------------------------------------------ references
REFERENCE = re.compile(r':(func|class|mod|meth|attr|data):`([^`]+)`')


def bound(node):
    """Names that the statements of a module or a class bind."""
    for child in getattr(node, 'body', ()):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
            yield child.name
        elif isinstance(child, (ast.Import, ast.ImportFrom)):
            yield from (a.asname or a.name for a in child.names)
        elif isinstance(child, (ast.Assign, ast.AnnAssign)):
            yield from (n.id for n in ast.walk(child)
                        if isinstance(n, ast.Name)
                        and isinstance(n.ctx, ast.Store))


def bindings():
    """What each module binds, and under '' what the classes of all do."""
    found = {'': set()}
    for path in PACKAGE:
        tree = tree_of(path)
        found[module_of(path)] = set(bound(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[''].update(bound(node))
            elif isinstance(node, ast.Attribute) and isinstance(
                    node.ctx, ast.Store):
                found[''].add(node.attr)  # self.name = ...
    return found


def resolves(role, text, package, found):
    """Whether a reader can follow a reference: a bare name to any module, a
    dotted one from the top, or with a leading dot from the package of its
    file; ``~.`` leads to the end of any path."""
    target = re.sub(r'\s', '', text.split('<')[-1]).rstrip('>')
    path, _, name = target.lstrip('~').rpartition('.')
    if role in ('meth', 'attr'):
        return name in found['']
    if not target.lstrip('~').startswith('.'):
        spots = [path] if path else list(found)
    elif target.startswith('~'):
        spots = [module for module in found if f'.{module}'.endswith(path)]
    else:
        spots = [package + path]
    if role == 'mod':
        return any(f'{spot}.{name}' in found for spot in spots)
    return any(name in found.get(spot, ()) for spot in spots)


@pytest.mark.parametrize('role, text, good', [
    ('func', 'check', True), ('func', 'gone', False),
    ('func', 'a.b.check', True), ('func', 'a.check', False),
    ('func', '.b.check', True), ('func', '~.b.check', True),
    ('func', '~a.b.\n    check', True), ('func', 'see <check>', True),
    ('mod', '.b', True), ('mod', 'a.b', True), ('mod', '.c', False),
    ('class', '~.c.check', False), ('meth', 'A.loss', True),
    ('meth', 'check', False)])
def test_where_a_reference_leads(role, text, good):
    found = {'': {'loss'}, 'a': {'A'}, 'a.b': {'check'}}
    assert resolves(role, text, 'a', found) == good


def test_references_resolve():
    found = bindings()
    lost = []
    for path in PACKAGE + TOOLS:
        package = module_of(path)
        if path.name != '__init__.py':
            package = package.rpartition('.')[0]
        # A comment or a string may break a reference in two lines.
        text = re.sub(r'\n\s*#?\s*', '', path.read_text(encoding='utf-8'))
        lost += [f'{name_of(path)}: {role} {reference}'
                 for role, reference in REFERENCE.findall(text)
                 if not resolves(role, reference, package, found)]
    assert not lost, '\n'.join(lost)


# ----------------------------------------------------------- first words
def test_docstrings_open_with_a_verb():
    """Not with a question word: that is a clause without its sentence."""
    odd = []
    for path in PACKAGE + TOOLS:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                text = ast.get_docstring(node) or ''
                if re.match(r'(What|Of|Whether|How|By|Who)\b', text):
                    odd.append(f'{name_of(path)}: {text.splitlines()[0]}')
    assert len(odd) < 5, '\n'.join(odd)


# ---------------------------------------------------------- dependencies
def test_constraints_fit_the_pins():
    fixed = dict(
        line.split('==') for line in
        (REPO / 'constraints.txt').read_text().splitlines()
        if line and not line.startswith('#'))
    asked = [Requirement(text) for text in requires('lvlm_var_mm')]
    assert len(asked) > 20
    for requirement in asked:
        name = requirement.name
        # Installed apart, see constraints.txt.
        if name in ('deepspeed', 'mediapipe', 'gradio'):
            continue
        assert requirement.specifier.contains(fixed[name]), name


def test_linters_of_the_hooks_are_pinned():
    text = (REPO / '.pre-commit-config.yaml').read_text()
    assert 'repo: local' in text and 'https://' not in text
    for name in ('isort', 'flake8'):
        assert re.search(rf'\[{name}==[\d.]+\]', text)
