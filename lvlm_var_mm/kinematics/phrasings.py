"""Wordings of reasons: other words for motions, manner, times and joints of
sentences. Data alone; :mod:`.reasons` reads them.

Each of them claims just what the plain wording claims (:mod:`.claims`).
"""
# motion: (other words, ...); a verb takes the plural by `language.plural`.
OTHER_WORDS = {
    'hand rises': ('moves up', 'lifts'),
    'hand lowers': ('moves down', 'drops'),
    'hand moves forward': ('swings forward', 'reaches forward'),
    'hand moves back': ('swings back', 'draws back'),
    'hand moves outward': ('swings outward', 'spreads outward'),
    'hand moves inward': ('swings inward', 'draws inward'),
    'hand waves': ('swings from side to side', ),
    'hand moves up and down': ('goes up and down', 'pumps up and down'),
    'hand moves to and fro': ('moves back and forth', 'swings to and fro'),
    'hand stays at the face': ('stays near the face', ),
    'hand stays at the head': ('stays near the head', ),
    'hand stays above the head': ('stays over the head', ),
    'hand stays at the chest': ('stays on the chest', ),
    'arm stretches': ('straightens', 'extends'),
    'foot lifts': ('rises', 'moves up'),
    'foot comes down': ('lands', 'moves down'),
    'foot steps forward': ('moves forward', 'goes forward'),
    'foot steps back': ('moves back', 'goes back'),
    'foot moves outward': ('steps outward', ),
    'foot moves inward': ('steps inward', ),
    'knee straightens': ('stretches', 'extends'),
    'head tilts down': ('moves down', ),
    'head tilts up': ('moves up', ),
    'head turns left': ('turns to the left', ),
    'head turns right': ('turns to the right', ),
    'torso bends forward': ('leans forward', ),
    'torso straightens': ('comes upright', ),
    'torso leans left': ('leans to the left', ),
    'torso leans right': ('leans to the right', ),
    'torso turns left': ('twists left', 'turns to the left'),
    'torso turns right': ('twists right', 'turns to the right'),
    'hands come together': ('meet', 'join'),
    'hands move apart': ('separate', ),
    'knees straighten': ('stretch', 'extend'),
    'legs step in turn': ('walk', ),
    'body rises': ('comes up', 'moves up'),
    'body sinks': ('moves down', 'goes down'),
    'body jumps': ('leaps', ),
    'body moves forward': ('goes forward', ),
    'body moves back': ('goes back', ),
    'body moves left': ('goes left', 'moves to the left'),
    'body moves right': ('goes right', 'moves to the right'),
    'body turns left': ('turns to the left', ),
    'body turns right': ('turns to the right', ),
    'persons move apart': ('step apart', ),
}
# How far, how fast, how long and how often.
FAR = 'far', 'a long way'
NEAR = 'a little', 'slightly'
FAST = 'quickly', 'fast'
SLOW = 'slowly', 'at a slow pace'
BRIEF = 'for a moment', 'briefly'
LONG = 'for {seconds:.0f} seconds', 'for some {seconds:.0f} seconds'
TIMES = {2: ('twice', 'two times'), 3: ('three times', )}
OFTEN = 'several times', 'again and again'
# When, in thirds of the clip.
WHEN = (('at the start', 'at first'), ('halfway', 'in the middle'),
        ('at the end', 'towards the end'))
# What joins clauses: one behind the other, and at the same time.
THEN = ', then ', ', and then ', '. Then ', '; then '
MEANWHILE = ' while ', ', and at the same time '
OPENINGS = '', '', 'First ', 'Here '
