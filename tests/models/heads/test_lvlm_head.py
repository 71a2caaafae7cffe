"""The LVLM head: what it trains, what it says, what it refuses."""
from types import SimpleNamespace

import pytest
import torch
import transformers
from helpers import CHANNELS, CLASSES, head_cfg, make_samples, make_tokens
from mmengine.model import BaseModule

from lvlm_var_mm.engine import BFloat16OptimWrapper
from lvlm_var_mm.models.heads.negatives import Negatives
from lvlm_var_mm.models.lvlm import build as lora_module
from lvlm_var_mm.models.lvlm.reader import ANSWER, PROMPT
from mmaction.registry import MODELS

LENGTHS, LABELS = [5, 3, 4], [0, 1, 3]
CAUSAL_LM = 'transformers.AutoModelForCausalLM.from_pretrained'
LLAVA = 'transformers.LlavaForConditionalGeneration.from_pretrained'


def build(folder, **over):
    torch.manual_seed(0)
    return MODELS.build(head_cfg(folder, **over))


def lvlm(folder, type=LLAVA, attn='eager', dtype='float32'):
    return dict(
        type=type,
        pretrained_model_name_or_path=str(folder),
        attn_implementation=attn,
        dtype=dtype)


@pytest.fixture
def head(tiny_llava):
    return build(tiny_llava)


@pytest.fixture(params=['llava-eager', 'llava-sdpa', 'llama', 'no lora'])
def any_head(request, tiny_llava, tiny_llama):
    """LoRA is set as if trained: new, it changes nothing."""
    over = {
        'llava-eager': dict(lvlm=lvlm(tiny_llava)),
        'llava-sdpa': dict(lvlm=lvlm(tiny_llava, attn='sdpa')),
        'llama': dict(
            lvlm=lvlm(tiny_llama, CAUSAL_LM),
            lora=dict(type='peft.LoraConfig', target_modules=['q_proj'])),
        'no lora': dict(lora=None)
    }[request.param]
    head = build(tiny_llava, **over)
    with torch.no_grad():
        for name, param in head.lvlm.named_parameters():
            if 'lora_B' in name:
                param.normal_(0, 0.1)
    return head


def trained(head):
    return {n for n, p in head.named_parameters() if p.requires_grad}


# -------------------------------------------------------- what is trained
def test_lora_projector_and_scale_alone_are_trained(head):
    names = trained(head)
    assert {n for n in names if 'lora_' not in n} == {
        'token_scale.scale', 'projector.0.weight', 'projector.0.bias',
        'projector.2.weight', 'projector.2.bias'}
    lora = {n for n in names if 'lora_' in n}
    # 2 layers x 7 linear layers x A and B.
    assert len(lora) == 28
    assert all('language_model' in n for n in lora)


def test_vision_tower_has_no_lora(head):
    # It has layers of the same names, which a plain list would match.
    vision = [n for n, _ in head.named_parameters() if 'vision_tower' in n]
    assert any('q_proj' in n for n in vision)
    assert not any('lora_' in n for n in vision)


def test_init_weights_leaves_lora_and_projector_alone(head):
    parent = BaseModule()
    parent.cls_head = head
    before = {n: p.clone() for n, p in head.named_parameters()}
    parent.init_weights()
    for name, param in head.named_parameters():
        assert torch.equal(param, before[name]), name
        assert 'lora_B' not in name or not param.any()


def test_losses_and_where_their_gradients_go(any_head):
    tokens = make_tokens(LENGTHS)
    feats = tokens._replace(embeds=tokens.embeds.requires_grad_())
    losses = any_head.loss(feats, make_samples(LABELS))
    assert set(losses) == {'loss_cls', 'loss_lm', 'top1_acc', 'top5_acc'}
    (losses['loss_cls'] + losses['loss_lm']).backward()
    # Every token reaches the backbone, padding gets nothing.
    reached = tokens.embeds.grad.abs().sum(-1) > 0
    assert torch.equal(reached, tokens.mask)
    for name, param in any_head.named_parameters():
        has_grad = param.grad is not None and bool(param.grad.any())
        assert has_grad == (name in trained(any_head)), name


