"""`facenode people`."""

from node.commands.people.command import add_parser

__all__ = ["add_parser"]
