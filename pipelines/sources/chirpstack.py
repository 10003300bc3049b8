"""Events of ChirpStack v4, as its MQTT or HTTP integration write them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.sources.json_feed import Json, message_batches
from pipelines.sources.kinds import Batch, Context, Peek
from pipelines.sources.readings import Message, NoFact, Refused, instant


@dataclass(frozen=True)
class ChirpStack:
    """JSON lines or an array of `up` events; sensor_id is the device's name, or its EUI when it has none."""

    kind: str = "readings"

    def score(self, peek: Peek) -> tuple[float, str]:
        """By the two names that every event has."""
        hits = sum(word in peek.head for word in (b'"deviceInfo"', b'"devEui"'))
        return (0.0, 0.5, 0.95)[hits], "chirpstack"

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """One line per uplink; joins, acknowledgements, status and log events are counted, not taken."""
        return message_batches(path, context, up_event)


def up_event(found: Json) -> Message:
    """One `up` event.

    Raises:
        NoFact: Another event (it has no `data` or `object`), or an uplink without a codec's object.
        Refused: No device or no time.
    """
    if "object" not in found:
        raise NoFact(
            "no decoded object: set a codec for the device profile" if "data" in found else "not an uplink"
        )
    if not isinstance(payload := found["object"], dict):
        raise Refused("unreadable", "object is not a set of named values")
    info = found.get("deviceInfo") or {}
    if not (device := info.get("deviceName") or info.get("devEui")):
        raise Refused("unreadable", "deviceInfo has neither deviceName nor devEui")
    return Message(str(device), instant(found.get("time")), payload)
