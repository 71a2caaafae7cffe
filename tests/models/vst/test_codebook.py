"""Codes mean the same in training as in testing, whatever the batch."""
import socket

import pytest
import torch
import torch.nn.functional as F

from lvlm_var_mm.models.vst.codebook import of_all_processes
from lvlm_var_mm.models.vst.quantizers import build_quantizer

C, K = 16, 64
KINDS = dict(
    plain=dict(),
    steady=dict(switch_cost=.02),
    euclidean=dict(use_cosine_sim=False),
    residual=dict(type='ResidualVQ', num_quantizers=2))
kinds = pytest.mark.parametrize('kind', KINDS)


def quantizer(kind='plain', **over):
    torch.manual_seed(0)
    return build_quantizer(
        C, K, {**dict(codebook_dim=8), **KINDS[kind], **over}).train()


class Clusters:
    """Steps about 50 centres, always the same in the same order."""

    def __init__(self, noise=.3):
        self.rng = torch.Generator().manual_seed(1)
        self.centres = torch.randn(50, C, generator=self.rng)
        self.noise = noise

    def clips(self, number, among=50, length=4):
        ids = torch.randint(among, (number, length), generator=self.rng)
        noise = torch.randn(number, length, C, generator=self.rng)
        return self.centres[ids] + self.noise * noise


@torch.no_grad()
def train(model, data, iterations, number=8, **kwargs):
    for _ in range(iterations):
        out = model(data.clips(number, **kwargs))
    return out


def first_codebook(model):
    return model.quantizers[0]._codebook


@torch.no_grad()
def ids_of(model, clips):
    model.eval()
    ids = model(clips)[1]
    model.train()
    return ids


@kinds
@torch.no_grad()
def test_discrete_in_training_as_in_testing(kind):
    """At the defaults, on batches that give a code half a step each."""
    model, data = quantizer(kind), Clusters()
    train(model, data, 400)
    probe = data.clips(200)
    before = ids_of(model, probe)
    assert len(before.unique()) > .8 * K
    clips = data.clips(8)
    codes = first_codebook(model).embed[0].clone()
    tested = ids_of(model, clips)
    tokens, trained, _ = model(clips)
    assert torch.equal(trained, tested)
    z = first_codebook(model).transform_input(model.project_in(clips))
    assert (z - codes[trained]).norm(dim=-1).min() > 1e-3  # none is its own
    assert (ids_of(model, probe) != before).float().mean() < .01


@torch.no_grad()
def test_tokens_of_training_are_those_of_testing():
    model, data = quantizer('steady'), Clusters()
    train(model, data, 20)
    clips = data.clips(8)
    model.eval()
    tested = model(clips)[0]
    torch.testing.assert_close(model.train()(clips)[0], tested)


@pytest.mark.parametrize('number', [4, 32])
def test_a_dead_code_is_a_share_of_the_usage(number):
    """Codes that nothing needs any more die after as many iterations with
    few clips as with many."""
    model, data = quantizer(decay=.9), Clusters()
    train(model, data, 60, number=64)
    codebook = first_codebook(model)
    codebook.cluster_size.fill_(number * 4 / K)
    codebook.embed_avg.copy_(codebook.embed * number * 4 / K)
    nothing = data.clips(number, among=1)
    dead = []
    for _ in range(24):
        before = codebook.embed.clone()
        with torch.no_grad():
            model(nothing)
        dead.append(int((F.cosine_similarity(
            before[0], codebook.embed[0]) < .999).sum()))
    # 0.9 ** 22 is the first below a tenth of the mean; a batch of 16 steps
    # replaces no more than 16 codes at once.
    assert sum(dead[:21]) <= 3 and dead[21] >= min(K // 2, number * 4)


def test_replacement_ends():
    for settings, settled, expected in [
            (dict(replace_steps=5), None, False),
            (dict(replace_steps=5), False, True), (dict(), None, True)]:
        model, data = quantizer(decay=.5, **settings), Clusters()
        train(model, data, 6)
        model.settled = settled
        train(model, data, 6, among=1)
        # None is left far from the only centre, or most are.
        usage = first_codebook(model).cluster_size[0]
        assert bool((usage > .1 * usage.mean()).all()) is expected


@pytest.mark.parametrize('kind', ['steady', 'residual'])
def test_a_settled_codebook_stands_still(kind):
    model, data = quantizer(kind, decay=.5), Clusters()
    train(model, data, 6)
    before = {k: v.clone() for k, v in model.named_buffers()}
    model.settled = True
    clips = data.clips(6).requires_grad_()
    tokens, _, commit = model.train()(clips)
    (tokens.sum() + commit.sum()).backward()
    assert clips.grad.abs().sum() > 0  # what stands before it goes on
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, before[name]), name


def test_starts_from_enough_steps():
    """24 steps a batch, 64 codes: from the third batch on."""
    model, data = quantizer(), Clusters()
    for started in (False, False, True):
        clips = data.clips(6).requires_grad_()
        tokens, ids, commit = model(clips)
        assert bool(first_codebook(model).initted) is started
        assert (len(ids.unique()) > 1) is started
        tokens.sum().backward()
        assert all(p.grad is not None for p in model.parameters())
        assert bool(commit > 0) is started
    assert not model.gathered


def test_drawing_leaves_the_random_numbers_alone():
    model, data = quantizer(decay=.5), Clusters()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    train(model, data, 8)
    train(model, data, 8, among=1)
    assert torch.equal(torch.rand(4), expected)


def test_count_of_iterations_is_kept():
    model = quantizer()
    train(model, Clusters(), 7, number=16)
    other = quantizer()
    state = model.state_dict()
    other.load_state_dict(state)
    assert int(other.age) == 7
    # As checkpoints were before: nothing is replaced in a trained codebook.
    del state['age']
    other.load_state_dict(state)
    assert int(other.age) == other.replace_steps


def test_threshold_in_steps_is_refused():
    with pytest.raises(ValueError,
                       match='threshold_ema_dead_code.*dead_share'):
        quantizer(threshold_ema_dead_code=2)


# ------------------------------------------------------- several processes
def in_a_process(rank, port, kind, results):
    torch.distributed.init_process_group(
        'gloo', f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    data, model = Clusters(), quantizer(kind, decay=.8)
    with torch.no_grad():
        for _ in range(40):
            model(data.clips(8)[rank::2])
        for _ in range(10):
            model(data.clips(8, among=3)[rank::2])
    gathered = of_all_processes(torch.arange(3.)[:3 - rank, None] + 10 * rank)
    torch.save((model.state_dict(), gathered), f'{results}/{rank}.pth')


@kinds
def test_two_processes_are_one(kind, tmp_path):
    """Start, running means and replacement of the same global batch."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    context = torch.multiprocessing.start_processes(
        in_a_process, (port, kind, str(tmp_path)), nprocs=2,
        start_method='fork', join=False)
    data, model = Clusters(), quantizer(kind, decay=.8)
    train(model, data, 40)
    before = model.state_dict()
    before = {k: v.clone() for k, v in before.items()}
    train(model, data, 10, among=3)
    while not context.join():
        pass
    for rank in range(2):
        state, gathered = torch.load(tmp_path / f'{rank}.pth')
        assert gathered.view(-1).tolist() == [0, 10, 1, 11, 2]
        for key, value in model.state_dict().items():
            torch.testing.assert_close(state[key], value)
    # Something was replaced at all.
    moved = [(model.state_dict()[k] - v).flatten(0, -2).norm(dim=-1).max()
             for k, v in before.items() if k.endswith('embed')]
    assert max(moved) > .3
