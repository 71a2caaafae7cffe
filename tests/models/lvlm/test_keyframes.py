"""Keyframes through the vision towers of three families of models: the head
against each model's own forward."""
import numpy as np
import pytest
import torch
import transformers
from helpers import (CLASSES, SIZES, head_cfg, make_samples, make_tokens, save,
                     write_image_processor, write_internvl, write_llava,
                     write_qwen, write_tokenizer)
from mmcv.transforms import Compose
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from lvlm_var_mm.datasets import KeyFrames
from lvlm_var_mm.estimate import keyframe_positions
from mmaction.registry import MODELS

PROMPT = 'Semantic {keyframes} of a clip: {tokens} The action, and why:\n'
AROUND = dict(qwen='hand {picture} glass ')
NUM = 2  # keyframes of a clip


def write_llava_and_pictures(folder):
    write_llava(folder)
    write_image_processor(folder)
    return 'LlavaForConditionalGeneration'


@pytest.fixture(scope='module', params=['llava', 'qwen', 'internvl'])
def folder(request, tmp_path_factory):
    """``(folder, class, what stands around a picture)``."""
    path = tmp_path_factory.mktemp(request.param)
    write = dict(llava=write_llava_and_pictures, qwen=write_qwen,
                 internvl=write_internvl)[request.param]
    return path, write(path), AROUND.get(request.param, '{picture}')


def build(folder, prompt=PROMPT, **over):
    path, kind, around = folder
    torch.manual_seed(0)
    cfg = head_cfg(path, prompt=prompt, keyframe=around, **over)
    cfg['lvlm']['type'] = f'transformers.{kind}.from_pretrained'
    head = MODELS.build(cfg)
    with torch.no_grad():
        for name, param in head.named_parameters():
            if 'lora_B' in name:
                torch.nn.init.normal_(param, std=.1)
    return head


def samples(labels, seed=0, **over):
    rng = np.random.default_rng(seed)
    found = make_samples(labels)
    for sample in found:
        frames = rng.integers(0, 256, (NUM, 16, 16, 3), dtype=np.uint8)
        sample.set_metainfo(dict(dict(keyframes=frames), **over))
    return found


@torch.no_grad()
def by_its_own_forward(head, feats, sample, text):
    """Log-probabilities of what follows each position of ``text``, behind the
    prompt of one clip: the model gets pixels and the ids of its image token,
    puts the pictures in and numbers the positions itself."""
    lvlm, prompt = head.lvlm.get_base_model(), head.prompt
    frames = head.encode_keyframes([sample], 1)[0].shape[1] // NUM
    around = head.keyframes.before, head.keyframes.after
    image = getattr(lvlm.config, 'image_token_id', None)
    image = lvlm.config.image_token_index if image is None else image
    picture = [*around[0], *[image] * (frames - len(sum(around, []))),
               *around[1]]
    length = feats.embeds.shape[1]
    opening = [*prompt.before, *picture * NUM, *prompt.between]
    ids = torch.tensor([[*opening, *[3] * length, *prompt.after, *text]])
    embeds = head.lm.embedding(ids)
    embeds[:, len(opening):len(opening) + length] = head.token_scale(
        head.projector(feats.embeds))
    given = {k: v for k, v in head.keyframes.processor(
        images=list(sample.keyframes), return_tensors='pt').items()
        if k != 'num_patches'}
    if hasattr(lvlm.model, 'get_rope_index'):
        given.update(input_ids=ids, mm_token_type_ids=(ids == image).int())
    # Elsewhere pictures are found by their embeddings, for no ids are given.
    logits = lvlm(inputs_embeds=embeds, **given).logits
    return logits[0, -len(text) - 1:].log_softmax(-1)


