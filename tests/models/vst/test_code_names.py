"""Names of codes: earned, kept, told."""
import copy
import logging
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import make_samples
from mmengine.runner.checkpoint import load_state_dict

from lvlm_var_mm.checkpoint.description import to_bytes
from lvlm_var_mm.datasets import BodyPartEvents, ClipSpan, ResampleFrames
from lvlm_var_mm.engine import CodeNamesHook
from lvlm_var_mm.engine.code_names import count_events
from lvlm_var_mm.kinematics import NAMES, observe
from lvlm_var_mm.models import SemanticTokens, VSTNeck
from lvlm_var_mm.models.heads.narrative import narrate, write_tokens
from lvlm_var_mm.models.vst.code_names import (UNNAMED, VOCABULARY, name_codes,
                                               steps_active)

E = len(VOCABULARY)
LEFT, RIGHT, ONE, BODY = map(VOCABULARY.index, (
    'left hand rises', 'right hand rises', 'one hand rises', 'body sinks'))


# --------------------------------------------------------------- the steps
def test_steps_of_an_event():
    active = steps_active([(BODY, 1.5, 2.5)], (1., 5.), 4)
    assert active.shape == (4, E)
    assert active.nonzero().tolist() == [[0, BODY], [1, BODY]]
    # Outside the span there is no step.
    assert not steps_active([(BODY, 0., 1.)], (1., 5.), 4).any()
    assert not steps_active(np.zeros((0, 3)), (1., 5.), 4).any()


def test_either_side():
    active = steps_active([(LEFT, 0., .9), (RIGHT, 1.1, 1.9)], (0., 3.), 3)
    assert active[:, ONE].tolist() == [True, True, False]
    assert active[:, LEFT].tolist() == [True, False, False]


# --------------------------------------------------------------- the names
def table(*codes):
    """Of each code its steps and {entry: steps during which it holds}."""
    counts = torch.zeros(len(codes), E)
    for row, (_, events) in zip(counts, codes):
        for entry, count in events.items():
            row[entry] = count
    return counts, torch.tensor([float(total) for total, _ in codes])


def test_name_is_what_sets_a_code_apart():
    # Bodies sink all the time, but hands rise in the first code alone.
    names = name_codes(*table((100, {BODY: 99, RIGHT: 98}),
                              (100, {BODY: 95, RIGHT: 1})))
    assert names[0] == 'right hand rises'
    names = name_codes(*table((100, {BODY: 99}), (100, {BODY: 10})))
    assert names == ['body sinks', UNNAMED]


@pytest.mark.parametrize('steps, true, others, kept', [
    (100, 80, 5, True),  # too little to earn it, enough to keep it
    (100, 70, 5, True),  # 70 %, but as well 78 % could be the truth
    (1000, 700, 5, False),  # not with so many steps
    (20, 17, 5, True), (100, 69, 5, False), (100, 85, 90, False), (0, 0, 5,
                                                                  False),
])
def test_a_name_is_easy_to_keep(steps, true, others, kept):
    evidence = table((steps, {BODY: true}), (100, {BODY: others}))
    assert name_codes(*evidence)[0] == UNNAMED
    former = ['body sinks', UNNAMED]
    assert name_codes(*evidence, former=former)[0] == (
        'body sinks' if kept else UNNAMED)
    # Nor does a name that is as good take its place.
    evidence = table((100, {BODY: 90, RIGHT: 99}), (100, {}))
    assert name_codes(*evidence)[0] == 'right hand rises'
    assert name_codes(*evidence, former=former)[0] == 'body sinks'


def test_name_of_either_side():
    names = name_codes(*table((100, {LEFT: 50, RIGHT: 45, ONE: 95}),
                              (100, {BODY: 5})))
    assert names[0] == 'one hand rises'


@pytest.mark.parametrize('steps, true, named', [
    (100, 100, True), (100, 95, True), (100, 70, False),
    (29, 29, False),  # too few
    (40, 33, False),  # 82 %, but as well 68 % could be the truth
    (400, 330, True),
])
def test_evidence(steps, true, named):
    names = name_codes(*table((steps, {BODY: true}), (1000, {})),
                       support=30, truth=.75)
    assert (names[0] == 'body sinks') == named


def test_what_is_no_more_frequent_than_usual_names_nothing():
    names = name_codes(*table((100, {BODY: 100}), (100, {BODY: 100})))
    assert names == [UNNAMED] * 2
    assert name_codes(*table((0, {}), (0, {}))) == [UNNAMED] * 2


