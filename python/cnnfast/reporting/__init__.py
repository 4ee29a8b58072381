"""Reports on a classifier: how often it is right, how sure it is, and how it fails."""

from .compute import report
from .results import Report
from .temperature import calibrated

__all__ = ["Report", "calibrated", "report"]
