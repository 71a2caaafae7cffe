"""Reasons without repeats, by a model that says what it is told to."""
from types import SimpleNamespace

import torch

from lvlm_var_mm.models.lvlm.writing import TRIES, repeated_at, write_distinct

WORDS = ('<end> the body rises sinks , and then left hand lowers while '
         'knees bend').split()
ID = {word: i for i, word in enumerate(WORDS)}


def ids(text):
    return [ID[word] for word in text.replace(',', ' ,').split()]


class Prompt:
    end = 0

    def decode(self, tokens):
        return ' '.join(WORDS[i] for i in tokens).replace(' ,', ',')


class Model:
    """Goes on with the first of its texts that begins as it should."""

    def __init__(self, *texts):
        self.texts = [[ids(t) for t in own] for own in texts]
        self.asked = []

    def write(self, inputs, opening, end, most, refused=()):
        self.asked.append(inputs.rows)
        return [next(
            text[len(own):] for text in self.texts[clip]
            if text[:len(own)] == own and text[len(own)] not in not_
        )[:most] for clip, own, not_ in zip(
            inputs.rows, opening, refused or [()] * len(opening))]


class Inputs:
    mask = torch.ones(1)

    def __init__(self, rows):
        self.rows = rows

    def clips(self, which):
        return Inputs([self.rows[i] for i in which])


def written(*texts, most=99):
    model = Model(*texts)
    found = write_distinct(model, Prompt(), Inputs(list(range(len(texts)))),
                           [[] for _ in texts], most)
    return [Prompt().decode(f) for f in found], model.asked


TWICE = 'the body rises, and then the body rises'


def test_a_repeat_is_taken_back():
    at = repeated_at(Prompt(), ids(TWICE))
    assert at == ids(TWICE).index(ID['then']) + 2
    other = 'the body rises, and then the left hand lowers'
    again = f'{other}, then the body rises'
    last = f'{other}, then the knees bend'
    told, asked = written([TWICE, again, last], [other])
    assert told == [last, other]
    assert asked == [[0, 1], [0], [0]]  # the other clip is not written anew


def test_what_repeats_nothing_is_left():
    assert written(['the body rises'])[1] == [[0]]
    assert repeated_at(Prompt(), ids('the body rises, the body sinks')) is None
    assert repeated_at(Prompt(), []) is None


def test_the_limit_is_that_of_the_whole():
    last = 'the body rises, and then the left hand lowers, then the knees bend'
    (told, ), _ = written([TWICE, last], most=9)
    assert told == 'the body rises, and then the left hand'


def test_it_ends_for_a_model_that_only_repeats():
    asked = []

    def write(inputs, opening, *_):
        asked.append(inputs.rows)
        return [ids(TWICE)[len(own):] for own in opening]

    found = write_distinct(SimpleNamespace(write=write), Prompt(),
                           Inputs([0]), [[]], 99)
    assert found == [ids(TWICE)] and len(asked) == 1 + TRIES
