"""The page of `cnnfast demo`: draw a character, see every layer, watch a network learn, teach it.

`answer` (all that the page shows of one image), `learning` (a training in a thread), `lessons` (the user's
own drawings) and `session` (what belongs to one server) know nothing of the web. `routes` is what the page
asks for, `server` the sockets and the checks of every request; static/ has the page.
"""

from .server import Server
from .session import Course, Session

__all__ = ["Course", "Server", "Session"]
