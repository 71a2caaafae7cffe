"""Video and skeleton in one stock Recognizer3D, either of them missing."""
import copy
import logging
from types import SimpleNamespace

import pytest
import torch
from helpers import CHANNELS, CLASSES
from mmengine.optim import OptimWrapper
from recognizers import (K, L, build, build_for_test, paired_batch,
                         paired_recognizer)

from lvlm_var_mm.apis.answers import spans
from lvlm_var_mm.engine import SemanticAlignmentHook
from lvlm_var_mm.engine.cache_tokens import cache_tokens
from lvlm_var_mm.engine.code_names import count_events
from lvlm_var_mm.evaluation import TokenMetric
from lvlm_var_mm.models import SemanticTokens
from lvlm_var_mm.models.tokens import tokens_of
from lvlm_var_mm.models.vst.code_names import VOCABULARY
from mmaction.registry import MODELS

LACKS = [None, 'rgb', 'skeleton', None]


@pytest.fixture(scope='module')
def model(tiny_llava):
    return build_for_test(paired_recognizer(tiny_llava),
                          data=paired_batch([0, 1, 2, 3], seed=9))


def test_train_step(tiny_llava):
    model = build(paired_recognizer(tiny_llava))
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer = OptimWrapper(torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=.01))
    log = model.train_step(paired_batch([0, 1, 2, 3]), optimizer)
    own = {'loss_commit', 'loss_temporal', 'loss_vst'}
    parts = {'loss_cls', 'loss_lm', *(
        f'{branch}_{loss}' for branch in ('rgb', 'skeleton') for loss in own)}
    assert set(log) == {'loss', 'top1_acc', 'top5_acc', *parts}
    torch.testing.assert_close(log['loss'], sum(log[k] for k in parts))
    moved = {n for n, p in model.named_parameters()
             if not torch.equal(p, before[n])}
    for part in ('backbone.rgb.', 'backbone.skeleton.', 'neck.rgb.',
                 'neck.skeleton.', 'cls_head.projector.'):
        assert any(n.startswith(part) for n in moved), part


@pytest.mark.parametrize('branch, other', [
    ('rgb', 'skeleton'), ('skeleton', 'rgb')])
def test_a_branch_that_nobody_has_gets_no_gradient(tiny_llava, branch, other):
    model = build(paired_recognizer(tiny_llava))
    data = model.data_preprocessor(
        paired_batch([0, 1, 2, 3], lacks=[other] * 4), training=True)
    losses = model(**data, mode='loss')
    assert not any(key.startswith(other) for key in losses)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    for owner in (model.backbone, model.neck):
        parameters = list(getattr(owner, branch).parameters())
        assert parameters and all(p.grad is not None for p in parameters)
        assert all(p.grad is None for p in getattr(owner, other).parameters())


@pytest.mark.parametrize('loss', ['loss_cls', 'loss_lm'])
def test_what_the_head_reads_reaches_both_branches(tiny_llava, model, loss):
    model = build(paired_recognizer(tiny_llava))
    data = model.data_preprocessor(paired_batch(range(4)), training=True)
    model(**data, mode='loss')  # the codebooks start
    model(**data, mode='loss')[loss].backward()
    for branch in ('rgb', 'skeleton'):
        gradient = [p.grad for p in getattr(model.backbone,
                                            branch).parameters()]
        assert any(g is not None and g.any() for g in gradient)


@torch.no_grad()
def test_tokens_of_both(model):
    data = model.data_preprocessor(paired_batch([0, 1, 2, 3], lacks=LACKS))
    tokens = tokens_of(model, data['inputs'])
    assert tokens.embeds.shape == (4, 2 * L, 2 * CHANNELS)
    assert tokens.parts.tolist() == [[0] * L + [1] * L] * 4
    assert tokens.num_codes.tolist() == [2 * K] * 4
    assert model.neck.num_tokens == 2 * L
    video, skeleton = tokens.ids[0].split(L)
    assert video.max() < K <= skeleton.min() and skeleton.max() < 2 * K
    # Each in channels of its own.
    assert not tokens.embeds[:, :L, CHANNELS:].any()
    assert not tokens.embeds[:, L:, :CHANNELS].any()
    for i, lacks in enumerate(LACKS):
        there = [lacks != 'rgb', lacks != 'skeleton']
        assert tokens.mask[i].tolist() == there[:1] * L + there[1:] * L
        assert tokens.embeds[i].any(1).tolist() == tokens.mask[i].tolist()


