"""Train, test and time configs side by side, and write one report.

python tools/benchmark.py configs/benchmarks/quickstart.py

Goes on where it was stopped: what is done is not done again, and a training
that was killed is resumed to the same result. Started several times, one for
each GPU, each takes the runs that no other is at. The report stands in
<out>/report.md, report.json and the charts beside them; what a SPEC holds in
docs/benchmark.md.
"""
import argparse
import sys
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('spec', help='what is compared, see '
                        'configs/benchmarks/')
    parser.add_argument('--out', help='folder of runs and report; default: '
                        'work_dirs/benchmark_<name of the spec>')
    parser.add_argument('--only', nargs='+', metavar='NAME',
                        help='run these entries alone; the report has all '
                        'that is done')
    parser.add_argument('--report', action='store_true',
                        help='run nothing, report what is done')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from mmengine.registry import init_default_scope

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.benchmark.report import terminal, write_report
from lvlm_var_mm.benchmark.results import collect
from lvlm_var_mm.benchmark.runs import Left, Runner
from lvlm_var_mm.benchmark.spec import read_spec
from lvlm_var_mm.cli import user_errors


def main() -> int:
    args = parse_args()
    spec = read_spec(args.spec)
    out = Path(args.out or f'work_dirs/benchmark_{Path(args.spec).stem}')
    out.mkdir(parents=True, exist_ok=True)
    init_default_scope('mmaction')
    runner, left = Runner(spec, out), Left([], [])
    if not args.report:
        lost = sorted(set(args.only or ()) - {r.entry for r in spec.runs})
        if lost:
            raise ValueError(f'--only {lost[0]}: entries are ' + ', '.join(
                dict.fromkeys(r.entry for r in spec.runs)))
        runner.prepare()
        left = runner.run_all(args.only)
    try:
        found = collect(runner)
        with runner.lock():
            files = write_report(found, out)
        print(terminal(found))
        print('report: ' + ', '.join(map(str, files)))
    finally:
        if left.elsewhere:
            print('another process is at ' + ', '.join(left.elsewhere)
                  + ': its report, or --report later, has them',
                  file=sys.stderr)
        for line in left.failed:
            print(f'error: {line}', file=sys.stderr)
    return 1 if left.failed else 0


if __name__ == '__main__':
    with user_errors('the same command goes on where it was stopped'):
        raise SystemExit(main())
