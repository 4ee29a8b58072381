"""Reports on a classifier: how often it is right, how sure it is, and how it fails."""

from .results import Report, report
from .temperature import calibrated

__all__ = ["Report", "calibrated", "report"]
