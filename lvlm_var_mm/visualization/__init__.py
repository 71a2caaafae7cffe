"""Pictures of samples, of tokens and of the codebook."""
from .samples import draw_frames, draw_skeleton
from .tokens import draw_codebook, draw_timeline

__all__ = ['draw_codebook', 'draw_frames', 'draw_skeleton', 'draw_timeline']
