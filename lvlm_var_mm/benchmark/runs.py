"""Train, test and time one run after another, each stage in a process of its
own, and go on where a benchmark was stopped."""
import os
import sys
import time
from pathlib import Path
from subprocess import STDOUT, Popen
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from filelock import FileLock, Timeout
from mmengine.config import Config
from tqdm import tqdm

from lvlm_var_mm.atomic import commit, write_text
from lvlm_var_mm.cli import warn
from lvlm_var_mm.options import idle_options
from lvlm_var_mm.shipped import PACKAGE, TOOLS
from .data import Clips, clips_of, part_of_training
from .hooks import PARENT, read_record
from .scores import Scores, keep_scores, read_dump
from .spec import Run, Spec
from .streams import with_stream

CONFIG, PART_CONFIG = 'config.py', 'part.py'
TRAIN, TEST, PART, COST = 'train', 'test.pkl', 'part.pkl', 'cost.json'


class RunError(RuntimeError):
    """A stage of a run failed; names the stage and its log."""


class SettingsError(ValueError):
    """A folder holds a run of other settings."""


class Left(NamedTuple):
    """What a process leaves undone.

    Attributes:
        failed (list[str]): Runs that failed and why, a line each.
        elsewhere (list[str]): Runs that another process is at.
    """
    failed: List[str]
    elsewhere: List[str]


class Runner:
    """Bring the runs of a benchmark to their results.

    Several processes, on several machines that share the folder as well, may
    do so at once: each takes the runs that no other is at.

    Args:
        spec (Spec): What is compared.
        out (Path): A folder of each run is made in ``out/runs``.

    Raises:
        ValueError: A folder there is of other settings.
    """

    def __init__(self, spec: Spec, out: Path) -> None:
        self.spec, self.out = spec, Path(out).resolve()
        self.fused = {m for f in spec.fusions for m in f.of}

    def folder(self, run: Run) -> Path:
        """Return where a run keeps its results."""
        return self.out / 'runs' / run.key

    def prepare(self) -> None:
        """Write the config of each run and read the dumps that are given,
        before hours are spent on the first.

        Raises:
            ValueError: A run of that name has other settings, or a dump is of
                other clips.
            FileNotFoundError: No such dump.
        """
        for run in self.spec.runs:
            folder = self.folder(run)
            folder.mkdir(parents=True, exist_ok=True)
            with self.lock():
                _write(run_config(run), folder / CONFIG, folder)
            lost = [path for path in (run.dump, run.part_dump)
                    if path and not os.path.exists(path)]
            if lost:
                raise FileNotFoundError(f'entry {run.entry!r}: no dump at '
                                        f'{lost[0]}')
            if run.dump:
                self.scores(run, self.clips(run))
            if run.part_dump:
                read_dump(run.part_dump)

    def lock(self) -> FileLock:
        """Return the lock under which what all processes share is written."""
        return FileLock(str(self.out / '.lock'))

    def run_all(self, only: Optional[Sequence[str]] = None) -> Left:
        """Do what is left to do.

        Args:
            only (sequence[str], optional): Entries to run. Defaults to all.

        Returns:
            Left: What is not done.
        """
        left = Left([], [])
        runs = [r for r in self.spec.runs if not only or r.entry in only]
        for i, run in enumerate(runs, 1):
            try:
                with FileLock(str(self.folder(run) / '.lock'), timeout=0):
                    self.run(run, f'[{i}/{len(runs)}] {run.key}')
            except Timeout:
                left.elsewhere.append(run.key)
            except (RunError, SettingsError) as e:
                left.failed.append(f'{run.key}: {e}')
        return left

    def run(self, run: Run, title: str) -> None:
        """Train, test and time a run, but for what is done.

        Raises:
            RunError: A stage failed.
            ValueError: Another part of the training set was tested before.
        """
        if run.dump:
            return
        folder = self.folder(run)
        wanted = [TEST, COST]
        if run.member in self.fused:
            wanted.append(PART)
            _write(part_of_training(Config.fromfile(str(folder / CONFIG)),
                                    self.spec.part),
                   folder / PART_CONFIG, folder)
        # What is done needs no weights any more.
        checkpoint = '' if all((folder / name).exists() for name in wanted) \
            else run.checkpoint or self._train(folder, title)
        if checkpoint and not os.path.exists(checkpoint):
            raise RunError(f'no checkpoint {checkpoint}')
        self._dump(folder, folder / CONFIG, checkpoint, TEST, title)
        if run.member in self.fused:
            self._dump(folder, folder / PART_CONFIG, checkpoint, PART, title)
        if not (folder / COST).exists():
            self._call(folder, 'cost', title, [
                '-m', 'lvlm_var_mm.benchmark.cost', folder / CONFIG,
                checkpoint, folder / COST])

    def done(self, run: Run) -> bool:
        """Tell whether a run has results."""
        return Path(run.dump or self.folder(run) / TEST).exists()

    def scores(self, run: Run, clips: Clips) -> Scores:
        """Return the scores of the test clips of a run.

        Raises:
            ValueError: They are of other clips.
        """
        return read_dump(run.dump or self.folder(run) / TEST, clips.names,
                         clips.labels)

    def part_scores(self, run: Run) -> Optional[Scores]:
        """Return those of a part of the training clips, None where there are
        none: the run is not fused, or a ``dump`` came without."""
        path = run.part_dump if run.dump else self.folder(run) / PART
        return read_dump(path) if path and os.path.exists(path) else None

    def clips(self, run: Run) -> Clips:
        """Return what is known of the test clips of a run."""
        return clips_of(Config.fromfile(str(self.folder(run) / CONFIG)))

    def _train(self, folder: Path, title: str) -> str:
        work_dir, last = folder / TRAIN, folder / TRAIN / 'last_checkpoint'
        epochs = Config.fromfile(str(folder / CONFIG)).train_cfg.max_epochs
        # The checkpoint of the last epoch is written after its record.
        done = folder / 'trained'
        if not done.exists():
            self._call(
                folder, 'train', title, [
                    TOOLS / 'train.py', folder / CONFIG, '--work-dir',
                    work_dir, *(['--resume'] if last.exists() else [])
                ], epochs, lambda: max(read_record(work_dir), default=0))
            done.touch()
        if not last.exists():
            raise RunError(f'{work_dir} has no checkpoint any more: delete '
                           f'{done} to train again')
        # By its name: the folder may have been moved.
        return str(work_dir / Path(last.read_text().strip()).name)

    def _dump(self, folder: Path, config: Path, checkpoint: str, name: str,
              title: str) -> None:
        dump, part = folder / name, folder / f'unfinished_{name}'
        if not dump.exists():
            self._call(folder, f'test_{dump.stem}', title, [
                TOOLS / 'test.py', config, checkpoint, '--dump', part,
                '--explain', 0, '--work-dir', folder / 'test'])
            commit(part, dump)
        if not dump.with_suffix('.json').exists():
            keep_scores(dump, dump.with_suffix('.json'))

    def _call(self, folder: Path, stage: str, title: str, command: list,
              total: Optional[int] = None,
              position: Callable[[], int] = lambda: 0) -> None:
        log = folder / f'{stage}.log'
        env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [
            str(PACKAGE.parent), os.environ.get('PYTHONPATH')])))
        env[PARENT] = str(os.getpid())
        with log.open('a') as f, tqdm(
                total=total, desc=f'{title} {stage}', unit='epoch',
                initial=position(), leave=False,
                # A log wants a line now and then, not a bar.
                mininterval=.5 if sys.stderr.isatty() else 60) as bar:
            process = Popen([sys.executable, *map(str, command)], stdout=f,
                            stderr=STDOUT, env=env)
            try:
                while process.poll() is None:
                    time.sleep(.2)
                    bar.update(position() - bar.n)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode:
            said = [line for line in log.read_text(
                errors='replace').splitlines() if line.strip()]
            raise RunError(f'{stage} ended with {process.returncode}: '
                           f'{said[-1] if said else "nothing was said"}; see '
                           f'{log}')


