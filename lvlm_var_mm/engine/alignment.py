"""Gives the semantic alignment of a VST neck its texts."""
import os.path as osp
from functools import partial
from typing import Dict, List, Optional, Sequence

import torch
from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from lvlm_var_mm.checkpoint.fingerprint import digest
from lvlm_var_mm.class_lists import ClassList
from lvlm_var_mm.models.lvlm.build import PATH_KEY, build
from lvlm_var_mm.models.vst.code_names import VOCABULARY
from lvlm_var_mm.models.vst.losses import Alignment
from mmaction.registry import HOOKS
from .averaged import copies


@HOOKS.register_module()
class SemanticAlignmentHook(Hook):
    """Embeds the texts of the classes and of the body-part events before
    training, for ``align`` of :class:`VSTNeck`.

    What a checkpoint brought along is kept if it is of the same texts and
    encoder; the log says which.

    Args:
        encoder (dict, optional): A sentence encoder, such as
            ``dict(type='transformers.AutoModel.from_pretrained',
            pretrained_model_name_or_path=...)``; its last hidden states are
            averaged. Defaults to the language model in use.
    """

    def __init__(self, encoder: Optional[Dict] = None) -> None:
        self.encoder = encoder

    def before_train(self, runner: Runner) -> None:
        model, *averaged = map(alignments, copies(runner))
        if not model:
            raise ValueError('SemanticAlignmentHook: `model.neck` has no '
                             '`align`')
        for align, *others in zip(model, *averaged):
            self._set_texts(runner, align)
            for other in others:
                other.set_targets(align.targets)

    def _set_texts(self, runner: Runner, align: Alignment) -> None:
        model = copies(runner)[0]
        texts = class_texts(model.cls_head.classes), VOCABULARY
        path = self.encoder and str(self.encoder[PATH_KEY])
        source = digest([*texts, path and osp.basename(osp.normpath(path))])
        if align.are_of(source):
            runner.logger.info('the targets of `align` are those of the '
                               'checkpoint')
        else:
            runner.logger.info(
                'the targets of `align` are made of the class texts and the '
                'event names' + ('' if align.source is None else
                                 ': the checkpoint has those of others'))
            embed = model.cls_head.embed_texts
            if self.encoder is not None:
                embed = partial(encode, self.encoder)
            align.set_texts(*map(embed, texts), source)
            for target in align.targets:  # no device rounds like another
                broadcast(target)


def alignments(model: nn.Module) -> List[Alignment]:
    """Return the alignments of a model: of its neck, or of each branch."""
    return [m for m in model.neck.modules() if isinstance(m, Alignment)]


def class_texts(classes: ClassList) -> Sequence[str]:
    """Return the text of each class: its name, then its description."""
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
