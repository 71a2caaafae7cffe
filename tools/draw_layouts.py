"""Draw the joint layouts and write their tables: docs/layouts.md and .png.

    python tools/draw_layouts.py [--out docs]

A body that faces the reader, so its left, blue, is at the reader's right.
"""
import argparse
from pathlib import Path
from typing import List, Tuple


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--out', default='docs',
                        help='folder to write (default: %(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lvlm_var_mm.atomic import replaced, write_text
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.layouts import LAYOUTS, Layout
from lvlm_var_mm.visualization.samples import LEFT, MIDDLE, RIGHT

# Where joints are: outward and up, the left side's.
PLACES = dict(
    pelvis=(0, 92), spine=(0, 115), chest=(0, 138), neck=(0, 146),
    head=(0, 166), nose=(0, 163), shoulder=(20, 137), elbow=(36, 112),
    wrist=(47, 88), hand=(51, 79), hand_tip=(58, 69), thumb=(42, 74),
    hip=(12, 88), knee=(14, 48), ankle=(15, 9), foot=(22, 0), heel=(9, 1),
    pinky=(58, 77), index=(51, 71), mouth=(4, 155), eye_inner=(4.5, 169),
    eye=(9, 171), eye_outer=(13.5, 169), ear=(19, 163))
# In the layouts without a shoulder centre the neck stands for it.
WITHOUT_CHEST = dict(neck=(0, 139))
HEAD = """\
# Joint layouts

![The joints of each layout by their numbers](layouts.png)

The body faces you: its left side is blue, on your right. A clip whose joints
are in another order is detected by `tools/prepare_custom.py` and
`tools/doctor.py`, because its limb lengths are not human. A layout of your own
is a JSON file with `num_node`, `inward` (bones `[outer, inner]`, or all of
them from the centre outwards), `center` and `joints`, their names;
`LeftWrist`, `wrist_l` and `left_wrist` are the same.
Body-part events need at least the shoulders and the hips.

* `ntu25`: NTU RGB+D and Kinect v2, metres, y up; `kinect20`: Kinect v1.
* `coco17`, `openpose18`: pictures; a third coordinate is a score. OpenPose's
  BODY_25 is brought into the order of `openpose18`.
* `blazepose33`: MediaPipe's pose landmarks. World landmarks are metres with y
  down, and (x, y, z, visibility) may be given as they are.
* In space y points up unless the bodies, `--up` or `up` of `BodyPartEvents`
  say otherwise; in `blazepose33` it is -y, in pictures -y.

"""


def place(layout: Layout, joint: str) -> Tuple[float, float]:
    """Where a joint is in the picture."""
    part = joint.replace('left_', '').replace('right_', '')
    x, y = (WITHOUT_CHEST if 'chest' not in layout.joints else {}).get(
        part, PLACES[part])
    return (-x if joint.startswith('right') else x), y


def color(joint: str) -> List[float]:
    """As poses are drawn elsewhere, 0 to 1."""
    rgb = (LEFT if joint.startswith('left') else
           RIGHT if joint.startswith('right') else MIDDLE)
    return [c / 255 for c in rgb]


def draw(axes: Axes, layout: Layout) -> None:
    """One body with numbered joints."""
    at = [place(layout, joint) for joint in layout.joints]
    for outer, inner in layout.inward:
        axes.plot(*zip(at[outer], at[inner]), lw=1.5, zorder=1,
                  color=color(layout.joints[outer]))
    for i, (x, y) in enumerate(at):
        axes.text(x, y, i, ha='center', va='center', fontsize=6.5, zorder=2,
                  color='white', bbox=dict(
                      boxstyle='circle,pad=.15', lw=0,
                      fc=color(layout.joints[i])))
    axes.set_title(layout.name, fontsize=10)
    axes.set(xlim=(-66, 66), ylim=(-8, 180), aspect='equal')
    axes.axis('off')


def table() -> str:
    """The names of the joints of all layouts, by number."""
    rows = [('', *LAYOUTS), ('---', ) * (len(LAYOUTS) + 1)]
    for i in range(max(layout.num_joints for layout in LAYOUTS.values())):
        rows.append((str(i), *(
            layout.joints[i] if i < layout.num_joints else ''
            for layout in LAYOUTS.values())))
    return ''.join(f'| {" | ".join(row)} |\n' for row in rows)


def main() -> None:
    out = Path(parse_args().out)
    figure = Figure(figsize=(3.1 * len(LAYOUTS), 4.4), layout='constrained')
    for axes, layout in zip(figure.subplots(1, len(LAYOUTS)),
                            LAYOUTS.values()):
        draw(axes, layout)
    with replaced(out / 'layouts.png') as f:
        figure.savefig(f, format='png', dpi=90)
    write_text(out / 'layouts.md', HEAD + table())


if __name__ == '__main__':
    with user_errors():
        main()
