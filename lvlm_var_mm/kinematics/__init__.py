"""Body-part events: what a body does, in words that its joints can check.

    seen = observe(keypoint, 'ntu25')  # events, and what can be decided
    sentence = describe(seen.events)   # 'The right hand rises, then ...'
    [check(claim, seen) for claim in claims(sentence)]  # True, False, None
"""
from .axes import Axes, find_axes
from .claim_scorer import ClaimScorer
from .claims import Claim, check, claims
from .events import Event, Observation, observe, observe_all
from .language import describe
from .rows import observation_of
from .strengths import claim_strength, strengths
from .vocabulary import KINDS, NAMES, VERSION, mirrored

__all__ = ['KINDS', 'NAMES', 'VERSION', 'Axes', 'Claim', 'ClaimScorer',
           'Event', 'Observation', 'check', 'claim_strength', 'claims',
           'describe', 'find_axes', 'mirrored', 'observation_of', 'observe',
           'observe_all', 'strengths']
