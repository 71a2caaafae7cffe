"""Exported models: others read them, and they come back unchanged."""
import json
import runpy

import peft
import pytest
import torch
import transformers
from helpers import REPO, file_limit, head_cfg
from mmengine.config import Config
from mmengine.runner import CheckpointLoader, load_checkpoint, save_checkpoint
from recognizers import SKELETON, batch, build_for_test, recognizer
from safetensors.torch import load_file, save_file

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.export import ACTION, ADAPTER, DESCRIPTION, export
from mmaction.registry import MODELS

CLASS = dict(llava='LlavaForConditionalGeneration', llama='LlamaForCausalLM')


@pytest.fixture(scope='module', params=CLASS)
def trained(request, tmp_path_factory):
    """``(kind, base folder, cfg, model, checkpoint, exported folder)``."""
    kind = request.param
    base = request.getfixturevalue(f'tiny_{kind}')
    tmp = tmp_path_factory.mktemp(kind)
    cfg = recognizer(base)
    if kind == 'llama':
        cfg['cls_head'] = head_cfg(base, lora=dict(
            type='peft.LoraConfig', r=4, target_modules=['q_proj', 'up_proj']))
        cfg['cls_head']['lvlm']['type'] = f'transformers.{CLASS[kind]}' \
            '.from_pretrained'
    model = build_for_test(cfg)
    with torch.no_grad():
        for name, param in model.named_parameters():
            if 'lora_B' in name:
                torch.nn.init.normal_(param)
    checkpoint = str(tmp / 'a.pth')
    save_checkpoint(dict(state_dict=model.state_dict()), checkpoint)
    cfg = Config(dict(model=cfg))
    export(cfg, checkpoint, str(tmp / 'out'), merged=True)
    return kind, base, cfg, model, checkpoint, tmp / 'out'


@torch.no_grad()
def scores(model):
    samples = model.test_step(batch(SKELETON, [2, 3, 0]))
    return torch.stack([s.pred_score for s in samples])


@torch.no_grad()
def plain_scores(model, lvlm):
    """Log-likelihoods of the names of one clip by a language model alone:
    an ordinary forward for each name."""
    head = model.cls_head
    data = model.data_preprocessor(batch(SKELETON, [2]), training=False)
    feats, _ = model.extract_feat(data['inputs'], test_mode=True)
    feats = type(feats)(*feats)
    prompt = head.prompt_inputs(feats).embeds
    embed, found = lvlm.get_input_embeddings(), []
    for name in map(head.prompt.name, head.classes.names):
        ids = torch.tensor([name])
        logits = lvlm(inputs_embeds=torch.cat([prompt, embed(ids)], 1)).logits
        logprobs = logits[0, prompt.shape[1] - 1:-1].log_softmax(-1)
        found.append(logprobs.gather(1, ids.T).sum())
    return head(feats)[0], torch.stack(found)


def test_comes_back(trained):
    _, _, cfg, model, checkpoint, out = trained
    other = MODELS.build(cfg.model).eval()
    assert not torch.allclose(
        other.cls_head.projector[0].weight,
        model.cls_head.projector[0].weight)
    load_checkpoint(other, str(out), 'cpu', strict=True)
    assert torch.equal(scores(other), scores(model))
    state = CheckpointLoader.load_checkpoint(str(out))['state_dict']
    written = torch.load(checkpoint)['state_dict']
    assert set(state) == set(written)
    assert all(torch.equal(v, written[k]) for k, v in state.items())


def test_config_and_tokenizer(trained):
    _, _, cfg, model, _, out = trained
    assert Config.fromfile(str(out / 'config.py')).model == cfg.model
    tokenizer = transformers.AutoTokenizer.from_pretrained(out / 'tokenizer')
    assert tokenizer.get_vocab() == model.cls_head.tokenizer.get_vocab()
    assert not list(out.parent.glob('*.part'))


def test_plain_peft_reads_the_adapter(trained):
    kind, base, _, model, _, out = trained
    bare = getattr(transformers, CLASS[kind]).from_pretrained(
        base, dtype=torch.float32, attn_implementation='eager')
    lvlm = peft.PeftModel.from_pretrained(bare, out / 'adapter').eval()
    settings = json.loads((out / 'adapter/adapter_config.json').read_text())
    assert settings['base_model_name_or_path'] == str(base)
    ours, plain = plain_scores(model, lvlm)
    torch.testing.assert_close(plain, ours, rtol=3e-6, atol=1e-5)
    # Adapters alone, by the names that PEFT gives them.
    tensors = load_file(out / ADAPTER)
    assert all(k.startswith('base_model.model.') and
               k.split('.')[-2] in ('lora_A', 'lora_B') for k in tensors)
    lora = {n for n, _ in model.named_parameters() if 'lora_' in n}
    assert len(tensors) == len(lora) > 4