# ------------------------------------------------------------ the pipeline
def clip():
    rng = np.random.default_rng(0)
    still = rng.normal(size=(1, 1, 20, 3))
    return (still + .3 * rng.normal(size=(1, 40, 20, 3)).cumsum(1)).astype(
        'f4')


def test_events_in_a_pipeline():
    observe_events, keypoint = BodyPartEvents('kinect20', fps=20), clip()
    results = observe_events(dict(keypoint=keypoint, frame_dir='a'))
    expected = observe(keypoint, 'kinect20', 20).events
    assert results['events'].shape == (len(expected), 5) and len(expected) > 3
    for row, event in zip(results['events'], expected):
        assert NAMES[int(row[0])] == event.name
        np.testing.assert_allclose(row[1:], [*event[3:], 0], rtol=1e-5)
    assert results['decidable'].shape == (len(NAMES), )
    assert results['decidable'].any()
    assert results['fps'] == 20
    # Remembered by name, and only so.
    other = dict(keypoint=0 * keypoint, frame_dir='a')
    assert observe_events(other)['events'] is results['events']
    other = dict(keypoint=0 * keypoint, frame_dir='b')
    assert not len(observe_events(other)['events'])


def test_span_of_a_part():
    results = dict(keypoint=clip(), fps=10)
    results = ResampleFrames(clip_len=8, part=(.2, .5), test_mode=True)(
        results)
    # Half of 39 intervals, from the middle.
    np.testing.assert_allclose(results['span'], (.975, 2.925))
    assert 'span' not in ResampleFrames(clip_len=8)(dict(keypoint=clip()))


# -------------------------------------------------------------- kept in it
def neck():
    torch.manual_seed(0)
    model = VSTNeck(in_channels=4, num_tokens=3, codebook_size=4)
    model(torch.randn(2, 1, 4, 6, 5))
    return model.eval()


def test_tokens_carry_the_number_of_their_name():
    model, x = neck(), torch.randn(2, 1, 4, 6, 5)
    tokens, _ = model(x)
    assert (tokens.names == -1).all()
    names = [UNNAMED] * 4
    code = int(tokens.ids[0, 0])
    names[code] = 'body sinks'
    model.code_names = names
    tokens, _ = model(x)
    assert torch.equal(tokens.names == BODY, tokens.ids == code)
    assert ((tokens.names == -1) | (tokens.names == BODY)).all()


def test_names_are_in_the_checkpoint():
    model, other = torch.nn.Sequential(neck()), torch.nn.Sequential(neck())
    model[0].code_names = ['body sinks', UNNAMED, 'one hand rises', 'gone']
    state = copy.deepcopy(model.state_dict())
    assert all(isinstance(v, torch.Tensor) for v in state.values())
    other.load_state_dict(state, strict=True)
    assert other[0].code_names == model[0].code_names
    # What the vocabulary does not know is no name of a token.
    assert other[0]._name_of.tolist() == [BODY, -1, ONE, -1]
    # A checkpoint from before there were names: they are not those of others.
    del state['0._extra_state']
    other.load_state_dict(state, strict=True)
    assert other[0].code_names == [UNNAMED] * 4


TOKENS = dict(num_tokens=2), dict(parts=[[0], [1, 2]]), dict(
    quantizer=dict(switch_cost=.1))


@pytest.mark.parametrize('over, key', [
    (dict(codebook_size=8), 'codebook_size'),
    (dict(quantizer=dict(codebook_dim=8)), 'codebook_dim'),
    (dict(quantizer=dict(use_cosine_sim=False)), 'use_cosine_sim'),
    (dict(quantizer=dict(type='FSQ', levels=[4])), 'levels'),
    (dict(quantizer=dict(type='ResidualVQ', num_quantizers=2)), 'type'),
    *((over, next(iter(over)).replace('quantizer', 'switch_cost'))
      for over in TOKENS)])
def test_checkpoint_with_other_tokens_is_refused(over, key):
    """Loosely loaded, as by `load_from`, most would go unnoticed."""
    settings = dict(in_channels=4, num_tokens=3, codebook_size=4)
    other = VSTNeck(**{**settings, **over})
    with pytest.raises(ValueError, match=f'{key}.* not .*Set `model.neck`'):
        load_state_dict(other, neck().state_dict(), strict=False)
    other = VSTNeck(**{**settings, **over}, same_tokens=False)
    if over in TOKENS:
        load_state_dict(other, neck().state_dict(), strict=True)
    else:
        with pytest.raises(ValueError, match=key):
            load_state_dict(other, neck().state_dict(), strict=False)


