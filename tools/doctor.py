"""Say what is wrong before training does.

python tools/doctor.py                       the installation and the machine
python tools/doctor.py CONFIG                also its data and its model
python tools/doctor.py CONFIG --checkpoint X and a checkpoint

Takes what tools/train.py takes of a config. Ends with exit code 0 if nothing
is an error, 1 if something is, 2 on wrong usage.
"""
import argparse
import json

from _numbers import at_least_one
from mmengine.config import DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config', nargs='?', help='config file')
    parser.add_argument('--checkpoint', metavar='PTH',
                        help='or a folder of tools/export.py; default: '
                        '`load_from` of the config')
    some = parser.add_mutually_exclusive_group()
    some.add_argument('--samples', type=at_least_one, default=300, metavar='N',
                      dest='number', help='samples to read of each data set, '
                      'evenly spread (default 300)')
    some.add_argument('--all', action='store_const', dest='number',
                      const=None, help='read every sample')
    parser.add_argument('--work-dir', help='where training would write')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='override settings of the config')
    parser.add_argument('--json', action='store_true',
                        help='print the findings as JSON')
    args = parser.parse_args()
    if args.config is None and (args.checkpoint or args.cfg_options):
        parser.error('--checkpoint and --cfg-options need a config')
    args.launcher = 'none'
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from mmengine.logging import MMLogger

from lvlm_var_mm.cli import load_config, user_errors
from lvlm_var_mm.doctor import Finding, examine, exit_code, summary, table


def look(args: argparse.Namespace) -> list:
    """All findings; a config that cannot be read is one."""
    cfg = None
    if args.config is not None:
        try:
            cfg = load_config(args)
        except FileNotFoundError:
            raise
        except Exception as e:  # a config is a program: anything may happen
            return examine() + [Finding(
                'error', 'config', f'{type(e).__name__}: {e}',
                f'correct {args.config}')]
    return examine(cfg, args.checkpoint, args.number)


def main() -> int:
    args = parse_args()
    # What data sets log as they open would stand amid the JSON.
    MMLogger.get_current_instance().setLevel('ERROR')
    found = look(args)
    if args.json:
        print(json.dumps([f._asdict() for f in found], indent=1))
    else:
        print(table(found))
        print(summary(found))
    return exit_code(found)


if __name__ == '__main__':
    with user_errors():
        raise SystemExit(main())
