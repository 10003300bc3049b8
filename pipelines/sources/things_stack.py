"""Uplinks of The Things Stack v3, as its webhook, MQTT or storage integration write them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.sources.json_feed import Json, message_batches
from pipelines.sources.kinds import Batch, Context, Peek
from pipelines.sources.readings import Message, NoFact, Refused, instant


@dataclass(frozen=True)
class ThingsStack:
    """JSON lines or an array of uplink messages; sensor_id is the device id."""

    kind: str = "readings"

    def score(self, peek: Peek) -> tuple[float, str]:
        """By the two names that every uplink has."""
        hits = sum(word in peek.head for word in (b'"end_device_ids"', b'"uplink_message"'))
        return (0.0, 0.5, 0.95)[hits], "things_stack"

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """One line per uplink; joins and downlinks are counted, not taken."""
        return message_batches(path, context, uplink)


def uplink(found: Json) -> Message:
    """One uplink; the time is when the network received it, the device's own clock is not sent.

    Raises:
        NoFact: Another kind of message, or one without a decoded payload.
        Refused: No device or no time.
    """
    found = found.get("result", found)
    up = found.get("uplink_message")
    if not isinstance(up, dict):
        raise NoFact("not an uplink")
    if not isinstance(payload := up.get("decoded_payload"), dict):
        raise NoFact("no decoded payload: set a payload formatter for the device")
    if not (device := (found.get("end_device_ids") or {}).get("device_id")):
        raise Refused("unreadable", "end_device_ids.device_id is missing")
    return Message(str(device), instant(up.get("received_at") or found.get("received_at")), payload)
