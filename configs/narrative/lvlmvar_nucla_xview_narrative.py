# python tools/train.py configs/narrative/lvlmvar_nucla_xview_narrative.py
#
# lvlmvar_nucla_xview.py whose language model also reads in words what the
# joints show, with times. The words are left out of three prompts in ten of
# training, so that the model serves without them, too.
_base_ = '../lvlmvar_nucla_xview.py'

model = dict(
    cls_head=dict(
        prompt='What the joints show: {narrative}\n'
        'Semantic action tokens of a clip: {tokens}\n'
        'The action, and why:\n',
        narrative=dict(budget=128, drop=0.3)))
