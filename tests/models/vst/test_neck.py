"""The VST neck: features of a clip -> semantic action tokens."""
import pytest
import torch
from helpers import make_samples

from lvlm_var_mm.models import VSTNeck
from lvlm_var_mm.models.vst.losses import temporal_consistency
from lvlm_var_mm.models.vst.quantizers import cheapest_path

C, K, L = 8, 16, 6
FEATURES = dict(NMCTV=(4, 2, C, 12, 5), NCTHW=(4, C, 12, 3, 2))
input_formats = pytest.mark.parametrize('input_format', FEATURES)


def neck(input_format='NMCTV', **over):
    torch.manual_seed(0)
    return VSTNeck(**{**dict(in_channels=C, input_format=input_format,
                             num_tokens=L, codebook_size=K), **over})


def features(input_format='NMCTV', seed=1):
    return torch.randn(FEATURES[input_format],
                       generator=torch.Generator().manual_seed(seed))


@input_formats
@pytest.mark.parametrize('num_tokens', [1, 6, 12, 20])  # of 12 steps in time
def test_tokens(input_format, num_tokens):
    model = neck(input_format, num_tokens=num_tokens)
    tokens, _ = model(features(input_format), make_samples([0, 1, 2, 3]))
    assert tokens.embeds.shape == (4, num_tokens, C)
    assert tokens.ids.shape == tokens.mask.shape == (4, num_tokens)
    assert tokens.mask.dtype is torch.bool and tokens.mask.all()
    assert 0 <= tokens.ids.min() and tokens.ids.max() < K
    assert len(tokens.ids.unique()) > 1 or num_tokens == 1


@input_formats
def test_steps_average_all_but_channels_and_time(input_format):
    model, x = neck(input_format, num_tokens=12), features(input_format)
    x = x.mean((1, 4)) if input_format == 'NMCTV' else x.mean((3, 4))
    steps = model.temporal_steps(features(input_format))
    torch.testing.assert_close(steps, model.norm(x.transpose(1, 2)))


def test_too_few_steps_for_a_codebook_are_counted():
    model = neck(codebook_size=64)
    with pytest.raises(ValueError, match='there were 0. Train'):
        model.eval()(features())
    model.train()(features(), make_samples([0, 1, 2, 3]))
    with pytest.raises(ValueError, match=f'64 codes .* there were {4 * L}'):
        model.eval()(features())


QUANTIZERS = dict(
    ema=dict(),
    steady=dict(switch_cost=.02),
    euclidean=dict(switch_cost=.1, use_cosine_sim=False),
    fsq=dict(type='FSQ', levels=[4, 4]),
    residual=dict(type='ResidualVQ', num_quantizers=3))
quantizers = pytest.mark.parametrize('kind', QUANTIZERS)


@quantizers
def test_quantizers(kind):
    model = neck(quantizer=QUANTIZERS[kind])
    x = features().requires_grad_()
    tokens, losses = model(x, make_samples([0, 1, 2, 3]))
    assert tokens.embeds.shape == (4, L, C) and tokens.ids.shape == (4, L)
    assert tokens.ids.dtype is torch.long
    assert 0 <= tokens.ids.min() and tokens.ids.max() < K
    assert len(tokens.ids.unique()) > 1
    sum(losses.values()).backward()
    assert x.grad.abs().sum() > 0
    a, b = model.eval()(features())[0], model(features()[:1])[0]
    assert torch.equal(a.ids[:1], b.ids)


def test_unknown_quantizer():
    with pytest.raises(ValueError, match="'LFQ'.*FSQ, ResidualVQ"):
        neck(quantizer=dict(type='LFQ'))
    with pytest.raises(ValueError, match='15 codes.*16'):
        neck(quantizer=dict(type='FSQ', levels=[5, 3]))
    with pytest.raises(ValueError, match='language_bias.*FSQ'):
        neck(quantizer=QUANTIZERS['fsq'], language_bias=dict(loss_zipf=1.))


