"""The owner's web page: a process of its own, which speaks to the node over its local socket."""
