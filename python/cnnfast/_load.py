"""Loads the engine, and with it OpenMP's runtime, which must know by then how long a waiting thread may
spin.

GNU's runtime lets threads spin for milliseconds before they sleep. On a machine with nothing else to do
that saves a few microseconds at each meeting of threads; beside other busy processes it costs whole time
slices, because a thread that spins holds a core that the one it waits for could have. We let it spin for
some 20 microseconds. The variable is read when the library is loaded and is gone from the environment
afterwards, so that nothing else sees it; one that the user has set stands.
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
