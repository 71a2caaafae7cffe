# python tools/train.py configs/narrative/lvlmvar_ntu60_xsub_narrative.py
#
# lvlmvar_ntu60_xsub.py whose language model also reads in words what the
# joints show, with times. The words are left out of three prompts in ten of
# training, so that the model serves without them, too.
_base_ = '../lvlmvar_ntu60_xsub.py'

model = dict(
    cls_head=dict(
        prompt='USER: What the joints show: {narrative}\n'
        'Semantic action tokens of a clip: {tokens}\n'
        'Name the action, then say why. ASSISTANT: ',
        narrative=dict(budget=128, drop=0.3)))
