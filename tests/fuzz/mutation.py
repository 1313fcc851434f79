"""Valid inputs and a random generator -> nearly valid inputs, as bytes and as JSON values."""

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_NUMBERS = (0, 1, -1, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64)
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.5, -0.0, 2**31, 2**63, 10**400, -(10**400), 1e308, float("nan"), float("inf"),
    "", "x", "-", "0", "\0", "\ud800", "ä" * 100, "x" * 5000, "../..", "/etc/passwd", "2026-01-02T03:04:05.678Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", [], {}, [[]], [None], {"": None},
)  # fmt: skip
_DEPTHS = (10, 200, 5000)


class Bytes:
    """Mutate byte strings.

    Args:
        seeds: valid inputs.
        words: byte strings that are inserted at times, such as the names of a format's parts.
        most: the greatest number of changes.
    """

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes] = (), most: int = 8) -> None:
        self._seeds, self._words, self._most = tuple(seeds), tuple(words), most

    def __call__(self, random: Random) -> bytes:
        """Return a seed with some changes."""
        content = bytearray(random.choice(self._seeds))
        for _ in range(random.randint(1, self._most)):
            self._change(random, content)
        return bytes(content)

    def _change(self, random: Random, content: bytearray) -> None:
        place = random.randrange(len(content) + 1)
        end = min(len(content), place + random.choice((1, 2, 4, 16, 64, 1024)))
        match random.randrange(8):
            case 0 if place < len(content):
                content[place] ^= 1 << random.randrange(8)
            case 1 if place < len(content):
                content[place] = random.randrange(256)
            case 2:
                del content[place:end]
            case 3:
                content[place:place] = content[place:end]
            case 4:
                size = random.choice((1, 2, 4, 8))
                number = random.choice(_NUMBERS) % (1 << 8 * size)
                content[place : place + size] = number.to_bytes(size, random.choice(("big", "little")))
            case 5 if self._words:
                content[place : place + random.choice((0, 4))] = random.choice(self._words)
            case 6:
                other = random.choice(self._seeds)
                start = random.randrange(len(other) + 1)
                content[place:end] = other[start : start + random.choice((4, 64, 1024))]
            case 7 if random.random() < 0.25:
                del content[place:]
            case _:
                content[place:end] = random.randbytes(end - place)


class Json:
    """Mutate JSON values: fields are removed, repeated or replaced.

    Args:
        seeds: valid values.
    """

    def __init__(self, seeds: Sequence[Any]) -> None:
        self._seeds = tuple(seeds)
        self._bytes = Bytes([json.dumps(seed).encode() for seed in seeds])

    def __call__(self, random: Random) -> bytes:
        """Return a seed with one to four changes, sometimes in its bytes."""
        if random.random() < 0.25:
            return self._bytes(random)
        value = copy.deepcopy(random.choice(self._seeds))
        for _ in range(random.randint(1, 4)):
            value = self._change(random, value)
        text = json.dumps(value)
        if random.random() < 0.02:
            depth = random.choice(_DEPTHS)
            text = text.replace("null", "[" * depth + "]" * depth)
        return text.encode(errors="surrogatepass")

    def _change(self, random: Random, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        places = list(_places(value))
        if not places:
            return random.choice(_VALUES)
        holder, key = random.choice(places)
        match random.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[random.choice(("", "v", str(key) + "x", "id"))] = holder[key]
            case 2 if isinstance(holder, list):
                holder.extend([holder[key]] * random.choice((1, 3, 300)))
            case 3:
                holder[key] = copy.deepcopy(random.choice(places)[0])
            case _:
                holder[key] = copy.deepcopy(random.choice(_VALUES))
        return value


def either(*makers: Callable[[Random], bytes]) -> Callable[[Random], bytes]:
    """Return a maker that uses one of several makers each time."""
    return lambda random: random.choice(makers)(random)


def _places(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any JSON value
    """Return every place in a value: the list or mapping, and the index or key."""
    keys: Sequence[Any] = (
        list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    return [place for key in keys for place in ((value, key), *_places(value[key]))]
