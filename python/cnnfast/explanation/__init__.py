"""`cnnfast.explain`: every number of a network for one image, as the sum that makes it, and as an HTML
page.
"""

from .explanation import Explanation, explain
from .grad_cam import GradCam
from .neighbors import Neighbor
from .occlusion import Occlusion
from .terms import Term, Terms

__all__ = ["Explanation", "GradCam", "Neighbor", "Occlusion", "Term", "Terms", "explain"]