def test_cheapest_path_is_the_cheapest_of_all():
    costs = torch.rand(20, 5, 3, generator=torch.Generator().manual_seed(0))
    every = torch.cartesian_prod(*[torch.arange(3)] * 5)  # (243, 5)
    for switch_cost in (0., .2, .5, 5.):
        totals = costs[:, torch.arange(5), every].sum(-1) + switch_cost * (
            every[:, 1:] != every[:, :-1]).sum(-1)
        found = cheapest_path(costs, switch_cost)
        assert torch.equal(found, every[totals.argmin(1)])
    assert torch.equal(cheapest_path(costs, 0.), costs.argmin(-1))
    assert (found == found[:, :1]).all()
    assert torch.equal(cheapest_path(costs[:, :1], 1.),
                       costs[:, :1].argmin(-1))


def test_steady_codes(loss=torch.nn.functional.mse_loss):
    """The nearest codes but for what is not worth a change, in the tokens,
    the commitment and the gradient."""
    plain = neck(num_tokens=12)
    steady = neck(num_tokens=12, quantizer=dict(switch_cost=.6),
                  same_tokens=False)
    plain(features())
    steady.load_state_dict(plain.state_dict())
    x = features(seed=2)
    nearest, path = (m.eval()(x)[0].ids for m in (plain, steady))
    assert (path.diff() != 0).sum() < .7 * (nearest.diff() != 0).sum()
    torch.testing.assert_close(
        steady(x)[0].embeds, steady.quantizer.get_output_from_indices(path))
    steady.quantizer.switch_cost = 1e-9
    assert torch.equal(steady(x)[0].ids, nearest)
    off = neck(num_tokens=12, quantizer=dict(switch_cost=0))
    off.load_state_dict(plain.state_dict())
    assert torch.equal(off.eval()(x)[0].ids, nearest)

    steady.quantizer.switch_cost = .6
    steps = steady.temporal_steps(x)
    z = torch.nn.functional.normalize(steady.quantizer.project_in(steps),
                                      dim=-1)
    codes = steady.quantizer.codebook.clone()  # before it moves
    _, ids, commit = steady.train().quantizer(steps)
    torch.testing.assert_close(commit, loss(codes[ids], z))
    assert torch.equal(ids, cheapest_path(1 - z @ codes.T, .6))


@pytest.mark.parametrize('kind', ['ema', 'steady', 'fsq'])
def test_equal_tokens_carry_the_same_vector(kind):
    model = neck(quantizer=QUANTIZERS[kind])
    model(features())
    tokens, _ = model.eval()(features())
    for code in tokens.ids.unique():
        vectors = tokens.embeds[tokens.ids == code]
        torch.testing.assert_close(vectors, vectors[:1].expand_as(vectors))


def test_no_codebook_is_made_of_test_clips():
    model = neck().eval()
    with pytest.raises(ValueError, match='load_from'):
        model(features())
    assert not model.state_dict()['quantizer._codebook.initted']


def test_tokens_of_body_parts():
    parts = [[0, 1], [2, 3, 4]]
    model, x = neck(parts=parts, num_tokens=12), features()
    steps = model.temporal_steps(x).view(4, 2, 12, C)
    for i, joints in enumerate(parts):
        alone = x[..., joints].mean((1, 4)).transpose(1, 2)
        torch.testing.assert_close(steps[:, i], model.norm(alone))
    tokens, losses = model(x, make_samples([0, 1, 2, 3]))
    assert tokens.embeds.shape == (4, 24, C)
    assert tokens.ids.shape == tokens.mask.shape == (4, 24)
    assert tokens.parts[0].tolist() == [0] * 12 + [1] * 12
    # The last step of a part is no neighbour of the first of the next.
    torch.testing.assert_close(
        losses['loss_temporal'],
        model.loss_temporal * temporal_consistency(
            model.quantizer.project_in(steps.flatten(0, 1)),
            steps.flatten(0, 1)))
    with pytest.raises(ValueError, match='parts.*NMCTV'):
        neck('NCTHW', parts=parts)


def test_unknown_input_format():
    with pytest.raises(ValueError, match="'NTCHW'.*NCTHW.*NMCTV"):
        neck('NTCHW')


@pytest.mark.parametrize('input_format, x', [
    ('NMCTV', torch.zeros(2, C, 12, 3, 3)),
    ('NCTHW', torch.zeros(2, 2, C, 12, 5)),
    ('NCTHW', torch.zeros(2, C, 12)),
])
def test_features_that_do_not_fit(input_format, x):
    with pytest.raises(ValueError, match=input_format) as error:
        neck(input_format)(x)
    assert str(tuple(x.shape)) in str(error.value)