def test_scores_are_those_of_the_model(folder):
    head = build(folder).eval()
    feats, found = make_tokens([4, 4]), samples([0, 1])
    with torch.no_grad():
        scores = head(feats, found)
    for i in range(2):
        for score, name in zip(scores[i], map(head.prompt.name,
                                              head.classes.names)):
            logprobs = by_its_own_forward(
                head, feats.clips(slice(i, i + 1)), found[i], name)
            expected = logprobs[:-1].gather(1, torch.tensor([name]).T).sum()
            torch.testing.assert_close(score, expected, rtol=0, atol=1e-4)
    # The pictures matter.
    with torch.no_grad():
        other = head(feats, samples([0, 1], seed=1))
    assert (other - scores).abs().min() > 1e-3


def test_batches_of_mixed_length(folder):
    head = build(folder).eval()
    feats, found = make_tokens([4, 2]), samples([0, 1])
    with torch.no_grad():
        scores = head(feats, found)
        short = feats.clips(slice(1, 2))
        short = short._replace(**{k: getattr(short, k)[:, :2]
                                  for k in ('embeds', 'ids', 'mask')})
        alone = head(short, found[1:])
    torch.testing.assert_close(scores[1:], alone, rtol=0, atol=1e-4)


def test_reasons_are_those_of_the_model(folder):
    """Written token by token, each the most likely one, up to the end."""
    head = build(folder).eval()
    feats, found = make_tokens([4]), samples([0])
    text = head.prompt.name(head.classes.names[2])
    named = len(text)
    for _ in range(4):
        logprobs = by_its_own_forward(head, feats, found[0], text)
        text = [*text, int(logprobs[-1].argmax())]
        if text[-1] == head.tokenizer.eos_token_id:
            break
    (_, reason), = head.generate(head.prompt_inputs(feats, found), labels=[2],
                                 max_new_tokens=4)
    assert reason == head.prompt.decode(text[named:]) != ''


def test_positions_of_pictures(folder):
    """Of the models here Qwen-VL alone numbers them by rows and columns: two
    by two, with a word before and one behind, take up four numbers."""
    head, found = build(folder).eval(), samples([0])
    places = head.encode_keyframes(found, 1)[1]
    if not hasattr(head.lvlm.get_base_model().model, 'get_rope_index'):
        assert places.shape[1] == 0
        return
    rows, columns = (torch.arange(2)[:, None].expand(2, 2).flatten(),
                     torch.arange(2).repeat(2))
    one = [torch.cat([torch.tensor([0]), 1 + axis, torch.tensor([3])])
           for axis in (0 * rows, rows, columns)]
    expected = torch.stack([torch.cat([axis, 4 + axis, torch.tensor([8])])
                            for axis in one])
    assert torch.equal(places[0], expected)


def test_positions_are_known_beforehand(folder):
    head, (sample, ) = build(folder), samples([0])
    assert keyframe_positions(head, sample) == head.encode_keyframes(
        [sample], 1)[0].shape[1]
    head = build(folder, prompt='Semantic tokens of a clip: {tokens} why:\n')
    assert keyframe_positions(head, sample) == 0


def test_action_tokens_alone(folder):
    """The models serve without their vision towers too."""
    head = build(folder, prompt='Semantic tokens of a clip: {tokens} why:\n')
    feats, found = make_tokens([4, 3]), make_samples([0, 1])
    with torch.no_grad():
        scores = head.eval()(feats)
        alone = torch.cat([head(feats.clips(slice(i, i + 1)))
                           for i in range(2)])
    torch.testing.assert_close(scores, alone, atol=1e-4, rtol=1e-4)
    answers = head.generate(head.prompt_inputs(feats), max_new_tokens=3)
    assert len(answers) == 2 and torch.isfinite(scores).all()
    losses = head.train().loss(feats, found)
    assert float(losses['loss_cls']) > 0


def test_trains(folder):
    head = build(folder).train()
    losses = head.loss(make_tokens([4, 3]), samples([0, 1]))
    (losses['loss_cls'] + losses['loss_lm']).backward()
    grads = {n: p.grad for n, p in head.named_parameters() if p.requires_grad}
    assert all(g is not None and g.abs().sum() > 0 for g in grads.values())
    assert not any('vis' in n for n in grads)


