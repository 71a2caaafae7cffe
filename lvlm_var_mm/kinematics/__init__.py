"""Body-part events: what a body does, in words that its joints can check."""
from .events import Event, Observation, observe, observe_all
from .vocabulary import KINDS, NAMES

__all__ = ['KINDS', 'NAMES', 'Event', 'Observation', 'observe', 'observe_all']