def test_gradient_checkpointing_changes_no_gradient(tiny_llava):
    grads = []
    for checkpointing in (False, True):
        head = build(tiny_llava, gradient_checkpointing=checkpointing)
        losses = head.loss(make_tokens(LENGTHS), make_samples(LABELS))
        (losses['loss_cls'] + losses['loss_lm']).backward()
        grads.append({n: p.grad for n, p in head.named_parameters()
                      if p.requires_grad})
    for name in grads[0]:
        torch.testing.assert_close(grads[0][name], grads[1][name])


@pytest.mark.parametrize('attn', ['eager', 'sdpa'])
@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_autocast_changes_little(tiny_llava, monkeypatch, attn, dtype):
    monkeypatch.setattr(lora_module, 'has_bfloat16', lambda: True)
    feats, samples = make_tokens(LENGTHS), make_samples(LABELS)
    plain = build(tiny_llava).loss(feats, samples)
    head = build(tiny_llava, lvlm=lvlm(tiny_llava, attn=attn, dtype=dtype))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        low = head.loss(feats, samples)
        assert head(feats).dtype is torch.float32
    (low['loss_cls'] + low['loss_lm']).backward()
    for name in ('loss_cls', 'loss_lm'):
        assert low[name].dtype is torch.float32
        torch.testing.assert_close(low[name], plain[name], rtol=.05, atol=.05)


def test_bfloat16_is_not_emulated(tiny_llava, monkeypatch):
    cfg = lvlm(tiny_llava, dtype='bfloat16')
    for there, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(lora_module, 'has_bfloat16', lambda: there)
        assert build(tiny_llava, lvlm=cfg).lm.embedding.weight.dtype is dtype


@pytest.mark.parametrize('capability, there', [
    (None, False), (7, False), (8, True), (9, True)])
def test_bfloat16_is_a_question_to_the_gpu(monkeypatch, capability, there):
    """V100 and T4 are of compute capability 7. The CPU is not asked where
    there is a GPU."""
    monkeypatch.setattr(torch.version, 'hip', None)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: bool(capability))
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)
    monkeypatch.setattr(torch.cuda, 'get_device_properties',
                        lambda device: SimpleNamespace(major=capability))
    for isa in ('avx512_bf16', 'amx_tile'):
        monkeypatch.setattr(torch.cpu, f'_is_{isa}_supported',
                            lambda: bool(capability and capability < 8))
    assert lora_module.has_bfloat16() == there


@pytest.mark.parametrize('there', [True, False])
def test_no_part_of_training_emulates_bfloat16(tiny_llava, monkeypatch, there):
    monkeypatch.setattr(lora_module, 'has_bfloat16', lambda: there)
    said, asked, build_model = [], [], lora_module.build
    monkeypatch.setattr(lora_module, 'print_log',
                        lambda text, **kwargs: said.append(text))
    monkeypatch.setattr(lora_module, 'build', lambda cfg, key: (
        asked.append(cfg),
        build_model(dict(cfg, quantization_config=None), key))[1])
    lora_module.build_lvlm(dict(
        lvlm(tiny_llava, dtype='bfloat16'), quantization_config=dict(
            type='transformers.BitsAndBytesConfig', load_in_4bit=True,
            bnb_4bit_compute_dtype='bfloat16')))
    wanted = torch.bfloat16 if there else torch.float32
    assert asked[0]['dtype'] is wanted
    assert asked[0]['quantization_config']['bnb_4bit_compute_dtype'] is wanted

    said.clear()
    layer = torch.nn.Linear(2, 2)
    wrapper = BFloat16OptimWrapper(torch.optim.SGD(layer.parameters(), .1))
    with wrapper.optim_context(layer):
        assert layer(torch.ones(1, 2)).dtype is wanted
    assert said == ([] if there else [
        'no bfloat16 on this machine: the training step runs in float32'])


