"""Answer the logins of NATS servers (an "auth callout"): nobody connects with the client id of another login.

It needs `pip install nats-py nkeys`, and two files: a seed, whose public key the servers know as `issuer`, and the
logins, as JSON: {"app.alerts": {"password": "...", "client_ids": ["alerts"], "publish": [], "subscribe": ["a.>"]}}.
A client id that no login lists is free. Run it on each server's host: without an answer, nobody can log in.
"""

import asyncio
import base64
import hmac
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nats
import nkeys
from nats.aio.msg import Msg

_KEY = nkeys.from_seed(Path(os.environ["NATS_SEED_FILE"]).read_bytes().strip())
_LOGINS: Mapping[str, Mapping[str, Any]] = json.loads(Path(os.environ["NATS_LOGINS_FILE"]).read_text(encoding="utf-8"))
_ACCOUNT = os.environ["NATS_ACCOUNT"]
_DELIVERY = "$MQTT.sub.>"  # where a server delivers messages of QoS 1


async def main(password: str) -> None:
    """Answer until the process ends."""
    connection = await nats.connect(
        os.environ["NATS_SERVERS"].split(","),
        user=os.environ["NATS_USER"],
        password=password,
        max_reconnect_attempts=-1,
    )

    async def answer(message: Msg) -> None:
        await message.respond(_answer(_decode(message.data)).encode())

    await connection.subscribe("$SYS.REQ.USER.AUTH", queue="logins", cb=answer)
    await connection.flush()
    print("answering", flush=True)
    await asyncio.Event().wait()


def _answer(question: Mapping[str, Any]) -> str:
    """Return the signed answer: the rights of the login, or why it is refused."""
    name, client_id = question["connect_opts"].get("user", ""), question["client_info"].get("mqtt_id", "")
    given, login = question["connect_opts"].get("pass", ""), _LOGINS.get(name, {})
    fields: dict[str, Any] = {"type": "authorization_response", "version": 2}
    owners = {owner for owner, each in _LOGINS.items() if client_id in each["client_ids"]}
    if not login or not hmac.compare_digest(given.encode(), login["password"].encode()):
        fields["error"] = "no such login"
    elif owners and name not in owners:
        fields["error"] = f"the client id {client_id} belongs to another login"
    else:
        rights = {
            "pub": {"allow": login["publish"]} if login["publish"] else {"deny": [">"]},
            "sub": {"allow": [*login["subscribe"], _DELIVERY]},
            "subs": -1, "data": -1, "payload": -1, "type": "user", "version": 2,
        }  # fmt: skip
        fields["jwt"] = _sign({"aud": _ACCOUNT, "name": name, "sub": question["user_nkey"], "nats": rights})
    return _sign({"aud": question["server_id"]["id"], "sub": question["user_nkey"], "nats": fields})


def _sign(claims: Mapping[str, Any]) -> str:
    """Return claims as a JSON web token of NATS."""
    head = {"typ": "JWT", "alg": "ed25519-nkey"}
    body = {
        **claims,
        "iss": _KEY.public_key.decode(),
        "iat": int(time.time()),
        "jti": base64.b32encode(os.urandom(16)).decode().rstrip("="),
    }
    text = ".".join(_encode(json.dumps(part).encode()) for part in (head, body))
    return f"{text}.{_encode(_KEY.sign(text.encode()))}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(token: bytes) -> Mapping[str, Any]:
    """Return the question in a token. Only a server can publish it where this program listens."""
    body = token.split(b".")[1]
    question: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))["nats"]
    return question


asyncio.run(main(Path(os.environ["NATS_PASSWORD_FILE"]).read_text(encoding="utf-8").strip()))
