"""The English words of the vocabulary, as regular expressions.

Only :mod:`.claims` reads them. They match lower-case text of one clause.
"""
import re

_OWN = r'(?:(?:the|his|her|their|its|a|one) )?'
_TO = (r'\b(?:to|at|near|by|against|on|onto|over|along|across|around|towards?|'
       r'beside|in|into|through|cover\w*|touch\w*|wip\w*|press\w*|hold\w*) ')
PREPOSITION = re.compile(
    r'(?:to|at|near|by|against|on|onto|over|above|along|across|around|'
    r'towards?|beside|in|into|through|behind|below) ')
# Places that a hand can be at, taken out of a clause before its parts and
# motions are looked for.
PLACES = (
    ('stays above the head', rf'\b(?:above|over) {_OWN}head\b|\boverhead\b'),
    ('stays behind the back',
     rf'\b(?:behind|at|on|press\w*|touch\w*) {_OWN}(?:lower )?back\b'),
    ('reaches below the knees',
     rf'\b(?:below|to|touch\w*|reach\w*) {_OWN}'
     r'(?:knees|floor|ground|feet|foot|shoes?)\b|\breach\w* down\b'),
    ('touches the other person',
     r'\b(?:touch|hit|hits|strik|slap|punch|pat|pats|tap|taps|push|contact|'
     r'grab|meet)\w*(?: (?:to|at|out|for|with|on))? (?:the |an)?other'
     r"(?: person)?(?:'s \w+)?\b"),
    ('stays at the face',
     rf'{_TO}{_OWN}(?:face|mouth|nose|lips|eyes?|cheeks?|chin)\b'),
    ('stays at the head',
     rf'{_TO}(?:{_OWN}(?:top|side|back) of )?{_OWN}'
     r'(?:head|ears?|hair|forehead)\b'),
    ('stays at the chest',
     rf'\b(?:at|on|to|against|press\w*|touch\w*) {_OWN}chest\b'),
)
# Words for parts, tried in this order: 'he raises a hand' mentions a hand.
PARTS = (
    ('hand', r'hands?|fists?|palms?|wrists?|forearms?|fingers?'),
    ('arm', r'arms?|elbows?'),
    ('knee', r'knees?'),
    ('leg', r'legs?'),
    ('foot', r'foot|feet|heels?'),
    ('head', r'head|face|chin'),
    ('torso', r'torso|trunk|upper body|waist|chest|shoulders?|'
              r'(?:the|his|her) back'),
    ('persons', r'persons|people|two persons'),
    ('body', r'body|person|man|woman|hips|pelvis|performer|he|she|who'),
)
WHICH = r'((?:(?:left|right|both|two|each|either|one|a|the other) )*)'

# A noun after one of these is not what moves.
ASIDE = (r'\b(?:to|at|near|on|over|above|under|below|behind|beside|past|'
          rf'around|along|across|against|towards?|from|in) {_OWN}'
          r'(?:(?:left|right|other|opposite) )?')
# Verbs of the whole body, whatever part was spoken of before.
BODILY = re.compile(r'\b(?:stand|sit|squat|crouch|jump|hop|walk|lie|lies|'
                     r'fall|collaps)\w*')

_UP = r'\b(?:raises?|raising|ris(?:es?|ing)|lift\w*|up|upwards?)\b'
_DOWN = r'\b(?:lower\w*|down|downwards?|drop\w*|sinks?|sinking)\b'
_AHEAD = r'\b(?:forwards?|ahead)\b'
_BACK = r'\b(?:back|backwards?)\b'
_OUT = r'\b(?:outwards?|sideways|to the side|aside|spread\w*)\b'
_IN = r'\binwards?\b'
_LEFT, _RIGHT = r'.*\bleft\b', r'.*\bright\b'
_TURN = r'\b(?:turn|twist|rotat)\w*'
_LEAN = r'\b(?:lean|bend|tilt)\w*'
_APART = r'\b(?:mov|pull|com|go|walk|step|draw)\w* (?:apart|away)\b'
_LEAN_BACK = _LEAN + r'.*' + _BACK + r'|\barch\w*'
_HAND = (
    ('moves up and down', r'\bup_and_down\b|\bpump\w*|\bshak(?:es?|ing)\b'),
    ('moves to and fro', r'\bto_and_fro\b'),
    ('waves', r'\bwav(?:es?|ing)\b|\bside_to_side\b'),
    ('rises', _UP), ('lowers', _DOWN), ('moves forward', _AHEAD),
    ('moves back', _BACK), ('moves outward', _OUT), ('moves inward', _IN))
_HANDS = (
    ('clap', r'\bclap\w*'),
    ('stay together',
     r'\b(?:stay|remain|are|held|hold|keep)\w*\b.*\btogether\b'),
    ('come together', r'\btogether\b|\bmeet\w*|\bjoin\w*'),
    ('move apart', _APART + r'|\bseparat\w*|\bpart\b'))
_ARM = (('bends', r'\b(?:bend|flex)\w*'),
        ('stretches', r'\b(?:stretch|straighten|extend)\w*'))