@torch.no_grad()
def test_a_branch_is_what_it_is_alone(model):
    """Its neck gives the same codes and vectors without the other."""
    data = model.data_preprocessor(paired_batch([0, 1, 2, 3]))
    tokens = tokens_of(model, data['inputs'])
    for i, branch in enumerate(('rgb', 'skeleton')):
        x = getattr(data['inputs'], branch).flatten(0, 1)
        alone, _ = getattr(model.neck, branch)(
            getattr(model.backbone, branch)(x))
        assert torch.equal(tokens.ids[:, i * L:i * L + L], alone.ids + i * K)
        torch.testing.assert_close(
            tokens.embeds[:, i * L:i * L + L,
                          i * CHANNELS:i * CHANNELS + CHANNELS], alone.embeds)


@torch.no_grad()
def test_a_mixed_batch_is_its_clips_one_by_one(model):
    data = paired_batch([0, 1, 2, 3], lacks=LACKS)
    together = model.test_step(copy.deepcopy(data))
    for i, sample in enumerate(together):
        alone, = model.test_step(dict(
            inputs={k: v[i:i + 1] for k, v in data['inputs'].items()},
            data_samples=copy.deepcopy(data['data_samples'][i:i + 1])))
        torch.testing.assert_close(alone.pred_score, sample.pred_score,
                                   rtol=1e-4, atol=1e-6)
        assert torch.equal(alone.pred_tokens, sample.pred_tokens)
        assert alone.pred_narrative == sample.pred_narrative
        torch.testing.assert_close(alone.pred_light_scores,
                                   sample.pred_light_scores)
        length = L if LACKS[i] else 2 * L
        assert sample.pred_tokens.shape == (length, )
        assert sample.pred_narrative.count('|') == (not LACKS[i])
        torch.testing.assert_close(sample.pred_score.sum(), torch.tensor(1.))


@torch.no_grad()
def test_what_is_missing_makes_a_difference(model):
    both, video, skeleton = (
        torch.stack([s.pred_score for s in model.test_step(paired_batch(
            [0, 1, 2, 3], lacks=[lacks] * 4))])
        for lacks in (None, 'skeleton', 'rgb'))
    assert not torch.allclose(both, video)
    assert not torch.allclose(both, skeleton)
    assert not torch.allclose(video, skeleton)


