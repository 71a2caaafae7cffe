"""Class lists: shipped files, formats and errors."""
import pytest

from lvlm_var_mm.class_lists import KNOWN, load_classes
from lvlm_var_mm.preparation.custom_table import read_table


@pytest.mark.parametrize('key, number', [
    ('ntu60', 60), ('ntu120', 120), ('nucla', 10)])
def test_shipped_lists(key, number):
    names, descriptions = load_classes(key, number)
    assert len(names) == len(set(names)) == len(descriptions) == number
    for name, description in zip(names, descriptions):
        assert name == name.lower() and '/' not in name and ',' not in name
        assert 6 <= len(description.split()) <= 20, name
    assert len(set(descriptions)) == number


def test_label_order():
    names = load_classes('ntu120').names
    assert load_classes('ntu60').names == names[:60]
    # A1, A43, A60, A61, A120 and N-UCLA's fixed points
    assert [names[i - 1] for i in (1, 43, 60, 61, 120)] == [
        'drink water', 'falling down', 'walking apart from each other',
        'put on headphones', 'play rock paper scissors']
    nucla = load_classes('nucla').names
    assert nucla[0] == 'pick up with one hand' and nucla[9] == 'carry'


def test_list_of_names_and_pairs():
    classes = load_classes(['run', ('sit', ' hips go down ')], 2)
    assert classes.names == ('run', 'sit')
    assert classes.descriptions == ('', 'hips go down')
    assert load_classes(classes) == classes


def test_file(tmp_path):
    path = tmp_path / 'map.txt'
    path.write_text('\ufeff# note\nabseiling\n\n sit down | a | b \n',
                    'utf-8')
    for source in (path, str(path)):
        classes = load_classes(source)
        assert classes.names == ('abseiling', 'sit down')
        assert classes.descriptions == ('', 'a | b')


def test_folder_named_like_a_list(tmp_path, monkeypatch):
    (tmp_path / 'nucla').mkdir()
    monkeypatch.chdir(tmp_path)
    assert len(load_classes('nucla').names) == 10


def test_wrong_number():
    with pytest.raises(ValueError, match=(
            "num_classes=10 but `class_names` 'ntu60' lists 60")):
        load_classes('ntu60', 10)
    with pytest.raises(ValueError, match='num_classes=3 .* list lists 2'):
        load_classes(['a', 'b'], 3)


@pytest.mark.parametrize('text, message', [
    ('run\n\nrun\n', "line 3: 'run' already stands at line 1"),
    ('run\n | legs\n', 'line 2: the class name is empty'),
    ('# nothing\n', 'lists no class')])
def test_bad_file(tmp_path, text, message):
    path = tmp_path / 'bad.txt'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_classes(path)
    assert 'bad.txt' in str(caught.value)


@pytest.mark.parametrize('items, message', [
    (['a', 'a'], "item 1: 'a' already stands at item 0"),
    (['a', ' '], 'item 1: the class name is empty'),
    ([('a', 'b', 'c')], 'got'), ([1], 'got'), ([], 'lists no class')])
def test_bad_list(items, message):
    with pytest.raises(ValueError, match=message):
        load_classes(items)


def test_unknown_key_and_missing_file(tmp_path):
    with pytest.raises(ValueError, match='ntu_60') as caught:
        load_classes('ntu_60')
    assert all(key in str(caught.value) for key in KNOWN)
    for source in ('nowhere.txt', tmp_path / 'nowhere', 'no/where'):
        with pytest.raises(FileNotFoundError, match='where'):
            load_classes(source)


def test_names_written_in_two_ways(recwarn):
    names = ['sit down', 'Sit down', 'run', 'sit  down', 'Run', 'sit up']
    assert load_classes(names).names == tuple(names)
    said = str(recwarn.pop(UserWarning).message)
    for pair in ("'sit down' and 'Sit down'", "'sit down' and 'sit  down'",
                 "'run' and 'Run'"):
        assert pair in said
    assert 'sit up' not in said
    load_classes('ntu120')
    assert not [w for w in recwarn if 'differ in case' in str(w.message)]


def test_labels_of_a_table_written_in_two_ways(tmp_path):
    lines = ['file,label,split']
    for i, label in enumerate(('sit', 'Sit', 'run', 'run')):
        (tmp_path / f'{i}.mp4').touch()
        lines.append(f'{i}.mp4,{label},{"val" if i == 3 else "train"}')
    (tmp_path / 'clips.csv').write_text('\n'.join(lines))
    with pytest.warns(UserWarning, match="'Sit' and 'sit' differ in case"):
        read_table(tmp_path / 'clips.csv', tmp_path)
