"""`facenode demo`."""

from node.commands.demo.command import add_parser

__all__ = ["add_parser"]