@torch.no_grad()
def test_nothing_of_what_is_missing_is_read(model):
    """Neither its embeddings nor its number of positions."""
    data = model.data_preprocessor(paired_batch([0, 1], lacks=['rgb'] * 2))
    tokens = tokens_of(model, data['inputs'])
    scores = model.cls_head(tokens, data['data_samples'])
    noise = tokens._replace(embeds=torch.where(
        tokens.mask[..., None], tokens.embeds,
        torch.randn_like(tokens.embeds)))
    torch.testing.assert_close(
        model.cls_head(noise, data['data_samples']), scores)
    short = SemanticTokens(*(field[:, L:] for field in tokens[:5]))
    torch.testing.assert_close(
        model.cls_head(short, data['data_samples']), scores,
        rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_views_are_averaged(model):
    data = paired_batch([0, 1, 2], views=2, lacks=[None, 'rgb', None])
    single = [model.test_step(dict(
        inputs={k: [x[v:v + 1] if x.numel() else x for x in side]
                for k, side in data['inputs'].items()},
        data_samples=copy.deepcopy(data['data_samples']))) for v in (0, 1)]
    for a, b, mean in zip(*single, model.test_step(copy.deepcopy(data))):
        torch.testing.assert_close(
            mean.pred_score, (a.pred_score + b.pred_score) / 2,
            rtol=1e-4, atol=1e-6)
        assert torch.equal(mean.pred_tokens, a.pred_tokens)


@torch.no_grad()
@pytest.mark.parametrize('lacks', [None, 'rgb', 'skeleton'])
def test_max_testing_views(model, lacks):
    data = paired_batch([1], views=3, lacks=[lacks])
    plain, = model.test_step(copy.deepcopy(data))
    model.test_cfg = dict(max_testing_views=2)
    try:
        limited, = model.test_step(data)
    finally:
        model.test_cfg = None
    torch.testing.assert_close(plain.pred_score, limited.pred_score,
                               rtol=1e-4, atol=1e-6)
    assert torch.equal(plain.pred_tokens, limited.pred_tokens)


@pytest.mark.parametrize('drop', [0., 1.])
def test_modality_drop(tiny_llava, drop):
    model = build(paired_recognizer(tiny_llava, modality_drop=drop)).train()
    data = model.data_preprocessor(
        paired_batch([0, 1, 2, 3] * 8, lacks=LACKS * 8), training=True)
    tokens, kwargs = model.extract_feat(**data)
    read = tokens.mask.view(32, 2, L).float().mean(2)
    has = torch.tensor([[k != 'rgb', k != 'skeleton'] for k in LACKS * 8])
    if not drop:
        assert torch.equal(read, has.float())
    else:  # one of both, either of them; what is alone stays
        assert torch.equal(read.sum(1), torch.ones(32))
        assert (read <= has).all()
        assert read[has.all(1)].any(0).all()
    # The branches learn from all clips; tests drop nothing.
    assert {'rgb_loss_vst', 'skeleton_loss_vst'} <= set(kwargs['loss_aux'])
    with torch.no_grad():
        tokens, _ = model.eval().extract_feat(data['inputs'], test_mode=True)
    assert torch.equal(tokens.mask.view(32, 2, L).any(2), has)


def test_losses_of_a_branch_are_of_its_clips(tiny_llava):
    """Labels go with the features where some clips lack a branch."""
    model = build(paired_recognizer(tiny_llava)).eval()
    data = paired_batch([0, 1, 2, 3], lacks=LACKS)
    few = dict(inputs={k: [v[i] for i in (0, 2, 3)] for k, v in
                       data['inputs'].items()},
               data_samples=[data['data_samples'][i] for i in (0, 2, 3)])
    losses = []
    for some in (data, few):  # clip 1 has no video
        model = copy.deepcopy(model).train()
        for module in model.backbone.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.eval()
        some = model.data_preprocessor(copy.deepcopy(some), training=True)
        losses.append(model(**some, mode='loss')['rgb_loss_vst'])
    torch.testing.assert_close(*losses)


@torch.no_grad()
def test_checkpoint_of_all_and_names_of_either(tiny_llava, model):
    names = [VOCABULARY[i] for i in range(2 * K)]
    old, model.neck.code_names = model.neck.code_names, names
    state = copy.deepcopy(model.state_dict())
    data = paired_batch([0, 1, 2, 3], lacks=LACKS)
    before = model.test_step(copy.deepcopy(data))
    model.neck.code_names = old
    again = build(paired_recognizer(tiny_llava))
    again.load_state_dict(state, strict=True)
    assert again.neck.code_names == names
    assert again.neck.rgb.code_names == names[:K]
    assert again.neck.skeleton.code_names == names[K:]
    for a, b in zip(before, again.eval().test_step(data)):
        assert torch.equal(a.pred_score, b.pred_score)
        assert a.pred_narrative == b.pred_narrative
        # A code is called by its own name, whichever branch it is of.
        assert torch.equal(a.pred_names, a.pred_tokens)
        for code in a.pred_tokens.tolist():
            assert names[code] in a.pred_narrative


def test_another_codebook_is_refused(tiny_llava, model):
    cfg = paired_recognizer(tiny_llava)
    cfg['neck']['skeleton']['codebook_size'] = 2 * K
    with pytest.raises(ValueError, match='another|other `codebook`'):
        build(cfg).load_state_dict(model.state_dict())


@torch.no_grad()
def test_token_metric_counts_the_codes_of_both(model):
    metric = TokenMetric()
    samples = model.test_step(paired_batch([0, 1, 2, 3], lacks=LACKS))
    metric.process(None, [s.to_dict() for s in samples])
    figures = metric.evaluate(4)
    codes = torch.cat([s.pred_tokens for s in samples]).unique()
    assert figures['token/usage'] == len(codes) / (2 * K)
    assert 1 <= figures['token/run_length'] <= L
    assert 0 <= figures['token/quantised_top1'] <= 1


def test_bfloat16(tiny_llava):
    model = build(paired_recognizer(tiny_llava, modality_drop=.5))
    data = model.data_preprocessor(
        paired_batch([0, 1, 2, 3], lacks=LACKS), training=True)
    with torch.autocast('cpu', torch.bfloat16):
        losses = model(**data, mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(torch.isfinite(loss).all() for loss in losses.values())
    assert all(torch.isfinite(p.grad).all() for p in model.parameters()
               if p.grad is not None)


def test_views_in_training_are_refused(tiny_llava):
    model = build(paired_recognizer(tiny_llava))
    data = model.data_preprocessor(paired_batch([0, 1], views=2), True)
    with pytest.raises(ValueError, match='2 clips of each sample'):
        model(**data, mode='loss')


def with_events(data):
    """A hand rises all the time; the clips last four seconds."""
    for sample in data['data_samples']:
        sample.set_metainfo(dict(
            span=(1., 5.), events=torch.tensor([[0, 0., 9., 1., 0]])))
    return data


def test_codes_are_named_by_what_is_there(model):
    data = with_events(paired_batch([0, 1, 2, 3], lacks=LACKS))
    counts, totals = count_events(model, [data], max_clips=4)
    assert totals[:K].sum() == totals[K:].sum() == 3 * L
    # Of the event and of its kind on either side.
    assert counts.sum() in (6 * L, 12 * L)


@torch.no_grad()
@pytest.mark.parametrize('lacks', [None, 'rgb', 'skeleton'])
def test_times_of_tokens(model, lacks):
    sample, = model.test_step(with_events(paired_batch([0], lacks=[lacks])))
    found = spans(sample)
    assert sum(span['steps'] for span in found) == len(sample.pred_tokens)
    for part in {span['part'] for span in found}:
        own = [span for span in found if span['part'] == part]
        assert own[0]['start'] == 1 and own[-1]['end'] == 5
    parts = {span['part'] for span in found}
    assert parts == {None: {0, 1}, 'rgb': {1}, 'skeleton': {0}}[lacks]


def test_tokens_are_not_cached(model):
    with pytest.raises(ValueError, match='one stage'):
        cache_tokens(model, [], views=1)
    with pytest.raises(ValueError, match='one stage'):
        model.neck(torch.zeros(2, 2 * L, dtype=torch.long))


def test_alignment_of_both(tiny_llava):
    cfg = paired_recognizer(tiny_llava)
    for branch in ('rgb', 'skeleton'):
        cfg['neck'][branch]['align'] = dict(loss_events=1.)
    model = build(cfg)
    runner = SimpleNamespace(model=model, hooks=[],
                             logger=logging.getLogger(__name__))
    SemanticAlignmentHook().before_train(runner)
    data = model.data_preprocessor(
        with_events(paired_batch([0, 1, 2, 3], lacks=LACKS)), training=True)
    model(**data, mode='loss')  # the codebooks start
    losses = model(**data, mode='loss')
    assert losses['rgb_loss_events'] > 0 < losses['skeleton_loss_events']
    # Both are drawn to the same words.
    for one, other in zip(model.neck.rgb.align.targets,
                          model.neck.skeleton.align.targets):
        assert torch.equal(one, other)


@pytest.mark.parametrize('over, match', [
    (dict(modality_drop=2.), 'modality_drop'),
    (dict(rgb=dict(num_tokens=L + 1)), '`num_tokens` is 5 of `rgb` and 4'),
    (dict(rgb=dict(num_segments=2)), '`rgb.num_segments` must be 1'),
    (dict(skeleton=dict(aux_head=None)), 'None of `skeleton`')])
def test_settings_that_do_not_go_together(tiny_llava, over, match):
    cfg = paired_recognizer(tiny_llava)['neck']
    for key, value in over.items():
        if isinstance(value, dict):
            cfg[key].update(value)
        else:
            cfg[key] = value
    with pytest.raises(ValueError, match=match):
        MODELS.build(cfg)


def test_a_clip_with_neither_is_refused(model):
    data = paired_batch([0, 1], lacks=[None, 'rgb'])
    data['inputs']['skeleton'][1] = torch.zeros(1, 0)
    data['data_samples'][1].set_metainfo(dict(frame_dir='S001'))
    with pytest.raises(ValueError, match='S001 has neither'):
        model.data_preprocessor(data)


def test_views_of_both_are_as_many(model):
    data = paired_batch([0, 1], views=2)
    data['inputs']['rgb'] = [x[:1] for x in data['inputs']['rgb']]
    with pytest.raises(ValueError, match='same `num_clips`'):
        model.data_preprocessor(data)


def test_preprocessors_are_of_both(tiny_llava):
    cfg = paired_recognizer(tiny_llava)['data_preprocessor']
    del cfg['preprocessors']['rgb']
    with pytest.raises(ValueError, match='must be of'):
        MODELS.build(cfg)


def test_reasons_are_written_with_either(model):
    with torch.no_grad():
        for lacks in (None, 'rgb', 'skeleton'):
            data = model.data_preprocessor(
                paired_batch([0], lacks=[lacks]))
            tokens = tokens_of(model, data['inputs'])
            (name, _), = model.cls_head.generate(
                model.cls_head.prompt_inputs(tokens, data['data_samples']),
                max_new_tokens=3)
            assert name in dict(CLASSES)
