"""`facenode setup`."""

from node.commands.setup.command import add_parser

__all__ = ["add_parser"]