def test_how_a_codebook_is_trained_may_change():
    other = VSTNeck(in_channels=4, num_tokens=3, codebook_size=4,
                    quantizer=dict(decay=.5, dead_share=.1))
    other.load_state_dict(neck().state_dict())


def test_checkpoint_from_when_names_were_all_it_said():
    names = ['body sinks', UNNAMED, UNNAMED, UNNAMED]
    other = neck()
    other.load_state_dict(
        {**neck().state_dict(), '_extra_state': to_bytes(names)})
    assert other.code_names == names


def test_another_number_of_codes():
    with pytest.raises(ValueError, match='2 names .* 4 codes'):
        neck().code_names = ['body sinks', UNNAMED]


# ------------------------------------------------------------------ earned
class Tokens(torch.nn.Module):
    """As much of a recognizer as the hook needs; its inputs are codes."""
    parts = 1

    def __init__(self):
        super().__init__()
        self.neck = neck()
        self.cls_head = torch.nn.Dropout()
        self.data_preprocessor = lambda data, training: data

    def extract_feat(self, inputs, test_mode):
        assert test_mode and not self.cls_head.training
        random.random(), np.random.random(), torch.rand(1)
        ids = inputs.flatten(0, 1)  # views side by side
        parts = torch.zeros_like(ids)
        if self.parts == 2:  # both do the same
            ids, parts = (torch.cat(pair, 1) for pair in (
                (ids, ids), (parts, parts + 1)))
        return SemanticTokens(ids[..., None].float(), ids, ids >= 0,
                              parts=parts), {}


def batch(ids, events=((BODY, 0., 1.), ), span=(0., 3.)):
    """Clips of two views, in whose first second the body sinks."""
    ids = torch.tensor(ids)[:, None]
    samples = make_samples([0] * len(ids))
    for sample in samples:
        if events is not None:
            sample.set_metainfo(dict(events=np.array(events), span=span))
    return dict(inputs=torch.cat([ids, 0 * ids + 3], 1),
                data_samples=samples)


def runner(model, loader, epoch, val_begin=2, max_epochs=3):
    return SimpleNamespace(
        model=model, epoch=epoch, train_dataloader=loader, hooks=[],
        train_loop=SimpleNamespace(val_begin=val_begin,
                                   max_epochs=max_epochs),
        logger=logging.getLogger(__name__))


def test_events_are_counted_by_code():
    counts, totals = count_events(
        Tokens().eval(), [batch([[2, 1, 1]] * 3), batch([[2, 2, 1]])], 99)
    assert totals.tolist() == [0, 7, 5, 0]
    assert counts[:, BODY].tolist() == [0, 0, 4, 0]
    assert counts.sum() == 4
    # The second batch begins beyond the limit.
    assert count_events(Tokens().eval(), [batch([[2, 1, 1]] * 3)] * 2, 3)[
        1].sum() == 9


def test_clips_without_events_are_passed_over():
    found = count_events(Tokens().eval(), [
        batch([[3, 3, 3]], events=None), batch([[2, 1, 1]])], 99)
    assert found[1].tolist() == [0, 2, 1, 0]


def test_events_are_counted_by_part():
    model = Tokens().eval()
    model.parts = 2
    counts, totals = count_events(model, [batch([[2, 1, 1]])], 99)
    assert totals.tolist() == [0, 4, 2, 0]
    assert counts[:, BODY].tolist() == [0, 0, 2, 0]


def test_hook_names_before_the_validation():
    model, loader = Tokens().train(), [batch([[2, 1, 1]] * 20)]
    hook = CodeNamesHook(support=10)
    hook.after_train_epoch(runner(model, loader, epoch=0))
    assert model.neck.code_names == [UNNAMED] * 4
    hook.after_train_epoch(runner(model, loader, epoch=1))
    assert model.neck.code_names == [UNNAMED, UNNAMED, 'body sinks', UNNAMED]
    # And at the end, validated or not.
    model.neck.code_names = [UNNAMED] * 4
    hook.after_train_epoch(runner(model, loader, epoch=2, val_begin=9))
    assert model.neck.code_names[2] == 'body sinks'