# ------------------------------------------- against the plain use of a LM
def ordinary_input(head, feats, clip, answer):
    """Embeddings and ids of [prompt | answer] of one clip, not padded."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        head.lm.base.name_or_path)
    embed = head.lvlm.get_input_embeddings()
    before, after = PROMPT.split('{tokens}')
    ids = [tokenizer(text, add_special_tokens=special).input_ids
           for text, special in ((before, True), (after, False),
                                 (answer, False))]
    tokens = feats.embeds[clip][feats.mask[clip]]
    tokens = head.token_scale(head.projector(tokens))
    parts = [embed(torch.tensor(i, dtype=torch.long)) for i in ids]
    return torch.cat([parts[0], tokens, *parts[1:]])[None], ids[2]


def ordinary_loss(head, feats, clip, answer):
    """Summed loss and number of the answer's tokens, as transformers gives
    it for labels that are -100 on the prompt."""
    embeds, ids = ordinary_input(head, feats, clip, answer)
    labels = torch.full(embeds.shape[:2], -100)
    labels[0, -len(ids):] = torch.tensor(ids)
    loss = head.lvlm(inputs_embeds=embeds, labels=labels).loss
    return loss * len(ids), len(ids)


def test_loss_lm_is_the_ordinary_one(any_head):
    feats = make_tokens(LENGTHS)
    losses = any_head.loss(feats, make_samples(LABELS))
    # One of the classes has no description: its answer ends at once.
    pairs = [
        ordinary_loss(any_head, feats, clip,
                      '{}\n{}</s>'.format(*CLASSES[label]))
        for clip, label in enumerate(LABELS)]
    expected = sum(p[0] for p in pairs) / sum(p[1] for p in pairs)
    torch.testing.assert_close(losses['loss_lm'], expected, rtol=0, atol=1e-4)


@torch.no_grad()
def test_scores_are_the_ordinary_ones(any_head):
    feats = make_tokens(LENGTHS)
    scores = any_head(feats)
    expected = torch.tensor([[
        -ordinary_loss(any_head, feats, clip, f'{name}\n')[0]
        for name, _ in CLASSES] for clip in range(len(LENGTHS))])
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-4)
    losses = any_head.loss(feats, make_samples(LABELS))
    torch.testing.assert_close(
        losses['loss_cls'],
        torch.nn.functional.cross_entropy(expected, torch.tensor(LABELS)))


@torch.no_grad()
def test_generate_is_greedy_behind_the_best_name(any_head):
    feats = make_tokens(LENGTHS)
    pairs = any_head.generate(any_head.prompt_inputs(feats), max_new_tokens=6)
    best = any_head(feats).argmax(1).tolist()
    assert [name for name, _ in pairs] == [CLASSES[b][0] for b in best]
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        any_head.lm.base.name_or_path)
    for clip, (name, reason) in enumerate(pairs):
        embeds, _ = ordinary_input(any_head, feats, clip, f'{name}\n')
        written = []
        while len(written) < 6 and written[-1:] != [tokenizer.eos_token_id]:
            logits = any_head.lvlm(inputs_embeds=embeds).logits
            written.append(int(logits[0, -1].argmax()))
            word = any_head.lm.embedding(torch.tensor([written[-1:]]))
            embeds = torch.cat([embeds, word], 1)
        expected = tokenizer.decode(written, skip_special_tokens=True)
        assert reason == expected.strip()


def test_reasons_end_as_they_were_trained_to(head, monkeypatch):
    inputs = head.prompt_inputs(make_tokens([2]))
    (first, *_), = head.lm.write(inputs, [head.prompt.name('drink')], -1, 3)
    assert head.prompt.end == head.prompt.reason('drink', 'hand')[-1]
    monkeypatch.setattr(head.prompt, 'end', first)
    assert head.generate(inputs, [0]) == [('drink', '')]


@torch.no_grad()
def test_first_tokens_that_are_refused(head):
    inputs = head.eval().prompt_inputs(make_tokens(LENGTHS))
    names = [head.prompt.name(CLASSES[i][0]) for i in LABELS]
    best = head.lm.write(inputs, names, -1, 2)
    other = head.lm.write(inputs, names, -1, 2,
                          [[best[0][0]], *[()] * (len(names) - 1)])
    assert other[0][0] != best[0][0] and other[1:] == best[1:]
    # Nor later than first are they.
    again = head.lm.write(inputs, names, -1, 2, [[row[1]] for row in best])
    assert [row[1] for row, old in zip(again, best)
            if row[0] == old[0]] == [old[1] for row, old in zip(again, best)
                                     if row[0] == old[0]]


@torch.no_grad()
def test_reasons_read_the_prefix_once(head):
    """And those of a batch are those of each clip alone."""
    inputs, read = head.eval().prompt_inputs(make_tokens(LENGTHS)), []
    head.lm.decoder.register_forward_pre_hook(
        lambda _, args, kw: read.append(kw['inputs_embeds'].shape[1]),
        with_kwargs=True)
    names = [head.prompt.name(CLASSES[i][0]) for i in LABELS]
    written = head.lm.write(inputs, names, -1, 4)
    before, longest = len(head.prompt.before), max(map(len, names))
    assert read == [before, inputs.mask.shape[1] - before + longest, 1, 1, 1]
    for i, name in enumerate(names):
        assert head.lm.write(inputs.clips(slice(i, i + 1)), [name], -1, 4
                             ) == written[i:i + 1]


def test_generate_for_given_classes(head):
    pairs = head.generate(head.prompt_inputs(make_tokens(LENGTHS)), LABELS,
                          max_new_tokens=2)
    assert [name for name, _ in pairs] == [CLASSES[i][0] for i in LABELS]


@pytest.mark.parametrize('training', [True, False])
def test_generate_restores_the_mode(head, monkeypatch, training):
    head.train(training)
    head.generate(head.prompt_inputs(make_tokens([2])), max_new_tokens=1)
    assert head.training == head.lvlm.training == training

    def fail(*args):
        assert not head.lvlm.training
        raise RuntimeError('out of memory')

    monkeypatch.setattr(head.lm, 'write', fail)
    with pytest.raises(RuntimeError, match='out of memory'):
        head.generate(head.prompt_inputs(make_tokens([2])))
    assert head.training == head.lvlm.training == training


# --------------------------------------------------------------- training
def test_explanation_takes_the_place_of_the_description(head):
    feats = make_tokens([5, 3])
    default = head.loss(feats, make_samples([1, 1]))
    same = head.loss(feats, make_samples([1, 1], explanation=CLASSES[1][1]))
    other = head.loss(feats, make_samples([1, 1], explanation='the hips'))
    torch.testing.assert_close(default, same)
    assert other['loss_lm'] != default['loss_lm']
    torch.testing.assert_close(other['loss_cls'], default['loss_cls'])


def test_loss_weights(tiny_llava):
    feats, samples = make_tokens(LENGTHS), make_samples(LABELS)
    one = build(tiny_llava).loss(feats, samples)
    other = build(
        tiny_llava, loss_lm=0.5,
        loss_cls=dict(type='CrossEntropyLoss', loss_weight=3.)).loss(
            feats, samples)
    torch.testing.assert_close(other['loss_lm'], 0.5 * one['loss_lm'])
    torch.testing.assert_close(other['loss_cls'], 3 * one['loss_cls'])


def test_head_learns(tiny_llava):
    head = build(tiny_llava)
    feats, samples = make_tokens([4] * 4), make_samples([0, 1, 2, 3])
    optimizer = torch.optim.Adam(
        [p for p in head.parameters() if p.requires_grad], 0.01)
    for _ in range(40):
        losses = head.loss(feats, samples)
        optimizer.zero_grad()
        (losses['loss_cls'] + losses['loss_lm']).backward()
        optimizer.step()
    assert losses['top1_acc'] == 1
    assert losses['loss_cls'] < 0.1
    assert head.generate(head.prompt_inputs(feats)) == CLASSES


def test_inactive_head_adds_no_loss(head, monkeypatch):
    monkeypatch.setattr(head.lm, 'forward_lm', None)  # nor does it read
    head.active = False
    assert head.loss(make_tokens(LENGTHS), make_samples(LABELS)) == {}


def test_inactive_head_predicts_by_the_light_classifier(head, monkeypatch):
    feats = make_tokens([4] * 4)
    light = torch.randn(4, 2, len(CLASSES))
    monkeypatch.setattr(head.lm, 'forward_lm', None)
    head.active = False
    samples = head.predict(feats._replace(light_scores=light),
                           make_samples([0, 2]), num_segs=2)
    views = light[:, 1].softmax(-1).view(2, 2, -1)
    for clip, sample in enumerate(samples):
        torch.testing.assert_close(sample.pred_score, views[clip].mean(0))
        assert torch.equal(sample.pred_tokens, feats.ids[2 * clip])
    # Without such a classifier there are the tokens alone.
    sample, = head.predict(feats.clips(slice(1)), make_samples([0]))
    assert 'pred_tokens' in sample and 'pred_score' not in sample


def test_views_are_averaged(head):
    feats, samples = make_tokens([4] * 4), make_samples([0, 2])
    samples = head.predict(feats, samples, num_segs=2)
    views = head(feats).softmax(-1).view(2, 2, -1)
    for clip, sample in enumerate(samples):
        torch.testing.assert_close(sample.pred_score, views[clip].mean(0))
        assert torch.equal(sample.pred_tokens, feats.ids[2 * clip])


def test_features_may_be_a_plain_tuple(head):
    # With max_testing_views Recognizer3D joins those of several views.
    feats = make_tokens(LENGTHS)
    samples = head.predict(tuple(feats), make_samples(LABELS))
    expected = head.predict(feats, make_samples(LABELS))
    for a, b, ids in zip(samples, expected, feats.ids):
        assert torch.equal(a.pred_score, b.pred_score)
        assert a.pred_tokens.tolist() == ids[:len(a.pred_tokens)].tolist()
    assert [len(s.pred_tokens) for s in samples] == LENGTHS


# ----------------------------------------------------------------- errors
@pytest.mark.parametrize('labels', [[0, 4], [-1, 0]])
def test_label_outside_the_list(head, labels):
    with pytest.raises(ValueError, match='labels .* 4 classes'):
        head.loss(make_tokens([3, 3]), make_samples(labels))


def test_wrong_number_of_classes(tiny_llava):
    with pytest.raises(ValueError, match='num_classes=7.* 4'):
        build(tiny_llava, num_classes=7)


def test_two_classes_of_one_name(tiny_llava):
    with pytest.raises(ValueError, match="'drink'"):
        build(tiny_llava, num_classes=2, class_names=['drink', 'drink'])


def test_names_that_the_tokenizer_cannot_tell_apart(tiny_llava):
    with pytest.raises(ValueError, match='class name'):
        build(tiny_llava, num_classes=2, class_names=['sit  down', 'sit down'])


@pytest.mark.parametrize('path', ['/no/such/folder', './no/such/folder'])
def test_no_model_folder(path):
    with pytest.raises(FileNotFoundError) as error:
        MODELS.build(head_cfg(path))
    assert path in str(error.value)
    assert 'pretrained_model_name_or_path' in str(error.value)
    assert 'lvlm_var_mm fetch_smollm2' in str(error.value)


def test_folder_without_a_model(tiny_llava, tmp_path):
    tokenizer = dict(
        type='transformers.AutoTokenizer.from_pretrained',
        pretrained_model_name_or_path=str(tiny_llava))
    with pytest.raises(FileNotFoundError, match='lvlm.pretrained_model_name'):
        MODELS.build(head_cfg(tmp_path, tokenizer=tokenizer))


def test_type_that_names_nothing(tiny_llava):
    with pytest.raises(ValueError, match='`lvlm.type`.*NoSuchModel'):
        build(tiny_llava, lvlm=lvlm(tiny_llava, 'transformers.NoSuchModel'))


@pytest.mark.parametrize('key, template', [
    ('prompt', 'no tokens'),
    ('prompt', '{tokens} and {tokens}'),
    ('answer', '{reason}'),
    ('answer', '{label}'),
    ('answer', '{reason}\n{label}'),
    ('answer', '{label}{reason}'),
])
def test_templates(tiny_llava, key, template):
    with pytest.raises(ValueError, match=f'`{key}`'):
        build(tiny_llava, **{key: template})


def test_other_templates(tiny_llava):
    head = build(
        tiny_llava, prompt='{tokens}', answer='The {label}, {reason}.')
    losses = head.loss(make_tokens(LENGTHS), make_samples(LABELS))
    assert all(v.isfinite() for v in losses.values())
    assert head.in_channels == CHANNELS and ANSWER != 'The {label}, {reason}.'


# ------------------------------------------------------- prompts and names
def test_one_of_several_prompts_is_drawn_for_training(tiny_llava):
    prompts = ['{tokens} .', 'why : {tokens} .']
    feats, samples = make_tokens(LENGTHS), make_samples(LABELS)
    alone = [build(tiny_llava, prompt=p) for p in prompts]
    head = build(tiny_llava, prompt=prompts)
    expected = [float(h.loss(feats, samples)['loss_cls']) for h in alone]
    found = {float(head.loss(feats, samples)['loss_cls']) for _ in range(20)}
    assert sorted(found) == pytest.approx(sorted(expected))
    with torch.no_grad():
        torch.testing.assert_close(head.eval()(feats), alone[0].eval()(feats))


def test_one_prompt_draws_no_random_number(head):
    before = torch.random.get_rng_state()
    head.loss(make_tokens(LENGTHS), make_samples(LABELS))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_candidates_stand_in_the_prompt(tiny_llava):
    head = build(tiny_llava, prompt='{candidates} : {tokens}')
    words = head.tokenizer('drink, drink water, sit down, clapping :')
    assert head.prompt.before == words.input_ids
    head.set_classes(['clapping', 'drink'])
    assert head.prompt.before == head.tokenizer('clapping, drink :').input_ids


def test_chat(tiny_llava):
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_llava)
    with pytest.raises(ValueError, match='no chat template'):
        build(tiny_llava, chat=True)
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}{{ m.content }}</s>"
        "{% endfor %}{% if add_generation_prompt %}sit {% endif %}")
    head = build(tiny_llava, chat=True, prompt='action {tokens} why',
                 tokenizer=dict(type=lambda: tokenizer))
    as_ids = tokenizer.convert_tokens_to_ids
    assert head.prompt.before == as_ids(['<s>', 'action'])
    assert head.prompt.after == as_ids(['why', '</s>', 'sit'])


@torch.no_grad()
def test_any_names_at_test_time(tiny_llava):
    head, feats = build(tiny_llava).eval(), make_tokens(LENGTHS)
    scores = head(feats)
    head.set_classes(['clapping', ('sit down', 'the knees bend'), 'water'])
    found = head(feats)
    torch.testing.assert_close(found[:, :2], scores[:, [3, 2]])
    assert found.shape == (3, 3) and head.num_classes == 3
    assert len(head.predict(feats, make_samples([0] * 3))[0].pred_score) == 3
    with pytest.raises(FileNotFoundError, match='no/such/list.txt'):
        head.set_classes('no/such/list.txt')


# --------------------------------------------------------- fewer names
def test_enough_negatives_are_all_names(tiny_llava):
    feats, samples = make_tokens(LENGTHS), make_samples(LABELS)
    expected = build(tiny_llava).loss(feats, samples)
    found = build(tiny_llava, num_negatives=4).loss(feats, samples)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)


def test_negatives_take_part_alone(tiny_llava):
    head = build(tiny_llava, num_negatives=1)
    feats, samples = make_tokens([4, 4]), make_samples([1, 1])
    with torch.no_grad():
        scores = head.eval()(feats)
    possible = [float(torch.nn.functional.cross_entropy(
        scores[:, [1, other]], torch.zeros(2, dtype=torch.long)))
        for other in (0, 2, 3)]
    seen = {min(range(3), key=lambda i: abs(possible[i] - loss)): loss
            for loss in (float(head.loss(feats, samples)['loss_cls'])
                         for _ in range(20))}
    assert len(seen) > 1
    for i, loss in seen.items():
        assert loss == pytest.approx(possible[i], rel=1e-4)


def test_negatives_are_those_mistaken_most(tiny_llava):
    negatives = build(tiny_llava, num_negatives=2).negatives
    negatives.taken_for[1] = torch.tensor([0., .9, .1, .6])
    for _ in range(10):
        chosen = negatives.draw(torch.tensor([1, 1])).tolist()
        assert chosen == sorted(set(chosen)) and len(chosen) == 3
        assert {1, 3} <= set(chosen)
    scores = torch.tensor([[0., 5.]])
    whole = negatives.spread(scores, torch.tensor([0, 2]), torch.tensor([0]))
    assert whole.tolist() == [[0., -torch.inf, 5., -torch.inf]]
    assert negatives.taken_for[0, 2] == pytest.approx(.1, abs=.001)
    assert 'negatives.taken_for' in dict(negatives=negatives)[
        'negatives'].state_dict(prefix='negatives.')


@pytest.mark.parametrize('labels', [[5], [5, 5, 7], [0, 1, 2, 3, 4]])
def test_negatives_mean_the_same_whatever_the_batch(labels):
    negatives = Negatives(10, 3)
    chosen = negatives.draw(torch.tensor(labels)).tolist()
    assert set(labels) <= set(chosen)
    # Each clip is scored against three wrong names, or all of its batch.
    assert len(chosen) == max(4, len(set(labels)))


def test_training_does_not_know_the_unseen(tiny_llava):
    head = build(tiny_llava, unseen=[0, 2])
    feats, samples = make_tokens([4, 4]), make_samples([1, 3])
    with torch.no_grad():
        scores = head.eval()(feats)
    assert scores.shape == (2, 4) and torch.isfinite(scores).all()
    loss = head.loss(feats, samples)['loss_cls']
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(
        scores[:, [1, 3]], torch.tensor([0, 1])))
    with pytest.raises(ValueError, match=r'unseen.*\[2\].*`only`'):
        head.loss(feats, make_samples([1, 2]))
    with pytest.raises(ValueError, match='labels are 0 to 3'):
        build(tiny_llava, unseen=[4])
    with pytest.raises(ValueError, match='unseen'):
        build(tiny_llava, label_smooth_eps=0.2, unseen=[0])


def test_label_smoothing(tiny_llava):
    feats, samples = make_tokens(LENGTHS), make_samples(LABELS)
    head = build(tiny_llava, label_smooth_eps=0.2)
    loss = head.loss(feats, samples)['loss_cls']
    expected = torch.nn.functional.cross_entropy(
        head(feats), torch.tensor(LABELS), label_smoothing=0.2)
    torch.testing.assert_close(loss, expected)
    with pytest.raises(ValueError, match='num_negatives'):
        build(tiny_llava, label_smooth_eps=0.2, num_negatives=2)
