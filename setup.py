"""Install with ``pip install .``; to change the code, with
``pip install -e .`` (tests: ``pip install -e '.[test]'``)."""
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


class BuildWithConfigs(build_py):
    """Put configs and tools into ``lvlm_var_mm/.mim`` of a wheel, where
    OpenMMLab's packages have theirs. An editable install uses the
    checkout's (lvlm_var_mm/shipped.py)."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        mim = Path(self.build_lib) / 'lvlm_var_mm/.mim'
        shutil.rmtree(mim, ignore_errors=True)  # of an earlier build
        for folder in ('configs', 'tools'):
            shutil.copytree(HERE / folder, mim / folder,
                            ignore=shutil.ignore_patterns('__pycache__'))
        shutil.copy(HERE / 'model-index.yml', mim)


INSTALL_REQUIRES = [
    # From 2.6 on a checkpoint may name the classes it needs (compat.py).
    # Capped at the newest release that the tests ran on.
    'torch>=2.6,<2.14',
    'mmengine>=0.10.7,<0.11',
    # The shims of lvlm_var_mm/compat.py are written against this release.
    'mmaction2==1.2.0',
    # mmaction2 1.2.0 refuses mmcv >= 2.2 and declares no mmcv at all. The
    # lite build has every operator our models use and needs no compiler.
    # It shares its folder with the full mmcv: if mmcv 2.1 is there, install
    # this package with ``pip install --no-deps``.
    'mmcv-lite>=2.1.0,<2.2.0',
    # mmengine resolves `mmaction::` configs through pkg_resources, which
    # setuptools 82 dropped.
    'setuptools<82',
    # mmaction2 1.2.0 uses np.Inf and np.in1d, which numpy 2 dropped.
    'numpy<2',
    # mmaction2 1.2.0 imports it without declaring it.
    'importlib_metadata',
    # 4.57 and 5.x are tested; `logits_to_keep`, `get_decoder` and nested
    # text configs are used as these releases have them.
    'transformers>=4.57,<6',
    'peft>=0.17',
    # LLaVA's tokenizer is a SentencePiece model; transformers reads it
    # through these two and only then asks for them.
    'sentencepiece',
    'protobuf',
    # The codebook: EMA, cosine similarity, k-means start, dead-code reset.
    'vector-quantize-pytorch>=1.22,<2',
    'decord>=0.6.0',
    # Compiles the reader of raw .skeleton files, which no array library is
    # fast enough for (tools/perf/skeleton_io.py).
    'numba>=0.59',
    # Reads the GGUF file that tools/fetch_smollm2.py converts, once.
    'gguf>=0.16',
    'terminaltables',
    'tensorboard',
    # Progress with the time left; one preparation per folder; annotations in
    # YAML; tensors of exported models; errors of chat templates; charts.
    # They come with other packages above, but are imported here.
    'tqdm',
    'filelock',
    'pyyaml',
    'safetensors',
    'jinja2',
    'matplotlib',
    # Smooths and opens curves of joints; mmaction2 needs it as well.
    'scipy',
]

setup(
    name='lvlm_var_mm',
    version='0.1.0',
    description='LVLM-VAR for MMAction2: semantic action tokens and a '
    'LoRA-tuned LLaVA for video action recognition',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['lvlm_var_mm', 'lvlm_var_mm.*']),
    package_data={'lvlm_var_mm.class_lists': ['*.txt'],
                  'lvlm_var_mm.demo': ['*.css', '*.js'],
                  'lvlm_var_mm.visualization': ['*.css', '*.js']},
    cmdclass={'build_py': BuildWithConfigs},
    python_requires='>=3.10,<3.13',
    install_requires=INSTALL_REQUIRES,
    extras_require={
        # A base model in 8 or 4 bits (`quantization_config` of `lvlm`): a 13B
        # one on GPUs of 24 GB. From 0.49 on it runs on CPUs too.
        'quant': ['bitsandbytes>=0.49'],
        # ZeRO-3 (engine/zero.py). mmengine 0.10 imports optimizers that 0.19
        # dropped.
        'zero': ['deepspeed>=0.18,<0.19'],
        # The trees of evaluation/event_counts.py, a plain baseline that few
        # need.
        'trees': ['scikit-learn>=1.3'],
        # Joints from videos, on a CPU: the wheel of this release carries the
        # models of BlazePose, those from 1.0 on do not. It asks for
        # protobuf < 5, which tensorboard allows up to 2.20; so it goes without
        # constraints.txt.
        'pose': ['mediapipe==0.10.21'],
        # The page of tools/serve.py. Written against Gradio 6, which is the
        # first to go with huggingface_hub 2, as transformers 5 brings it; it
        # asks for pillow < 13, so it goes without constraints.txt as well.
        'demo': ['gradio>=6.31,<7'],
        # pytest-xdist runs the tests side by side (setup.cfg).
        # hypothesis makes the damaged files of tools/perf/fuzz.py.
        'test': ['pytest>=7', 'pytest-xdist>=3.7', 'bitsandbytes>=0.49',
                 'hypothesis>=6.100', 'scikit-learn>=1.3'],
    },
)
