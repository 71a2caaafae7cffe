"""Works for tools/perf/kill.py to interrupt: a training, and what writes for
it."""
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any, Dict

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, find_latest_checkpoint
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.apis.explain import load_tokenizer
from lvlm_var_mm.checkpoint.loading import load_checkpoint_file
from lvlm_var_mm.datasets.plain import load_plain
from lvlm_var_mm.datasets.store import SkeletonStore
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.engine.cache_tokens import cache_tokens
from lvlm_var_mm.engine.token_cache import fingerprint
from lvlm_var_mm.export import export, load_export
from lvlm_var_mm.preparation.ntu import prepare_ntu
from lvlm_var_mm.shipped import find_config
from lvlm_var_mm.synthetic.make import make_sample
from mmaction.registry import DATASETS
from .kill_points import CURRENT, Points, PointsHook, in_a_process

EPOCHS, WAITS = 4, 2
WORDS = ('Motion : Action drink water pick up sit down stand clapping hand '
         'waving kicking something hopping falling punch or slap another '
         'person')


class Works:
    """The works, each in a folder of its own below ``root``."""

    def __init__(self, root: Path) -> None:
        # Forked processes must not find the threads of this one gone.
        torch.set_num_threads(1)
        init_default_scope('mmaction')
        self.root = root
        self.sample = make_sample(root / 'sample', repeats=1, classes=(
            6, 8, 9, 23), performers=(1, 3), progress=False)
        write_lvlm(root / 'lvlm')
        os.environ.update(NTU_SAMPLE=str(self.sample),
                          LVLM_PATH=str(root / 'lvlm'))
        self.cfg = self._config()
        self.trained = ''

    def _config(self) -> Config:
        cfg = Config.fromfile(find_config('lvlmvar_quickstart'))
        cfg.merge_from_dict({
            'model.backbone.base_channels': 8, 'model.neck.in_channels': 32,
            'model.neck.codebook_size': 16,
            'model.cls_head.in_channels': 32,
            'model.cls_head.num_negatives': 3,
            'model.cls_head.lora.r': 2,
            'model.cls_head.lora.lora_dropout': .2,
            'train_dataloader.batch_size': 4,
            'train_dataloader.num_workers': 2,
            'val_dataloader.batch_size': 6,
            'optim_wrapper.accumulative_counts': 2,
            'custom_hooks.0.epochs': WAITS, 'custom_hooks.1.support': 1,
            'train_cfg.max_epochs': EPOCHS, 'train_cfg.val_interval': 1})
        cfg.model.cls_head.lvlm.dtype = 'float32'
        for scheduler in cfg.param_scheduler:
            scheduler.end = min(scheduler.end, EPOCHS)
            if scheduler.get('begin'):
                scheduler.update(begin=WAITS, end=EPOCHS)
        return cfg

    # ------------------------------------------------------------- one try
    def prepare(self, name: str, folder: str) -> Path:
        """Make the folder of a try, with what an earlier run left there."""
        path = self.root / name / folder
        path.mkdir(parents=True)
        if name in ('tokens', 'export') and not self.trained:
            # Not in this process, which others are forked from.
            in_a_process(lambda: self._train(self.root / 'trained'),
                         Points())
            self.trained = find_latest_checkpoint(str(self.root / 'trained'))
        if name == 'tokens':
            save_tokens(str(path / 'tokens.npz'), 'older', [])
        if name == 'preparation':
            self._prepare(path, 'float16')
        return path

    def run(self, name: str, folder: Path) -> None:
        """Do the work; what is complete is taken up."""
        dict(training=self._train, tokens=self._cache, export=self._export,
             preparation=self._prepare)[name](folder)

    def _train(self, folder: Path) -> None:
        cfg = self.cfg.copy()
        cfg.work_dir, cfg.resume, cfg.launcher = str(folder), True, 'none'
        runner = Runner.from_cfg(cfg)
        if CURRENT:
            runner.register_hook(PointsHook(CURRENT[0]))
        runner.train()

    def _cache(self, folder: Path) -> None:
        model = load_tokenizer(self.cfg, self.trained)
        dataset = DATASETS.build(self.cfg.train_dataloader.dataset)
        clips = cache_tokens(model, dataset, 2, 4)
        save_tokens(str(folder / 'tokens.npz'), fingerprint(model), clips)

    def _export(self, folder: Path) -> None:
        if not (folder / 'out').exists():
            export(self.cfg, self.trained, str(folder / 'out'), merged=True)

    def _prepare(self, folder: Path, dtype: str = 'float32') -> None:
        prepare_ntu(self.sample, folder / 'out', processes=2, dtype=dtype,
                    progress=False)

    # --------------------------------------------------------- the results
    def result(self, name: str, folder: Path) -> Dict[str, Any]:
        """Return what the work has made, to be compared; the folder goes."""
        if name == 'training':
            state = load_checkpoint_file(
                find_latest_checkpoint(str(folder)), 'cpu')
            made = {key: digest(state[key])
                    for key in ('state_dict', 'optimizer')}
            made['epoch'] = state['meta']['epoch']
        else:
            made = {str(p.relative_to(folder)): digest(p.read_bytes())
                    for p in sorted(folder.rglob('*'))
                    if p.is_file() and p.name != '.lock'}
        shutil.rmtree(folder)
        return made

    def has_lost(self, name: str, folder: Path, saved: int) -> str:
        """Return what was complete before the kill and cannot be read after
        it; nothing if all can.

        Args:
            name (str): Of the work.
            folder (Path): Of the try.
            saved (int): The epochs of which there was a checkpoint.
        """
        try:
            if name == 'training':
                return self._lost_epochs(folder, saved)
            getattr(self, f'_read_{name}')(folder)
            return ''
        except (OSError, ValueError) as e:
            return f'{type(e).__name__}: {e}'

    def _lost_epochs(self, folder: Path, saved: int) -> str:
        latest = find_latest_checkpoint(str(folder))
        epoch = 0 if latest is None else load_checkpoint_file(
            latest, 'cpu')['meta']['epoch']
        return '' if epoch >= saved else f'epoch {saved}, now {epoch}'

    def _read_tokens(self, folder: Path) -> None:
        load_plain(folder / 'tokens.npz')

    def _read_export(self, folder: Path) -> None:
        if (folder / 'out').exists():
            load_export(str(folder / 'out'))

    def _read_preparation(self, folder: Path) -> None:
        store = folder / 'out/store'
        if not store.exists():  # between two renames; the next run knows
            store = store.with_name('.store.old')
        store = SkeletonStore(store)
        for i in range(len(store)):
            store.sample(i)


def write_lvlm(folder: Path) -> None:
    """Write a language model of two random layers and its few words."""
    words = ['<unk>', '<s>', '</s>', '\n', *WORDS.split()]
    core = Tokenizer(models.WordLevel(
        {word: i for i, word in enumerate(words)}, '<unk>'))
    core.pre_tokenizer = pre_tokenizers.Split(
        Regex(r'\n|\w+|[^\w\s]'), 'removed', True)
    PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token='<unk>', bos_token='<s>',
        eos_token='</s>', pad_token='</s>').save_pretrained(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=48,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )).save_pretrained(folder)


def digest(value: Any) -> str:
    """Hash tensors in dicts and lists to the last bit, or bytes."""
    found = hashlib.sha256()

    def take(part):
        if isinstance(part, Tensor):
            part = part.contiguous().reshape(-1)
            found.update(part.view(torch.uint8).numpy().tobytes())
        elif isinstance(part, dict):
            for key in part:
                found.update(str(key).encode())
                take(part[key])
        elif isinstance(part, (list, tuple)):
            for item in part:
                take(item)
        else:
            found.update(part if isinstance(part, bytes) else
                         repr(part).encode())

    take(value)
    return found.hexdigest()
