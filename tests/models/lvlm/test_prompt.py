"""Prompt, class name and reason, against each tokenizer's own ids of the
whole text."""
import io
import re

import pytest
import sentencepiece
import tokenizers
import torch
import transformers
from helpers import head_cfg, llama_config, make_samples, make_tokens, save
from mmengine.logging import MMLogger
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from tokenizers import decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaForCausalLM

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.models.lvlm import smollm2, tokenization
from lvlm_var_mm.models.lvlm.label_trie import LabelTrie
from lvlm_var_mm.models.lvlm.prompt import Prompt
from lvlm_var_mm.models.lvlm.reader import ANSWER, PROMPT
from lvlm_var_mm.models.lvlm.words import NOTHING
from mmaction.registry import MODELS

NTU = load_classes('ntu120')
TEMPLATES = [
    (PROMPT, ANSWER),
    ('USER: A clip: {tokens} Name the action. ASSISTANT: ',
     '{label}.\n{reason}'),
    ('{tokens}', 'The action is "{label}", because {reason}.'),
]
TEXTS = [*(line for pair in zip(*NTU) for line in pair),
         *(text for pair in TEMPLATES for text in pair)]


# ------------------------------------------------------------- the tokenizers
@pytest.fixture(scope='module')
def pieces(tmp_path_factory):
    """A SentencePiece model as Llama's, a blank before each text."""
    folder, model = tmp_path_factory.mktemp('pieces'), io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([
            line for text in TEXTS for line in text.split('\n') if line]),
        model_writer=model, model_type='bpe', vocab_size=640,
        byte_fallback=True, normalization_rule_name='identity',
        remove_extra_whitespaces=False, split_digits=True, minloglevel=2)
    (folder / 'tokenizer.model').write_bytes(model.getvalue())
    return folder


def llama(folder, **options):
    return transformers.LlamaTokenizer.from_pretrained(
        folder, add_bos_token=True, **options)


