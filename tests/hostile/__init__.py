"""Files and servers that lie: what comes from outside is refused with a reason, and costs no memory."""