def test_hook_waits_with_the_language_model():
    model, loader = Tokens().train(), [batch([[2, 1, 1]] * 20)]
    model.cls_head.active = False
    hook = CodeNamesHook(support=10)
    hook.after_train_epoch(runner(model, loader, epoch=1, val_begin=1))
    assert model.neck.code_names == [UNNAMED] * 4
    # Unless it is told when to begin; and at the end in any case.
    for hook, epoch in ((CodeNamesHook(support=10, begin=2), 1), (hook, 2)):
        model.neck.code_names = [UNNAMED] * 4
        hook.after_train_epoch(runner(model, loader, epoch, val_begin=1))
        assert model.neck.code_names[2] == 'body sinks'


def test_training_does_not_notice():
    model, loader = Tokens().train(), [batch([[2, 1, 1]] * 20)]
    before = random.getstate(), np.random.get_state()[1], torch.get_rng_state()
    CodeNamesHook().after_train_epoch(runner(model, loader, epoch=1))
    assert model.training and model.cls_head.training
    assert random.getstate() == before[0]
    assert (np.random.get_state()[1] == before[1]).all()
    assert torch.equal(torch.get_rng_state(), before[2])


def test_clips_without_joints_leave_codes_unnamed():
    model = Tokens()
    loader = [batch([[2, 1, 1]] * 40, events=None)]
    CodeNamesHook().after_train_epoch(runner(model, loader, epoch=2))
    assert model.neck.code_names == [UNNAMED] * 4


# -------------------------------------------------------------------- told
def test_narrative():
    assert narrate([17, 17, 17, 203, 5, 5]) == 'a17 x3, a203, a5 x2'
    names = ['hand rises', 'hand rises', UNNAMED, UNNAMED]
    # Two codes of one name are one motion.
    assert narrate([1, 2, 3, 4], names, (.5, 2.5)) == (
        '0.5-1.5 s hand rises; 1.5-2.5 s unnamed')
    assert narrate([1, 2, 3, 4], names[1:] + names[:1]) == (
        'step 1 hand rises; step 2-3 unnamed; step 4 hand rises')


def test_narrative_of_body_parts():
    assert narrate([1, 1, 2, 3], parts=2) == 'a1 x2 | a2, a3'
    names = [UNNAMED, 'hand rises', 'knee bends', UNNAMED]
    assert narrate([1, 2, 3, 4], names, (0., 2.), parts=2) == (
        '0.0-1.0 s knee bends; 1.0-2.0 s hand rises')


def test_tokens_of_the_first_view_are_written():
    ids = torch.tensor([[2, 2, 1], [3, 3, 3]])
    names = torch.tensor([[BODY, BODY, -1], [-1, -1, -1]])
    feats = SemanticTokens(ids[..., None].float(), ids, ids >= 0, names,
                           0 * ids, torch.zeros(2, 2, 5))
    sample, = write_tokens(feats, make_samples([0], span=(0., 3.)))
    assert sample.pred_tokens.tolist() == [2, 2, 1]
    assert sample.pred_names.tolist() == [BODY, BODY, -1]
    assert sample.pred_light_scores.shape == (2, 5)
    assert sample.pred_narrative == '0.0-2.0 s body sinks; 2.0-3.0 s unnamed'
    # Where nothing has a name there are still the codes.
    samples = write_tokens(feats, make_samples([0, 0]))
    assert [s.pred_narrative for s in samples] == [
        'step 1-2 body sinks; step 3 unnamed', 'a3 x3']


def test_events_of_a_pair_are_on_the_clock_of_the_video():
    keypoint = clip()
    alone = BodyPartEvents('kinect20', fps=20)(dict(keypoint=keypoint))
    pair = dict(keypoint_3d=keypoint, video_frames=np.arange(12, 52),
                keypoint=np.zeros((1, 52, 20, 2)))  # in pixels
    paired = BodyPartEvents('kinect20', fps=20)(pair)
    later = alone['events'] + [0, 12 / 20, 12 / 20, 0, 0]
    np.testing.assert_allclose(paired['events'], later, atol=1e-5)
    assert paired['decidable'].tolist() == alone['decidable'].tolist()


@pytest.mark.parametrize('frames, span', [
    ([[6, 9, 12], [30, 33, 36]], (.6, 1.5)),  # the first clip
    ([[6, 9, 0], [3, 6, 9]], None)])  # begun again
def test_span_of_a_video(frames, span):
    results = dict(frame_inds=np.concatenate(frames), clip_len=3, fps=10,
                   frame_interval=3)
    found = ClipSpan()(results).get('span')
    assert found is None if span is None else found == pytest.approx(span)
    del results['fps']
    found = ClipSpan()(dict(results, avg_fps=20., frame_interval=None))
    if span:  # UniformSample has no interval
        assert found['span'] == pytest.approx([s / 2 for s in span])
