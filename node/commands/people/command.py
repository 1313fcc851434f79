"""`facenode people`: photos or events -> somebody who is known, ignored or told apart; nobody any more."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from node.assembly import build_embed, build_gallery, build_gallery_matcher, build_outbox, build_vision
from node.camera.image_file import list_files
from node.clock import SystemClock
from node.commands.people import fleet_file, selftest
from node.commands.people.announce import announce_again, announced
from node.errors import BrokerError, PeopleError, UsageError
from node.outbox.outbox import FILE as OUTBOX_FILE
from node.outbox.outbox import Outbox
from node.people.enrolment import Enrollee, Refusal, examine
from node.people.gallery import Gallery, Sample, describe
from node.people.person import Person, checked_id, checked_name, counted
from node.people.selftest import ENOUGH_FACES
from node.requests.local_socket import call, running
from node.settings import Settings


class _Intermixed(argparse.ArgumentParser):
    """Take options between the id and the photos, too: argparse by itself gives up where there may be no photo."""

    _within = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - argparse has three signatures for it
        """Return what is known of the arguments, and the rest."""
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
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", parser_class=_Intermixed)
    add = verbs.add_parser("add", parents=[common], help="enrol somebody, or add faces to somebody")
    _whose_face(add)
    add.add_argument("--name", help="the name that people read; the id unless given")
    add.set_defaults(main=add_person)
    everybody = verbs.add_parser("list", parents=[common], help="show who is known")
    everybody.add_argument("--json", action="store_true", help="as JSON, one line a person")
    everybody.set_defaults(main=list_people)
    ignore = verbs.add_parser("ignore", parents=[common], help="recognise somebody and never tell of them")
    _whose_face(ignore)
    ignore.add_argument("--name", help="the name that people read; the id unless given")
    ignore.add_argument("--off", action="store_true", help="tell of them again")
    ignore.set_defaults(main=ignore_person)
    reject = verbs.add_parser("reject", parents=[common], help="say that an event named the wrong person")
    reject.add_argument("id", metavar="ID", help="whom the event named")
    reject.add_argument("--event", required=True, metavar="EVENT_ID", help="which event of a running node")
    reject.set_defaults(main=reject_face)
    remove = verbs.add_parser("remove", parents=[common], help="erase somebody")
    remove.add_argument("id", metavar="ID", help="who is erased")
    remove.add_argument("--dry-run", action="store_true", help="only show what would be erased")
    remove.set_defaults(main=remove_person)
    fleet_file.add_verbs(verbs, common)
    selftest.add_verb(verbs, common)


def add_person(args: argparse.Namespace, settings: Settings) -> int:
    """Enrol somebody; a photo that cannot be taken is said with its reason, and the others still count."""
    _check(args)
    if args.event:
        faces = _ask(settings, "people_enroll", args)["faces"]
        print(f"{args.id}: the face of the event is taken, {counted(faces, 'face')} known")
    elif args.photos:
        _enrol(args, settings, ignored=None)
    else:
        raise UsageError(f"people add {args.id}: name photos, or an event with --event")
    return 0


def ignore_person(args: argparse.Namespace, settings: Settings) -> int:
    """Mark somebody as ignored, enrolled before where photos or an event are given; `--off` takes the mark away."""
    _check(args)
    if args.off and (args.photos or args.event or args.name is not None):
        raise UsageError("people ignore --off: takes an id alone")
    if args.name is not None and not (args.photos or args.event):
        raise UsageError("people ignore --name: goes with photos or --event")
    if args.event:
        _ask(settings, "people_ignore", args)
    elif args.photos:
        _enrol(args, settings, ignored=True)
    else:
        build_gallery(settings).ignore(args.id, on=not args.off)
    print(f"{args.id}: {'no longer ignored' if args.off else 'ignored: recognised, counted, and never an event'}")
    return 0


def reject_face(args: argparse.Namespace, settings: Settings) -> int:
    """Keep the face of an event as one that is not somebody's."""
    checked_id(args.id)
    _ask(settings, "people_reject", args)
    print(f"{args.id}: the face of the event is kept as somebody else's")
    return 0


def list_people(args: argparse.Namespace, settings: Settings) -> int:
    """Print who is known."""
    people = build_gallery(settings).load()
    if args.json:
        for person in people:
            fields = {
                "id": person.id,
                "name": person.name,
                "faces": len(person.anchors),
                "ignored": person.ignored,
                "rejected": len(person.negatives),
            }
            print(json.dumps(fields, ensure_ascii=False))
    elif not people:
        print("nobody is enrolled: facenode people add ID PHOTO...")
    else:
        width = max(len(person.id) for person in people)
        for person in people:
            print(f"{person.id:<{width}}  {person.name}, {describe(person)}{', ignored' if person.ignored else ''}")
    return 0