_IN_TURN = ('feet', (('lift in turn', r'\blift\w* in turn\b'), ))
_KNEE = (('bends', r'\bbend\w*'),
         ('straightens', r'\b(?:straighten|stretch|extend)\w*'))
_FOOT = (
    ('kicks', r'\bkick\w*(?: forwards?| up| out)*'), ('lifts', _UP),
    ('comes down', _DOWN + r'|\blands?\b'), ('steps forward', _AHEAD),
    ('steps back', _BACK), ('moves outward', _OUT), ('moves inward', _IN))
_HEAD = (
    ('nods', r'\bnod\w*'),
    ('shakes', r'\bshak(?:es?|ing)\b|\bside_to_side\b'),
    ('turns left', _TURN + _LEFT), ('turns right', _TURN + _RIGHT),
    ('tilts left', _LEAN + _LEFT), ('tilts right', _LEAN + _RIGHT),
    ('tilts down', _DOWN + r'|\bbow\w*'),
    ('tilts up', _UP + r'|\b(?:tips?|tilts?) back\b'))
_TORSO = (
    ('turns left', _TURN + _LEFT), ('turns right', _TURN + _RIGHT),
    ('leans left', _LEAN + _LEFT), ('leans right', _LEAN + _RIGHT),
    ('leans back', _LEAN_BACK),
    ('straightens', r'\bstraighten\w*|\bupright\b|' + _UP),
    ('bends forward', _LEAN + r'|\b(?:bow|stoop)\w*'))
_BODY = (
    ('turns left', _TURN + _LEFT), ('turns right', _TURN + _RIGHT),
    ('bounces', r'\bbounc\w*'), ('jumps', r'\b(?:jump|hop|leap)\w*'),
    ('falls', r'\b(?:fall|collaps)\w*(?: down)?'),
    ('lies', r'\b(?:lies|lie|lying)\b|\bon the (?:floor|ground)\b'),
    ('rises', _UP), ('sinks', _DOWN + r'|\b(?:sit|squat|crouch)\w*'),
    ('moves forward', _AHEAD), ('moves back', _BACK),
    ('moves left', r'\bleft\b'), ('moves right', r'\bright\b'))
_WALK = r'\b(?:step|walk)\w* in turn\b|\bwalk\w*'
# (part, table) to look through for each word; `S` stands for its side.
TABLES = {
    'hand': (('hands', _HANDS), ('S hand', _HAND)),
    'arm': (('S arm', _ARM), ('S hand', _HAND)),
    'knee': (_IN_TURN, ('S knee', _KNEE), ('S foot', _FOOT)),
    'foot': (_IN_TURN, ('legs', (('step in turn', _WALK), )),
             ('S foot', _FOOT)),
    'head': (('head', _HEAD), ),
    'torso': (('torso', _TORSO), ),
    'persons': (('persons', (
        ('approach', r'\bapproach\w*|\bcloser\b|\btowards? each other\b'),
        ('move apart', _APART))), ),
    'body': (('legs', (('step in turn', _WALK), )),
             ('torso', (('leans back', _LEAN_BACK),
                        ('bends forward', _LEAN + r'(?: over| forwards?)?|'
                         r'\b(?:bow|stoop)\w*'))),
             ('body', _BODY),
             ('hands', (_HANDS[0], )),
             ('S hand', (('waves', r'\bwav(?:es?|ing)\b'), )),
             ('S foot', (_FOOT[0], )), ('head', (_HEAD[0], ))),
}
TABLES['leg'] = (*TABLES['foot'][:2], ('S knee', _KNEE), ('S foot', _FOOT))
STILLNESS = r'\b(?:still|motionless|rests|at rest)\b'
MOVEMENT = r'\b(?:mov|swing|stir)\w*'
NEGATION = re.compile(r"\b(?:not|never|no|without|neither|nor)\b|n't\b")
BREAK = re.compile(r'[.,;:!?]|\b(?:then|while|and|before|after|as|but|until|'
                    r'when)\b|(?=\bwithout\b)')
# What must not be split, or only looks like a part or a direction.
FIXED = (
    (r'\bup and down\b', 'up_and_down'),
    (r'\b(?:to and fro|back and forth|forwards? and back(?:wards?)?)\b',
     'to_and_fro'),
    (r'\b(?:the|his|her) (?:left and (?:the )?right|right and (?:the )?left) '
     r'(?=hand|arm|foot|feet|leg|knee)', 'both '),
    (r'\b(?:from )?side to side\b|\bleft and right\b', 'side_to_side'),
    (r'\bone or both\b', 'one'),
    (r'\b(?:is|are|gets?) raised\b', 'rises'),
    (r'\blook(?:s|ing)? (down|up)\b', r'head tilts \1'),
    (r'\bpick(s|ing)? up\b', 'picks'),
    (r'\bin front of\b|\bback of\b|\bbefore (?:the|his|her) '
     r'(?:chest|belly|body|face|eyes)\b', ' '),
)
