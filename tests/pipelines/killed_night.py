"""Run a night in this process and kill it, as a power cut would; ARGUMENTS are (HOME, CUTOFF, NOW, STEP, MOMENT).

MOMENT is `inside` (after the step's first write, or in the middle of writing a release) or `after` (all written, nothing
recorded). STEP `none` runs to the end.
"""

import os
import signal
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines import night as nights
from settings import Settings
from warehouse import Warehouse, release

WRITES = ("replace", "take_in", "upsert", "append")


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_inside() -> None:
    """Die right after the next committed or uncommitted write, whichever the step does first."""
    for name in WRITES:
        original = getattr(Warehouse, name)

        def write_then_die(self: Warehouse, *args: Any, original: Any = original, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            die()

        setattr(Warehouse, name, write_then_die)
    release.use = die  # the folder is written, the pointer not yet


def main(home: str, cutoff: str, now: str, step: str, moment: str) -> None:
    if step != "none":
        original = nights.STEPS[step]

        def doomed(night: nights.Night, warehouse: Warehouse) -> str:
            if moment == "inside":
                kill_inside()
            original(night, warehouse)
            die()
            return ""

        nights.STEPS[step] = doomed
    settings = Settings(home=Path(home))
    nights.run_night(settings, cutoff=date.fromisoformat(cutoff), now=datetime.fromisoformat(now))


if __name__ == "__main__":
    main(*ARGUMENTS)  # noqa: F821  (given by whoever runs this file)