def remove_person(args: argparse.Namespace, settings: Settings) -> int:
    """Erase somebody from the gallery and from what waits for the broker, or show what there is of them.

    A running node sees that somebody is gone, and erases the rest itself: it alone holds its outbox and its memory.
    Without one, the broker still has Home Assistant's discovery, with their name.
    """
    gallery, alive = build_gallery(settings), running(settings.storage.dir)
    if args.dry_run:
        lines = list(gallery.list_stored(args.id))
        if alive:
            lines.append("what the running node holds: waiting messages, faces of recent events, who is in view")
        else:
            lines += [
                f"{counted(waiting, 'message')} waiting for the broker" for waiting in _waiting(settings, args.id)
            ]
            if announced(settings):
                lines.append("their name and id in Home Assistant's discovery at the broker")
        for line in lines:
            print(f"would erase {line}")
        return 0
    gallery.remove(args.id)
    if not alive:
        with _outbox(settings) as outbox:
            if outbox is not None:
                outbox.erase(args.id)
        if announced(settings):
            _tell_home_assistant(args.id, settings)
    print(f"{args.id}: removed")
    return 0


def _tell_home_assistant(person: str, settings: Settings) -> None:
    try:
        announce_again(settings)
    except BrokerError as error:
        sys.stderr.write(
            f"facenode: {error}: until the node starts, Home Assistant's discovery at the broker names {person}\n"
        )


def _waiting(settings: Settings, person: str) -> list[int]:
    with _outbox(settings) as outbox:
        return [] if outbox is None else [outbox.about(person)]


@contextmanager
def _outbox(settings: Settings) -> Iterator[Outbox | None]:
    """Yield the outbox that a node left, None if there is none."""
    if not (settings.storage.dir / OUTBOX_FILE).exists():
        yield None
        return
    with closing(build_outbox(settings, SystemClock())) as outbox:
        yield outbox


def _whose_face(parser: argparse.ArgumentParser) -> None:
    """Add the id, and where a face of this person comes from."""
    parser.add_argument("id", metavar="ID", help="short name in topics and payloads: a-z, 0-9, _ and -")
    parser.add_argument("photos", nargs="*", type=Path, metavar="PHOTO", help="a photo, or a folder of photos")
    parser.add_argument("--event", metavar="EVENT_ID", help="instead of photos: the face of an event of a running node")
    parser.add_argument("--force", action="store_true", help="take photos that look like somebody else enrolled")


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot be, before a network is loaded."""
    checked_id(args.id)
    if args.name is not None:
        checked_name(args.name)
    if args.event and args.photos:
        raise UsageError("name photos or --event, not both")
    if args.force and not args.photos:
        raise UsageError("--force goes with photos")


def _ask(settings: Settings, verb: str, args: argparse.Namespace) -> Any:  # noqa: ANN401 - what the node answers
    """Ask the running node, which alone remembers the faces of its events."""
    name = getattr(args, "name", None)
    return call(settings.storage.dir, verb, id=args.id, event=args.event, **({} if name is None else {"name": name}))


def _enrol(args: argparse.Namespace, settings: Settings, *, ignored: bool | None) -> None:
    """Enrol somebody from photos, and say what became of each that was not taken."""
    photos = _photos(args.photos)
    eyes = build_vision(settings, ())
    sidecar = eyes.network.sidecar
    gallery = build_gallery(settings, sidecar)
    gallery.reembed(sidecar.heads.embedding.space, build_embed(eyes.network))
    enrollee = Enrollee(args.id, build_gallery_matcher(settings, sidecar, _with(gallery, args.id)), force=args.force)
    results = [
        examine(photo, eyes.detector, eyes.recognizer, keep_crop=settings.people.keep_crops, enrollee=enrollee)
        for photo in photos
    ]
    for result in results:
        if isinstance(result, Refusal):
            sys.stderr.write(f"facenode: {result.photo}: not taken: {result.reason}\n")
    samples = [result for result in results if isinstance(result, Sample)]
    if not samples:
        raise PeopleError(f"{args.id}: none of {counted(len(results), 'photo')} could be taken: nobody was enrolled")
    person = gallery.add(args.id, args.name, sidecar.heads.embedding.space, samples, ignored=ignored)
    taken = f"{len(samples)} of {counted(len(results), 'photo')}"
    print(f"{person.id}: {taken} taken, {counted(len(person.anchors), 'face')} known")
    if len(person.anchors) < ENOUGH_FACES:
        print(f"{person.id}: more photos, in another light and pose, make it surer")


def _with(gallery: Gallery, person: str) -> Sequence[Person]:
    """Return everybody, and the one who is being enrolled: the threshold is that of the gallery to come."""
    people = gallery.load()
    return people if any(each.id == person for each in people) else (*people, Person(person, person, ()))


def _photos(paths: list[Path]) -> list[Path]:
    photos = [photo for path in paths for photo in list_files(path)]
    if not photos:
        raise PeopleError(f"{', '.join(map(str, paths))}: no photo in there: JPEG or PNG is wanted")
    return photos
