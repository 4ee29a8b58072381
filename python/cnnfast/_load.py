"""Loads the engine with a short spin time of waiting OpenMP threads.

By default GNU's OpenMP lets threads spin for milliseconds before they sleep. On an idle machine that saves a
few microseconds at each barrier; on a busy one it costs whole time slices, because a spinning thread occupies
a core that the thread it waits for needs. We set the spin time to about 20 microseconds. The environment
variable is read when the library is loaded and removed afterwards, so that nothing else sees it; a value set
by the user is kept.
"""

from __future__ import annotations

import os

_SPIN = "GOMP_SPINCOUNT"
_SET_BY_USER = any(name in os.environ for name in (_SPIN, "OMP_WAIT_POLICY"))

if not _SET_BY_USER:
    os.environ[_SPIN] = "2000"
try:
    from . import _core as _core
finally:
    if not _SET_BY_USER:
        del os.environ[_SPIN]
