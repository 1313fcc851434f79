"""`facenode page`: the owner's web page, its links and password, and the process that looks at photos for it."""

from node.commands.page.command import add_parser

__all__ = ["add_parser"]
