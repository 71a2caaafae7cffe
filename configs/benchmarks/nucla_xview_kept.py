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
]
fusions = [
    dict(name='both', of=['ST-GCN++', 'LVLM-VAR']),
    dict(name='joints and bones', of=['ST-GCN++', 'ST-GCN++, bones']),
    dict(name='all three', of=['ST-GCN++', 'ST-GCN++, bones', 'LVLM-VAR'])
]
comparisons = [('LVLM-VAR', 'ST-GCN++'), ('both', 'ST-GCN++'),
               ('both', 'LVLM-VAR'), ('joints and bones', 'ST-GCN++'),
               ('all three', 'joints and bones')]
published = [
    dict(
        name='FR-Head, joint', streams=1, top1=94.40, top1_clean=92.95,
        source='CVPR 2023, recomputed from the scores that it publishes')
]
del kept
