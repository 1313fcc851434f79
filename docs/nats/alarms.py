"""Print the alerts of all nodes, together with the other members of a group: each alert goes to one of them.

It speaks the NATS protocol (`pip install nats-py`), to which MQTT topics are subjects with dots between the levels.
"""

import asyncio
import os
import ssl
from pathlib import Path

import nats


async def main(password: str) -> None:
    """Join the group and print what comes; connect again, to the next server, when one is gone."""
    connection = await nats.connect(
        os.environ["NATS_SERVERS"].split(","),  # such as tls://hub-1.lan:4222,tls://hub-2.lan:4222,tls://hub-3.lan:4222
        user=os.environ["NATS_USER"],
        password=password,
        tls=ssl.create_default_context(cafile=os.environ["NATS_CA_FILE"]),
        max_reconnect_attempts=-1,
    )
    alerts = await connection.subscribe("facenode.*.alert.>", queue=os.environ["NATS_GROUP"])
    await connection.flush()
    print("joined", flush=True)
    async for alert in alerts.messages:
        print(alert.subject.replace(".", "/"), alert.data.decode(), flush=True)


asyncio.run(main(Path(os.environ["NATS_PASSWORD_FILE"]).read_text(encoding="utf-8").strip()))
