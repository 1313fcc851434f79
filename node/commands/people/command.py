"""`facenode people`: its verbs -> the module that does each."""

import argparse
from typing import Any

from node.commands.people import correction, enrolment, fleet_file, listing, removal, selftest, undo
from node.system.terminal import ArgumentParser


class _IntermixedParser(ArgumentParser):
    """Accepts options between the id and the photos, too; argparse by itself fails where there may be no photo."""

    _within = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - argparse has three signatures for it
        """Return the known arguments, and the rest."""
        if self._within:
            return super().parse_known_args(args, namespace)
        self._within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._within = False


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `people` and its verbs to the command line."""
    parser = subparsers.add_parser("people")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", parser_class=_IntermixedParser)
    enrolment.add_add_verb(verbs, common)
    listing.add_verb(verbs, common)
    enrolment.add_ignore_verb(verbs, common)
    enrolment.add_reject_verb(verbs, common)
    correction.add_verbs(verbs, common)
    undo.add_verb(verbs, common)
    removal.add_verb(verbs, common)
    fleet_file.add_verbs(verbs, common)
    selftest.add_verb(verbs, common)