def test_plain_transformers_reads_the_merged_model(trained):
    kind, _, _, model, _, out = trained
    lvlm = getattr(transformers, CLASS[kind]).from_pretrained(
        out / 'merged', dtype=torch.float32,
        attn_implementation='eager').eval()
    assert not any('lora' in n for n, _ in lvlm.named_parameters())
    assert list((out / 'merged').glob('*.safetensors'))
    ours, plain = plain_scores(model, lvlm)
    torch.testing.assert_close(plain, ours, rtol=3e-6, atol=1e-5)


# ------------------------------------------------------------ what is wrong
@pytest.fixture
def copied(trained, tmp_path):
    """An exported folder of its own."""
    _, _, cfg, _, checkpoint, _ = trained
    export(cfg, checkpoint, str(tmp_path / 'out'))
    assert not (tmp_path / 'out/merged').exists()
    return tmp_path / 'out'


@pytest.mark.parametrize('file', [ACTION, ADAPTER])
def test_files_are_those_that_were_written(copied, file):
    tensors = load_file(copied / file)
    key = next(k for k, v in tensors.items() if v.is_floating_point())
    tensors[key] = tensors[key] + 1
    save_file(tensors, copied / file)
    with pytest.raises(ValueError, match=f'{file} is changed'):
        CheckpointLoader.load_checkpoint(str(copied))
    (copied / file).unlink()
    with pytest.raises(ValueError, match=f'{file} is missing'):
        CheckpointLoader.load_checkpoint(str(copied))


def test_description(copied):
    file = copied / DESCRIPTION
    facts = json.loads(file.read_text())
    file.write_text(json.dumps({**facts, 'format': 99}))
    with pytest.raises(ValueError, match='99 is newer'):
        CheckpointLoader.load_checkpoint(str(copied))
    file.write_text('{')
    with pytest.raises(ValueError, match=f'{DESCRIPTION} is damaged'):
        CheckpointLoader.load_checkpoint(str(copied))
    file.unlink()
    with pytest.raises(FileNotFoundError, match='no checkpoint in the folder'):
        CheckpointLoader.load_checkpoint(str(copied))


def test_another_model_is_refused(trained, tmp_path):
    _, _, cfg, _, _, out = trained
    cfg = cfg.to_dict()
    cfg['model']['cls_head'].update(prompt='Tokens: {tokens}')
    with pytest.raises(ValueError, match='other `prompt`'):
        load_checkpoint(MODELS.build(cfg['model']), str(out), 'cpu')


def test_nothing_is_overwritten(trained, tmp_path):
    _, _, cfg, _, checkpoint, out = trained
    with pytest.raises(FileExistsError, match='another folder'):
        export(cfg, checkpoint, str(out))
    with pytest.raises(FileNotFoundError, match='no.pth'):
        export(cfg, str(tmp_path / 'no.pth'), str(tmp_path / 'new'))
    assert not list(tmp_path.iterdir())


def test_model_without_lora(trained, tmp_path):
    _, base, cfg, _, checkpoint, _ = trained
    cfg = cfg.to_dict()
    cfg['model']['cls_head']['lora'] = None
    with pytest.raises(ValueError, match='`lora`'):
        export(Config(cfg), checkpoint, str(tmp_path / 'new'))


def test_tool(trained, tmp_path, monkeypatch, capsys):
    _, _, cfg, _, checkpoint, _ = trained
    cfg.dump(str(tmp_path / 'cfg.py'))
    tool = runpy.run_path(str(REPO / 'tools/export.py'))['main']
    out = str(tmp_path / 'new')
    monkeypatch.setattr('sys.argv', ['export.py', str(tmp_path / 'cfg.py'),
                                     checkpoint, out])
    tool()
    assert ACTION in capsys.readouterr().out
    CheckpointLoader.load_checkpoint(out)
    with pytest.raises(SystemExit) as end, user_errors():
        tool()
    assert end.value.code == 2
    assert 'is there already' in capsys.readouterr().err


@pytest.mark.parametrize('room', [500, 3000, 20000])
def test_full_disk_leaves_nothing(trained, tmp_path, room):
    """Whatever library writes the file that does not fit."""
    _, _, cfg, _, checkpoint, _ = trained
    with file_limit(tmp_path, room), pytest.raises(OSError, match='the file'):
        export(cfg, checkpoint, str(tmp_path / 'the file'), merged=True)
    assert not list(tmp_path.iterdir())
