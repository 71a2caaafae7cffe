"""Text that is none, and lines that are not where they seem to be."""
import csv

import pytest

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.datasets import VideoListDataset
from lvlm_var_mm.datasets.exclude import read_exclude
from lvlm_var_mm.preparation.custom_table import read_table


def explained(path):
    path.with_name('list.txt').write_text('a.avi 0\n')
    VideoListDataset(str(path.with_name('list.txt')), [],
                     explanations=str(path))


READERS = dict(
    classes=load_classes, exclude=lambda path: read_exclude(str(path)),
    videos=lambda path: VideoListDataset(str(path), []),
    explanations=explained)


@pytest.mark.parametrize('name', READERS)
def test_text_that_is_none_is_named(name, tmp_path):
    path = tmp_path / 'the file'
    path.write_bytes('täglich'.encode('latin1'))
    with pytest.raises(ValueError, match='the file is no text in UTF-8'):
        READERS[name](path)


@pytest.mark.parametrize('text', ['[]', '{', '"a"', '3'])
def test_explanations_of_another_form(text, tmp_path):
    path = tmp_path / 'the file'
    path.write_text(text)
    with pytest.raises(ValueError, match='the file is no JSON object'):
        explained(path)


@pytest.mark.parametrize('separator', ['\x0b', '\x0c', '\x1c', '\x85',
                                       '\u2028'])
def test_only_line_ends_count_classes(separator, tmp_path):
    path = tmp_path / 'classes.txt'
    path.write_bytes(f'a{separator}b\r\nc\rd\n'.encode())
    assert load_classes(path).names == (f'a{separator}b', 'c', 'd')


def write(path, rows, columns=('file', 'label', 'split')):
    with path.open('w', newline='', encoding='utf-8') as f:
        csv.writer(f).writerows([columns, *rows])
    return path


def test_columns_of_one_name(tmp_path):
    table = write(tmp_path / 'table.csv', [('a', 'x', 'train', 'y')],
                  ('file', 'label', 'split', 'label'))
    with pytest.raises(ValueError, match="table.csv.*two columns.*'label'"):
        read_table(table, tmp_path)


@pytest.mark.parametrize('end', ['\r', '\x0c', '\u2028', '\n'])
def test_a_name_is_one_line(end, tmp_path):
    table = write(tmp_path / 'table.csv', [
        ('a', f'x{end}y', 'train'), ('b', 'z', 'val')])
    with pytest.raises(ValueError, match='table.csv.*line break'):
        read_table(table, tmp_path)


def test_a_file_with_an_impossible_name(tmp_path):
    table = write(tmp_path / 'table.csv', [
        ('7' * 400, 'x', 'train'), ('a\x00b', 'z', 'val')])
    with pytest.raises((FileNotFoundError, ValueError), match='table.csv'):
        read_table(table, tmp_path)
