"""`facenode setup`: the first run, on a terminal or from a file of answers."""

import argparse
import logging
from pathlib import Path
from typing import Any

from node.commands.setup.first_page import answer_page, carry_out, keep_page, open_page
from node.commands.setup.surroundings import Surroundings, surroundings
from node.commands.setup.terminal import Terminal
from node.errors import UsageError
from node.setup.answers_file import read_answers
from node.setup.dialogue import Say
from node.setup.enrolment import enrol_step
from node.setup.first_run import apply, ask_all, check_all, enroll_once
from node.setup.outcome import FIRST_BLUEPRINT, outcome
from node.setup.page_socket import PageSocket
from node.setup.schema import Answers
from node.system import bundled

_NOTHING_CHANGED = "Nothing was changed. Run `facenode setup` again when you like."


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `setup` to the command line."""
    parser = subparsers.add_parser("setup", parents=[common])
    parser.add_argument(
        "--answers", type=Path, metavar="FILE", help="take the answers from a TOML file, for scripts and images"
    )
    parser.add_argument("--page", action="store_true", help="open a page of this machine for the first run")
    parser.add_argument("--again", action="store_true", help="with --page: also where settings exist")
    parser.add_argument("--helper", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--carry-out", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(main=main, reads_settings=False)


def main(args: argparse.Namespace, settings: None) -> int:
    """Ask, write the settings, start the service, wait until the node is online, and enroll somebody.

    Raises:
        SetupError: an answer cannot be used, or the node does not come online.
        UsageError: settings are given on the command line.
    """
    del settings
    if args.set:
        raise UsageError("setup writes a settings file: --set would not be in it: edit the file afterwards")
    if not args.verbose:  # what goes wrong is said by the steps
        logging.getLogger().setLevel(logging.ERROR)
    if args.page or args.helper or args.carry_out:
        return _for_page(args)
    around = surroundings(args.config)
    terminal = Terminal()
    if args.answers is not None:
        return _from_file(read_answers(args.answers), around, terminal)
    if around.problem is not None:
        terminal.say(Say(f"{around.problem}. A new file will replace it; a copy is kept.", problem=True))
    try:
        answers = terminal.run(ask_all(around.world, around.current))
    except KeyboardInterrupt:
        terminal.say(Say(""))
        terminal.say(Say(_NOTHING_CHANGED))
        raise
    terminal.say(Say("Done", heading=True))
    for said in apply(around.world, answers):
        terminal.say(said)
    if around.world.service.present and answers.person is not None:
        terminal.run(enrol_step(around.world.service, answers.person))
    _tell_outcome(answers, around, terminal)
    return 0


def _for_page(args: argparse.Namespace) -> int:
    """Open the page of the first run, or do one of its parts."""
    if args.helper:
        return answer_page()
    return carry_out() if args.carry_out else open_page(again=args.again)


def _from_file(answers: Answers, around: Surroundings, terminal: Terminal) -> int:
    former = around.current.node.id if around.current.node else None
    complete, lines = check_all(around.world, answers, former)
    for line in lines:
        terminal.say(Say(line))
    for said in apply(around.world, complete):
        terminal.say(said)
    if around.world.service.present:
        terminal.say(enroll_once(around.world.service, complete))
        if complete.page.keep:
            keep_page(PageSocket())
    _tell_outcome(complete, around, terminal)
    return 0


def _tell_outcome(answers: Answers, around: Surroundings, terminal: Terminal) -> None:
    if not around.world.service.present:
        terminal.say(Say(f"Start the node: facenode run --config {around.files.path}"))
        return
    for line in outcome(answers, str(bundled.path(FIRST_BLUEPRINT))):
        terminal.say(Say(line))