def run_config(run: Run) -> Config:
    """The config of a run: options, stream, seed, and the hook that lets it be
    resumed to the same result.

    Raises:
        ValueError: The options do not fit, or the stream; or it is not
            trained in epochs.
    """
    cfg = Config.fromfile(run.config)
    if run.stream:
        with_stream(cfg, run.stream)
    for text in idle_options(cfg, run.options):
        warn(f'options of {run.entry!r}: {text}')
    try:
        cfg.merge_from_dict(run.options)
    except (KeyError, TypeError) as e:
        raise ValueError(f'options of {run.entry!r}: '
                         f'{e.args[0] if e.args else e}') from e
    if cfg.train_cfg.get('max_epochs') is None:
        raise ValueError(f'{run.config}: a benchmark trains in epochs, and '
                         '`train_cfg.max_epochs` is not set')
    cfg.randomness = dict(cfg.get('randomness') or {}, seed=run.seed)
    imports = cfg.get('custom_imports') or dict(imports=[])
    cfg.custom_imports = dict(
        imports=[*imports['imports'], 'lvlm_var_mm', 'lvlm_var_mm.benchmark'],
        allow_failed_imports=False)
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []),
                        dict(type='RunRecordHook')]
    # Stock configs as well end with the same weights after a kill.
    cfg.default_hooks.repeatable = dict(type='RepeatableHook')
    # Resumed from the last epoch, and no further back.
    cfg.default_hooks.checkpoint.update(
        type='CheckpointHook', interval=1, max_keep_ckpts=1)
    return cfg


def _write(cfg: Config, path: Path, folder: Path) -> None:
    text = cfg.pretty_text
    if path.exists() and path.read_text('utf-8') != text:
        raise SettingsError(
            f'{folder} holds a run of other settings: take another --out, or '
            'delete the folder')
    write_text(path, text)


def record_of(folder: Path, epochs: Optional[int] = None) -> Dict[str, float]:
    """Training time in seconds, peak memory in MB, and the last and the best
    validated accuracy with its epoch."""
    rows = read_record(folder / TRAIN)
    if not rows:
        return {}
    found = dict(train_seconds=sum(r['seconds'] for r in rows.values()),
                 train_memory=max(r['memory'] for r in rows.values()))
    accuracy = {e: r['val']['acc/top1'] for e, r in sorted(rows.items())
                if 'acc/top1' in r.get('val', {})}
    if accuracy:
        best = max(accuracy, key=accuracy.get)
        found.update(best_top1=100 * accuracy[best], best_epoch=best)
    return found