def test_losses_come_with_data_samples_only():
    model = neck(aux_head=dict(num_classes=4))
    assert model(features())[1] == {}
    losses = model(features(), make_samples([0, 1, 2, 3]))[1]
    assert set(losses) == {'loss_commit', 'loss_temporal', 'loss_vst'}
    assert all(v.dim() == 0 and v.isfinite() for v in losses.values())
    assert set(neck()(features(), make_samples([0, 1, 2, 3]))[1]) == {
        'loss_commit', 'loss_temporal'}


@pytest.mark.parametrize('key, over', [
    ('loss_commit', dict(loss_commit=3.)),
    ('loss_temporal', dict(loss_temporal=3.)),
    ('loss_vst', dict(aux_head=dict(num_classes=4, loss_weight=3.))),
])
def test_weights(key, over):
    base = dict(loss_commit=1., loss_temporal=1.,
                aux_head=dict(num_classes=4, loss_weight=1.))
    one, three = (
        neck(**{**base, **new})(features(), make_samples([0, 1, 2, 3]))[1]
        for new in ({}, over))
    assert one[key] > 0
    for name in one:
        torch.testing.assert_close(
            three[name], (3 if name == key else 1) * one[name])


def test_auxiliary_head_learns_from_the_labels():
    torch.manual_seed(0)
    model, x = neck(aux_head=dict(num_classes=4)), features()
    samples = make_samples([3, 1, 0, 2])
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    losses = []
    for _ in range(30):
        loss = model(x, samples)[1]['loss_vst']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


# ------------------------------------------------------------- training
def test_gradient_passes_the_quantiser():
    model, x = neck(), features().requires_grad_()
    tokens, _ = model(x, make_samples([0, 1, 2, 3]))
    # Nothing but the tokens themselves: the losses are left out.
    tokens.embeds.square().sum().backward()
    assert x.grad.abs().sum((1, 2, 3, 4)).min() > 0
    assert model.norm.weight.grad.abs().sum() > 0


def codebook(model):
    return {k: v.clone() for k, v in model.quantizer.state_dict().items()}


def moved(a, b):
    return [k for k in a if not torch.equal(a[k], b[k])]


def test_eval_is_deterministic_and_learns_nothing():
    model = neck()
    model(features(), make_samples([0, 1, 2, 3]))
    model.eval()
    before = codebook(model)
    first, second = model(features(seed=2))[0], model(features(seed=2))[0]
    assert torch.equal(first.ids, second.ids)
    assert torch.equal(first.embeds, second.embeds)
    assert not moved(before, codebook(model))
    # A clip's tokens do not depend on its batch.
    alone = model(features(seed=2)[:1])[0]
    assert torch.equal(alone.ids, first.ids[:1])


def test_training_moves_the_codebook_even_in_autocast():
    model = neck()
    model(features(), make_samples([0, 1, 2, 3]))
    before = codebook(model)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        tokens, _ = model(features(seed=2).bfloat16(),
                          make_samples([0, 1, 2, 3]))
    assert any('embed' in k for k in moved(before, codebook(model)))
    assert tokens.embeds.dtype is torch.float32


def test_codebook_persists():
    model, other = neck(), neck()
    for seed in range(3):
        model(features(seed=seed), make_samples([0, 1, 2, 3]))
    other.load_state_dict(model.state_dict())
    # As training left it: not to be started anew by k-means.
    other.train()
    model.train()
    assert bool(other.quantizer._codebook.initted)
    for net in (model, other):
        net.eval()
    a, b = model(features(seed=7))[0], other(features(seed=7))[0]
    assert len(a.ids.unique()) > 2
    assert torch.equal(a.ids, b.ids) and torch.equal(a.embeds, b.embeds)
    # And training goes on from there, running means included.
    for net in (model, other):
        torch.manual_seed(3)
        net.train()(features(seed=8), make_samples([0, 1, 2, 3]))
    assert not moved(codebook(model), codebook(other))


def test_the_old_name_of_an_argument():
    with pytest.warns(DeprecationWarning, match='`layout` of VSTNeck is now '
                      '`input_format`'):
        old = VSTNeck(in_channels=C, layout='NCTHW', num_tokens=L)
    assert old.input_format == 'NCTHW'