def byte_level():
    core = tokenizers.Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    breaks = ['\n\n drink'] * 9  # two line breaks are one token
    core.train_from_iterator(TEXTS + breaks, trainers.BpeTrainer(
        vocab_size=600, special_tokens=['<s>', '</s>'], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    core.post_processor = processors.TemplateProcessing(
        single='<s> $A </s>', special_tokens=[('<s>', 0), ('</s>', 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token='<s>', eos_token='</s>')


MAKE = {
    'llama': lambda folder: llama(folder, legacy=False),
    'llama-legacy': lambda folder: llama(folder, legacy=True),
    'adds-eos': lambda folder: llama(folder, add_eos_token=True),
    'slow': lambda folder: transformers.BertGenerationTokenizer(
        str(folder / 'tokenizer.model')),
    'byte-level': lambda _: byte_level(),
    'smollm2': lambda _: transformers.AutoTokenizer.from_pretrained(
        smollm2.default_dir()),
}
KINDS = [pytest.param(k, marks=pytest.mark.smollm2) if k == 'smollm2' else k
         for k in MAKE]


@pytest.fixture(params=KINDS)
def kind(request):
    if request.param == 'smollm2' and not smollm2.is_complete(
            smollm2.default_dir()):
        pytest.skip('run python tools/fetch_smollm2.py')
    return request.param


@pytest.fixture
def tokenizer(kind, pieces):
    return MAKE[kind](pieces)


@pytest.fixture
def own(kind, pieces, tokenizer):
    """``own(text, opens)``: what the tokenizer makes of a text that opens a
    sequence, and of one that does not. SentencePiece itself is asked, with
    its blank and without."""
    if kind in ('byte-level', 'smollm2'):
        return lambda text, _: tokenizer(
            text, add_special_tokens=False).input_ids
    proto = ModelProto.FromString((pieces / 'tokenizer.model').read_bytes())
    assert proto.normalizer_spec.add_dummy_prefix
    ways = {}
    for opens in (True, False):
        proto.normalizer_spec.add_dummy_prefix = opens
        ways[opens] = sentencepiece.SentencePieceProcessor(
            model_proto=proto.SerializeToString())
    return lambda text, opens: ways[opens].encode(text)


# ------------------------------------------------------------------ the whole
@pytest.mark.parametrize('prompt, answer', TEMPLATES)
def test_ids_are_those_of_the_whole_text(tokenizer, own, prompt, answer):
    found = Prompt(tokenizer, prompt, answer, NTU.names)
    before, after = prompt.split('{tokens}')
    opens = tokenizer('a').input_ids[:1] == [tokenizer.bos_token_id]
    assert found.before == opens * [tokenizer.bos_token_id] + own(before, True)
    for name, reason in zip(*NTU):
        text = after + answer.format(label=name, reason=reason)
        ids = (found.after + found.name(name) +
               found.reason(name, reason))
        assert ids == own(text, False) + [tokenizer.eos_token_id]
    # What is said in an answer alone is no part of the prompt.
    assert len(found.after) <= len(own(after, False))
    LabelTrie([found.name(name) for name in NTU.names])


STORIES = ['0.4-1.1 s both hands rise; 1.0-1.6 s torso bends forward',
           '0.0-12.3 s right hand stays at the face', NOTHING]
WITH_WORDS = [
    ('What the joints show: {narrative}\nTokens: {tokens}\nThe action:\n',
     ANSWER),
    ('Tokens: {tokens} Joints: {narrative}\nThe action: ',
     '{label}.\n{reason}'),
    ('Joints:\n{narrative}\nThe action:\n', ANSWER),
    ('{narrative}\n', '"{label}", because {reason}.'),
]


@pytest.mark.parametrize('prompt, answer', WITH_WORDS)
def test_narrative_is_a_part_of_the_whole_text(tokenizer, own, prompt,
                                               answer):
    found = Prompt(tokenizer, prompt, answer, NTU.names)
    opens = tokenizer('a').input_ids[:1] == [tokenizer.bos_token_id]
    for story, name, reason in zip(STORIES, *NTU):
        written = prompt.replace('{narrative}', story) + answer.format(
            label=name, reason=reason)
        texts = written.split('{tokens}')
        expected = opens * [tokenizer.bos_token_id] + own(texts[0], True)
        ids = list(found.before)
        for part in found.parts:
            if part == '{tokens}':
                assert ids == expected
                ids, expected = [], own(texts[1], False)
            else:
                ids += (found.narrative(story) if part == '{narrative}'
                        else part)
        ids += found.after + found.name(name) + found.reason(name, reason)
        assert ids == expected + [tokenizer.eos_token_id]


def test_narrative_reads_back(kind, tokenizer):
    if kind == 'slow':
        pytest.skip('does not decode bytes')
    for prompt, answer in WITH_WORDS:
        found = Prompt(tokenizer, prompt, answer, NTU.names)
        text, decoded = found.shown('drink water', 'a hand', STORIES[0])
        assert text == decoded and STORIES[0] in text
        assert ('<tokens>' in text) == ('{tokens}' in prompt)


@pytest.mark.parametrize('prompt', ['A clip: {narrative}s.\n{tokens}\n',
                                    '{tokens} ha{narrative}\n'])
def test_narrative_that_is_joined_is_refused_by_name(pieces, prompt):
    found = Prompt(llama(pieces), prompt, ANSWER, NTU.names)
    with pytest.raises(ValueError, match="joins the narrative 'nd.*line br"):
        found.narrative('nd rise')


@pytest.mark.parametrize('prompt, words', [
    ('A clip', 'hold {tokens} once'), ('{tokens} {tokens}', 'not 2 times'),
    ('{narrative} {narrative}', '{narrative} once, not 2'),
    ('{narrative} {keyframes} {tokens}', '{keyframes} before {tokens}')])
def test_places_that_do_not_fit(pieces, prompt, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        Prompt(llama(pieces), prompt, ANSWER, NTU.names)


def test_reads_back(kind, tokenizer):
    if kind == 'slow':
        pytest.skip('does not decode bytes')
    found = Prompt(tokenizer, PROMPT, ANSWER, NTU.names)
    for name, reason in zip(*NTU):
        text, decoded = found.shown(name, reason)
        assert decoded == text
        assert f'<tokens>\nThe action, and why:\n{name}\n{reason}' in text
        assert found.decode(found.reason(name, reason)) == reason


@pytest.mark.parametrize('text', [
    'drink', '\ndrink', '\n\n drink', ' drink', '  drink', '"drink"', '12', ''
])
def test_text_behind_what_has_none(tokenizer, own, text):
    assert tokenization.encode_behind(tokenizer, text) == own(text, False)


def test_tokenizer_that_joins_everything():
    core = tokenizers.Tokenizer(models.WordLevel({'<unk>': 0}, '<unk>'))
    joins = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token='<unk>', eos_token='<unk>')
    with pytest.raises(ValueError, match="joins 'drink'"):
        tokenization.encode_behind(joins, 'drink')


# -------------------------------------------------------------------- borders
@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def test_prompt_that_is_joined_with_the_names(tokenizer, own, log):
    """The blank at its end is the first letter of most of their tokens."""
    moved = Prompt(tokenizer, 'A clip: {tokens}. Action: ', ANSWER, NTU.names)
    assert moved.after == own('. Action:', False)
    assert 'the end of `prompt`' in log.text
    log.clear()
    plain = Prompt(tokenizer, 'A clip: {tokens}. Action:',
                   ' {label}\n{reason}', NTU.names)
    assert plain.after == moved.after and not log.text
    for name in NTU.names:
        assert plain.name(name) == moved.name(name)


def test_name_whose_end_is_joined_with_the_reason(tokenizer):
    """A blank goes over to the reason, letters are refused."""
    texts = '{tokens} Action: ', 'drink water', 'hand rises'
    found = Prompt(tokenizer, texts[0], '{label}:  {reason}', [texts[1]])
    plain = Prompt(tokenizer, texts[0], '{label}:{reason}', [texts[1]])
    assert found.name(texts[1]) == plain.name(texts[1])
    assert found.decode(found.reason(*texts[1:])) == texts[2]
    split = Prompt(tokenizer, texts[0], '{label}: ha{reason}', [texts[1]])
    with pytest.raises(ValueError) as error:
        split.reason(texts[1], 'nd rises')
    for words in ("'{label}: ha{reason}'", "'drink water'", "'nd rises'",
                  'line break'):
        assert words in str(error.value)
    with pytest.raises(ValueError, match='`answer`.*more than a blank'):
        Prompt(tokenizer, texts[0], '{label} {reason}', [texts[1]])


def test_text_around_pictures(tokenizer, own):
    prompt = 'A clip {keyframes} in steps: {tokens}\n'
    found = Prompt(tokenizer, prompt, ANSWER, NTU.names)
    assert found.before[-len(own('A clip ', True)):] == own('A clip ', True)
    assert found.around == ([], [])
    assert found.between == own(' in steps: ', False)
    found = Prompt(tokenizer, prompt, ANSWER, NTU.names,
                   keyframe='\n"{picture}"\n')
    first, between = '\n"', '"\n'
    assert found.around == (own(first, False), own(between, False))
    # ``"\n\n"`` stands between two pictures, ``"\n in steps: `` behind them.
    assert found.around[1] + found.around[0] == own(between + first, False)
    assert found.around[1] + found.between == own('"\n in steps: ', False)
    for keyframe in ('ha{picture}nd', 'hand {picture}'):
        with pytest.raises(ValueError, match='joins `keyframe`'):
            Prompt(tokenizer, 'A clip {keyframes}: {tokens}\n', ANSWER,
                   NTU.names, keyframe=keyframe)


# ------------------------------------------------------ special tokens, chats
TURN = "{{ bos_token }}USER: %s ASSISTANT:{{ '\\n' }}"
AS_STRING = '{% for m in messages %}{{ m.content | trim }}{% endfor %}'
AS_PARTS = ("{% for m in messages %}{% for part in m.content %}"
            "{% if part.type == 'text' %}{{ part.text }}{% endif %}"
            "{% endfor %}{% endfor %}")
# Others are met by a string with an error.
MUST_BE_PARTS = AS_STRING.replace('m.content', '(m.content | first).text')


@pytest.mark.parametrize('message', [AS_STRING, AS_PARTS, MUST_BE_PARTS])
@pytest.mark.parametrize('turn', [TURN, TURN.replace('{{ bos_token }}', '')])
def test_chat_opens_once(kind, tokenizer, own, message, turn):
    opens = kind not in ('slow', 'smollm2')
    tokenizer.chat_template = turn % message
    found = Prompt(tokenizer, 'A clip: {tokens} Action?', ANSWER, NTU.names,
                   chat=True)
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    written = opens or turn == TURN
    assert found.before.count(bos) == written
    assert found.before[0] == bos or not written
    assert eos not in found.before + found.between + found.after
    assert found.after == own(' Action? ASSISTANT:\n', False)
    if opens:
        plain = Prompt(tokenizer, 'USER: A clip: {tokens}\n', ANSWER,
                       NTU.names)
        # With `legacy`, a blank is put behind a start token that is written.
        assert tokenizer.decode(found.before).replace(' ', '') == (
            tokenizer.decode(plain.before).replace(' ', ''))


def test_chat_that_leaves_out_the_prompt(pieces):
    tokenizer = llama(pieces)
    tokenizer.chat_template = 'USER: ASSISTANT:'
    with pytest.raises(ValueError, match='leaves out the message'):
        Prompt(tokenizer, PROMPT, ANSWER, NTU.names, chat=True)
    with pytest.raises(ValueError, match='`prompt` must hold {tokens} once'):
        Prompt(tokenizer, 'A clip', ANSWER, NTU.names, chat=True)


# ----------------------------------------------------------- through the head
@pytest.fixture(scope='module')
def folder(pieces):
    """A tiny Llama with the SentencePiece tokenizer."""
    tokenizer = llama(pieces, legacy=False)
    tokenizer.save_pretrained(pieces)
    save(pieces, LlamaForCausalLM(llama_config(tokenizer, 32)))
    return pieces


def build(folder, number, **over):
    torch.manual_seed(0)
    cfg = head_cfg(folder, num_classes=number, lora=None,
                   class_names=list(zip(*NTU))[:number], **over)
    cfg['lvlm']['type'] = 'transformers.AutoModelForCausalLM.from_pretrained'
    return MODELS.build(cfg)


def plain_forward(head, feats, text, end=()):
    """Log-probabilities of the ids of ``text`` and of ``end`` that go beyond
    the prompt, in an ordinary forward over the whole of one clip."""
    pieces = sentencepiece.SentencePieceProcessor(
        model_file=f'{head.lvlm.name_or_path}/tokenizer.model')
    # Behind a line break SentencePiece puts no blank.
    ids = pieces.encode(f'\n{text}')[2:] + [*end]
    start = pieces.encode(PROMPT.split('{tokens}')[0], add_bos=True)
    tokens = head.token_scale(head.projector(feats.embeds))[0]
    device = tokens.device
    embeds = torch.cat([head.lm.embed(start, device), tokens,
                        head.lm.embed(ids, device)])
    logits = head.lvlm(inputs_embeds=embeds[None]).logits[0]
    rows = logits[-len(ids) - 1:-1].log_softmax(-1)
    return rows[range(len(ids)), ids][len(head.prompt.after):]


@torch.no_grad()
@pytest.mark.parametrize('end, number', [
    ('\nThe action, and why:\n', 120), (' Action: ', 12)])
def test_scores_are_those_of_the_whole_text(folder, end, number):
    before = PROMPT.split('{tokens}')[0]
    head = build(folder, number, prompt=before + '{tokens}' + end)
    feats, name = make_tokens([4]), NTU.names[3]
    expected = torch.stack([plain_forward(head, feats, f'{end}{n}\n').sum()
                            for n in head.classes.names])
    torch.testing.assert_close(head.eval()(feats)[0], expected, rtol=0,
                               atol=1e-4)
    loss = head.train().loss(feats, make_samples([3]))['loss_lm']
    whole = f'{end}{name}\n{NTU.descriptions[3]}'
    torch.testing.assert_close(
        loss, -plain_forward(head, feats, whole, [head.prompt.end]).mean(),
        rtol=0, atol=1e-4)


def test_each_prompt_has_names_of_its_own(folder):
    prompts = ['A clip: {tokens}\n', 'A clip: {tokens} Action: ']
    feats, samples = make_tokens([4, 3]), make_samples([3, 5])
    alone = [build(folder, 6, prompt=p) for p in prompts]
    assert alone[0].trie.sequences != alone[1].trie.sequences
    head = build(folder, 6, prompt=prompts)
    for key in ('loss_cls', 'loss_lm'):
        expected = [h.loss(feats, samples)[key].item() for h in alone]
        found = {head.loss(feats, samples)[key].item() for _ in range(12)}
        assert sorted(found) == pytest.approx(sorted(expected))
