"""Outbox and publisher of a node as a process that makes numbered events and can be killed at any moment.

It writes each event's id to a journal before and after the put, so that after a kill the test knows which events must
arrive and which may.
"""

import argparse
import dataclasses
import json
import logging
import os
import random
import signal
import threading
import time
from pathlib import Path

from node.clock import SystemClock
from node.contract import payloads
from node.contract.topics import Topics
from node.domain import Box, Event, EventType
from node.mqtt.backoff import Timing
from node.mqtt.connect import connect
from node.mqtt.link import Client, Timeouts
from node.mqtt.publisher import Publisher
from node.mqtt.retained import Retained
from node.outbox.outbox import Outbox
from node.settings import MqttSettings

MODEL = "3f9a1c02"
TOPICS = Topics("pi-1")


def main() -> None:
    """Make events until there are enough, wait until the broker has them, and write a marker file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--count", type=int, required=True, help="events over all starts")
    parser.add_argument("--rate", type=float, default=200, help="events a second")
    parser.add_argument("--live-s", type=float, default=30)
    parser.add_argument("--ack-s", type=float, default=3)
    parser.add_argument("--memory-rows", type=int, default=1000)
    parser.add_argument("--stay", action="store_true", help="stay connected once drained, until SIGTERM")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    clock = SystemClock()
    settings = MqttSettings(host=args.host, port=args.port)
    client = Client(TOPICS.client_id, payloads.last_will(TOPICS))
    timeouts = Timeouts(connect_s=2.0, answer_s=2.0)
    outbox = Outbox(args.folder / "outbox", TOPICS, clock, live_s=args.live_s, memory_rows=args.memory_rows)
    retained = Retained(TOPICS, payloads.state(clock.now()))
    publisher = Publisher(
        TOPICS,
        outbox,
        retained,
        lambda report: connect(settings, client, report, timeouts),
        timing=Timing(first_s=0.05, max_s=0.4, ack_s=args.ack_s),
    )
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    publisher.start()
    make_events(args.folder / "journal", outbox, clock, args.count, args.rate)
    while not outbox.wait_empty(0.2) and not ending.is_set():
        pass
    (args.folder / "drained").write_text(json.dumps(dataclasses.asdict(outbox.counts())))
    if args.stay:
        ending.wait()
    publisher.stop(payloads.state(clock.now()))
    outbox.close()
    (args.folder / "counts").write_text(json.dumps(dataclasses.asdict(outbox.counts())))


def make_events(journal: Path, outbox: Outbox, clock: SystemClock, count: int, rate: float) -> None:
    """Put the remaining events, one to three at a time, and write each to the journal."""
    made = sum(line.startswith("+") for line in journal.read_text().splitlines()) if journal.exists() else 0
    journal_file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pause = threading.Event()
    due_s = time.monotonic()
    while made < count:
        batch = min(random.randint(1, 3), count - made)
        at = clock.now()
        box = Box(0.1, 0.2, 0.3, 0.4)
        happened = [Event(EventType.UNKNOWN, at, made + index + 1, box) for index in range(batch)]
        messages = payloads.encode(happened, (), TOPICS, MODEL)
        os.write(journal_file, "".join(f"+{payloads.message_id(message)}\n" for message in messages).encode())
        outbox.put(messages)
        os.write(journal_file, "".join(f"={payloads.message_id(message)}\n" for message in messages).encode())
        made += batch
        due_s += batch / rate
        pause.wait(max(0.0, due_s - time.monotonic()))
    os.close(journal_file)


if __name__ == "__main__":
    main()
