"""Gives the semantic alignment of a VST neck its texts."""
from typing import Dict, Optional, Sequence

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from lvlm_var_mm.class_lists import ClassList
from lvlm_var_mm.models.lvlm.build import PATH_KEY, build
from lvlm_var_mm.models.vst.code_names import VOCABULARY
from mmaction.registry import HOOKS


@HOOKS.register_module()
class SemanticAlignmentHook(Hook):
    """Embeds the texts of the classes and of the body-part events before
    training, for ``align`` of :class:`VSTNeck`.

    Args:
        encoder (dict, optional): A sentence encoder, such as
            ``dict(type='transformers.AutoModel.from_pretrained',
            pretrained_model_name_or_path=...)``; its last hidden states are
            averaged. Defaults to the language model in use.
    """

    def __init__(self, encoder: Optional[Dict] = None) -> None:
        self.encoder = encoder

    def before_train(self, runner: Runner) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        if not model.neck.align:
            raise ValueError('SemanticAlignmentHook: `model.neck` has no '
                             '`align`')
        embed = model.cls_head.embed_texts
        if self.encoder is not None:
            def embed(texts):
                return encode(self.encoder, texts)
        model.neck.align.set_texts(
            embed(class_texts(model.cls_head.classes)), embed(VOCABULARY))


def class_texts(classes: ClassList) -> Sequence[str]:
    """What is said of each class: its name, then its description."""
    return [f'{name}: {description}' if description else name
            for name, description in zip(classes.names,
                                         classes.descriptions)]


@torch.no_grad()
def encode(encoder: Dict, texts: Sequence[str]) -> Tensor:
    """(n, D) means of the last hidden states of a sentence encoder."""
    tokenizer = build(
        {'type': 'transformers.AutoTokenizer.from_pretrained',
         PATH_KEY: encoder[PATH_KEY]}, 'encoder')
    model = build(encoder, 'encoder').eval()
    batch = tokenizer(list(texts), padding=True, return_tensors='pt')
    hidden = model(**batch).last_hidden_state.float()
    mask = batch['attention_mask'][..., None]
    return (hidden * mask).sum(1) / mask.sum(1)
