"""Explain clips of a data set, and load a model without its language
model."""
from typing import Dict, List, Sequence

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from lvlm_var_mm.checkpoint.strict import another_model_refused
from lvlm_var_mm.models.tokens import tokens_of
from mmaction.registry import MODELS


@torch.no_grad()
def explain(model: nn.Module, dataset: BaseDataset,
            indices: Sequence[int], verify: bool = False) -> List[Dict]:
    """Classify and explain some clips in words.

    Args:
        model (nn.Module): A recognizer with an ``LVLMHead``, without a
            distributed wrapper.
        dataset (BaseDataset): With its test pipeline.
        indices (Sequence[int]): Of the clips.
        verify (bool): Rewrite or leave out what the joints contradict.

    Returns:
        list[dict]: For each clip ``name``, ``truth`` and ``answer`` (class
        names), ``score`` (of the answer), ``narrative``, ``reason``,
        ``claims`` (each with its truth on the joints, None where they do not
        tell) and ``seconds`` (that its reason took).
    """
    was_training = model.training
    model.eval()
    try:
        data = model.data_preprocessor(
            pseudo_collate([dataset[i] for i in indices]), False)
        samples = data['data_samples']
        head, tokens = model.cls_head, tokens_of(model, data['inputs'])
        inputs = head.prompt_inputs(tokens, samples)
        samples = head.predict_inputs(tokens, inputs, samples)
        samples = head.write_reasons(inputs, samples, verify)
    finally:
        model.train(was_training)
    names = model.cls_head.classes.names
    return [
        dict(
            name=sample.get('frame_dir') or f'clip {i}',
            truth=names[int(sample.gt_label)],
            answer=names[int(sample.pred_label)],
            score=float(sample.pred_score.max()),
            narrative=sample.pred_narrative,
            reason=sample.pred_reason,
            claims=sample.pred_claims,
            seconds=sample.pred_reason_seconds)
        for i, sample in zip(indices, samples)
    ]


def load_tokenizer(cfg: Config, checkpoint: str,
                   neck: bool = True) -> nn.Module:
    """Backbone and neck of a model, without the language model, in test mode.

    Args:
        cfg (Config): Of the whole model.
        checkpoint (str): Of the whole model.
        neck (bool): Without it, the backbone alone.

    Returns:
        nn.Module: A recognizer without ``cls_head``; its ``extract_feat``
        gives :class:`SemanticTokens`.
    """
    left_out = ('cls_head', ) if neck else ('cls_head', 'neck')
    model = MODELS.build({k: v for k, v in cfg.model.items()
                          if k not in left_out})
    state = CheckpointLoader.load_checkpoint(checkpoint, 'cpu')
    state = state.get('state_dict', state)
    with another_model_refused(checkpoint):
        load_state_dict(
            model, {k: v for k, v in state.items()
                    if k.split('.')[0] not in left_out}, strict=True)
    return model.eval()
