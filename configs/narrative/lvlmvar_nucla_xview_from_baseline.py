# python tools/train.py configs/narrative/lvlmvar_nucla_xview_from_baseline.py
#
# ../lvlmvar_from_baseline_nucla_xview.py, which says what BASELINE is, whose
# language model also reads in words what the joints show, and how far and when. The words are left out of
# three prompts in ten of training, so that the model serves without them, too.
# Half of the training clips are those of a mirror, with their events, so that
# the side that a reason names is read and not known by habit.
_base_ = '../lvlmvar_from_baseline_nucla_xview.py'

model = dict(
    cls_head=dict(
        prompt='What the joints show: {narrative}\n'
        'Semantic action tokens of a clip: {tokens}\n'
        'The action, and why:\n',
        narrative=dict(budget=96, drop=0.3, brief=True)))
mirror = dict(type='MirrorSkeleton3D', layout=_base_.layout)
train_dataloader = dict(
    dataset=dict(
        dataset=dict(pipeline=[
            *_base_.before, mirror, *_base_.recipe.train, *_base_.after
        ])))
