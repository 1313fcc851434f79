"""`facenode bench`."""

from node.commands.bench.command import add_parser

__all__ = ["add_parser"]
