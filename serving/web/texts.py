"""The catalogue of the page's sentences, Chinese and English side by side."""

import tomllib
from functools import cache
from pathlib import Path

LANGUAGES = ("zh", "en")


@cache
def catalogue() -> dict[str, tuple[str, str]]:
    """'section.key' → (Chinese, English), of every texts*.toml; a section may go on in another file.

    Raises:
        ValueError: An entry is not a pair of texts.
    """
    return {
        name: pair
        for path in sorted(Path(__file__).parent.glob("texts*.toml"))
        for name, pair in _read(path).items()
    }


def _read(path: Path) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for section, entries in tomllib.loads(path.read_text("utf-8")).items():
        for key, texts in entries.items():
            match texts:
                case [str(chinese), str(english)]:
                    found[f"{section}.{key}"] = (chinese, english)
                case _:
                    raise ValueError(f"{path.name}: {section}.{key} needs [Chinese, English], has {texts!r}")
    return found


def text(key: str, language: str, **values: object) -> str:
    """A sentence with its values filled in.

    Raises:
        KeyError: The catalogue has no such key, or a value is missing.
    """
    sentence = catalogue()[key][LANGUAGES.index(language)]
    return sentence.format(**values) if values else sentence
