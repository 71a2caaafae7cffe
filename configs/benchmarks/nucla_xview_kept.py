# python tools/benchmark.py configs/benchmarks/nucla_xview_kept.py
#
# The table of docs/benchmark.md, made again from the scores that are kept in
# docs/results/scores, from the top of a checkout: nothing is trained. Your own
# entries may stand beside them. NUCLA_PKL names the data.
title = 'Northwestern-UCLA, cross-view, joints, by the recipe'
kept = 'docs/results/scores/nucla_xview_'
entries = [
    dict(
        name='ST-GCN++',
        config='baselines/stgcnpp_recipe_nucla_xview',
        dump=kept + 'stgcnpp_j_seed0_test.json',
        part_dump=kept + 'stgcnpp_j_seed0_part.json'),
    dict(
        name='LVLM-VAR',
        config='lvlmvar_from_baseline_nucla_xview',
        dump=kept + 'lvlmvar_j_seed0_test.json',
        part_dump=kept + 'lvlmvar_j_seed0_part.json'),
    # Of a third of the updates, without scores of training clips.
    dict(
        name='ST-GCN++, bones',
        config='baselines/stgcnpp_recipe_nucla_xview',
        dump=kept + 'stgcnpp_b_third_seed0_test.json'),
    dict(
        name='ST-GCN++, motion of joints',
        config='baselines/stgcnpp_recipe_nucla_xview',
        dump=kept + 'stgcnpp_jm_third_seed0_test.json'),
    dict(
        name='ST-GCN++, motion of bones',
        config='baselines/stgcnpp_recipe_nucla_xview',
        dump=kept + 'stgcnpp_bm_third_seed0_test.json'),
    dict(
        name='ST-GCN++, a third',
        config='baselines/stgcnpp_recipe_nucla_xview',
        dump=kept + 'stgcnpp_j_third_seed0_test.json'),
    dict(
        name='ST-GCN++ without min-max, a third',
        config='baselines/stgcnpp_recipe_nucla_xview',
        dump=kept + 'stgcnpp_j_third_nominmax_seed0_test.json'),
    # On the backbone of `ST-GCN++, a third`.
    dict(
        name='LVLM-VAR with words, a third',
        config='narrative/lvlmvar_nucla_xview_from_baseline',
        dump=kept + 'lvlmvar_words_third_seed0_test.json'),
]
fusions = [
    dict(name='both', of=['ST-GCN++', 'LVLM-VAR']),
    dict(name='joints and bones', of=['ST-GCN++', 'ST-GCN++, bones']),
    dict(name='all three', of=['ST-GCN++', 'ST-GCN++, bones', 'LVLM-VAR']),
    dict(
        name='four streams',
        of=[
            'ST-GCN++', 'ST-GCN++, bones', 'ST-GCN++, motion of joints',
            'ST-GCN++, motion of bones'
        ]),
    dict(
        name='four streams and LVLM-VAR',
        of=[
            'ST-GCN++', 'ST-GCN++, bones', 'ST-GCN++, motion of joints',
            'ST-GCN++, motion of bones', 'LVLM-VAR'
        ]),
    dict(
        name='both, a third',
        of=['ST-GCN++, a third', 'LVLM-VAR with words, a third']),
    dict(
        name='four streams and LVLM-VAR with words',
        of=['four streams', 'LVLM-VAR with words, a third'])
]
comparisons = [('LVLM-VAR', 'ST-GCN++'), ('both', 'ST-GCN++'),
               ('both', 'LVLM-VAR'), ('joints and bones', 'ST-GCN++'),
               ('all three', 'joints and bones'),
               ('four streams', 'ST-GCN++'),
               ('four streams', 'joints and bones'),
               ('four streams and LVLM-VAR', 'four streams'),
               ('LVLM-VAR with words, a third', 'ST-GCN++, a third'),
               ('both, a third', 'ST-GCN++, a third'),
               ('four streams and LVLM-VAR with words', 'four streams'),
               ('ST-GCN++ without min-max, a third', 'ST-GCN++, a third')]
published = [
    dict(
        name='FR-Head, joint', streams=1, top1=94.40, top1_clean=92.95,
        source='CVPR 2023, recomputed from the scores that it publishes'),
    dict(
        name='FR-Head, four streams', streams=4, top1=96.77, top1_clean=95.93,
        source='CVPR 2023, recomputed from the scores that it publishes')
]
del kept