def test_views_see_the_same_pictures(folder):
    head, found = build(folder).eval(), samples([0, 1])
    feats = make_tokens([4] * 4)  # two views of each clip
    frames = head.encode_keyframes(found, len(feats.ids))[0]
    assert len(frames) == 4
    assert torch.equal(frames[0], frames[1])
    assert not torch.equal(frames[1], frames[2])
    predicted = head.predict(feats, found)
    assert len(predicted) == 2
    assert predicted[0].pred_score.shape == (len(CLASSES), )
    answers = head.generate(head.prompt_inputs(feats, found), max_new_tokens=3)
    assert len(answers) == 4


def test_prior_has_no_pictures(folder):
    head = build(folder, scoring=dict(prior=1.)).eval()
    with torch.no_grad():
        a, b = (head(make_tokens([4]), samples([0], seed=s))
                for s in (0, 1))
        head.train().eval()  # forgets what was cached
        again = head(make_tokens([4]), samples([0], seed=1))
    torch.testing.assert_close(again, b)
    assert not torch.allclose(a, b)


def test_samples_without_pictures(folder):
    head = build(folder)
    with pytest.raises(ValueError, match="type='KeyFrames'.*meta_keys"):
        head.loss(make_tokens([4]), make_samples([0]))
    few = samples([0]) + samples([1], keyframes=np.zeros(
        (1, 16, 16, 3), np.uint8))
    with pytest.raises(ValueError, match='positions.*one `num`'):
        head.loss(make_tokens([4, 4]), few)


def test_model_without_eyes(tiny_llama):
    cfg = head_cfg(tiny_llama, prompt=PROMPT, image_processor=dict(
        type='transformers.CLIPImageProcessor'), lora=None)
    cfg['lvlm']['type'] = 'transformers.LlamaForCausalLM.from_pretrained'
    with pytest.raises(ValueError, match='LlamaForCausalLM sees no pictures'):
        MODELS.build(cfg).loss(make_tokens([4]), samples([0]))


def test_tower_that_feeds_deeper_layers(tmp_path):
    tokenizer = write_tokenizer(tmp_path)
    text = dict(SIZES, vocab_size=len(tokenizer), head_dim=8,
                rope_scaling=dict(rope_type='default',
                                  mrope_section=[1, 1, 2]))
    save(tmp_path, Qwen3VLForConditionalGeneration(Qwen3VLConfig(
        text_config=text, vision_config=dict(
            depth=1, hidden_size=16, intermediate_size=24, num_heads=2,
            patch_size=4, spatial_merge_size=2, temporal_patch_size=2,
            out_hidden_size=32, num_position_embeddings=16,
            deepstack_visual_indexes=[0]), image_token_id=0)))
    transformers.Qwen2VLImageProcessor(
        patch_size=4, merge_size=2, temporal_patch_size=2, min_pixels=64,
        max_pixels=256).save_pretrained(tmp_path)
    head = build((tmp_path, 'Qwen3VLForConditionalGeneration', '{picture}'))
    with pytest.raises(ValueError, match='DeepStack.*out of `prompt`'):
        head.loss(make_tokens([4]), samples([0]))


@pytest.mark.parametrize('prompt', [
    'Clip: {tokens} {keyframes} why:\n', '{keyframes} {keyframes} {tokens}'])
def test_bad_prompt(folder, prompt):
    with pytest.raises(ValueError, match='keyframes'):
        build(folder, prompt=prompt)


def test_all_prompts_or_none(folder):
    with pytest.raises(ValueError, match='all templates or none'):
        build(folder, prompt=[PROMPT, 'a clip: {tokens} why:\n'])


def test_transform():
    imgs = [np.full((20, 30, 3), i, np.uint8) for i in range(9)]
    imgs[0][:, :5] = 255  # cut off: the middle alone is kept
    out = Compose([KeyFrames(num=3, size=8)])(dict(imgs=imgs))
    assert out['keyframes'].shape == (3, 8, 8, 3)
    assert out['keyframes'].dtype == np.uint8
    assert [int(f.max()) for f in out['keyframes']] == [0, 4, 8]
    assert out['imgs'] is imgs
    with pytest.raises(ValueError, match='at least 1'):
        KeyFrames(num=0)
