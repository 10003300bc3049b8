"""Title words as a few numbers: TF-IDF of Latin words and Chinese character pairs, reduced by a singular value decomposition."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD

_TOKENS = re.compile(r"[^\W\d_㐀-鿿]+|[㐀-鿿]+")


def title_tokens(title: str) -> list[str]:
    """Words of at least two letters in small letters; a run of Chinese characters gives its single characters and pairs."""
    found: list[str] = []
    for token in _TOKENS.findall(title.lower()):
        if "㐀" <= token[0] <= "鿿":
            found += list(token) + [token[i : i + 2] for i in range(len(token) - 1)]
        elif len(token) > 1:
            found.append(token)
    return found


@dataclass(frozen=True)
class TitleSpace:
    """A learnt reduction of titles; titles met later are placed by the words known here."""

    words: dict[str, int]
    """Word → column."""
    weight: npt.NDArray[np.float64]
    """[words] inverse document frequency."""
    axes: npt.NDArray[np.float64]
    """[dimensions, words]"""

    def place(self, titles: Sequence[str | None]) -> npt.NDArray[np.float64]:
        """[titles, dimensions] of unit length; 0 where no word is known or there is no title."""
        reduced = np.asarray(self._tfidf(titles) @ self.axes.T)
        length = np.linalg.norm(reduced, axis=1, keepdims=True)
        placed = np.divide(reduced, length, out=np.zeros_like(reduced), where=length > 1e-9)
        return np.asarray(placed, dtype=np.float64)

    def _tfidf(self, titles: Sequence[str | None]) -> csr_matrix:
        return _weighed(_counted(titles, self.words), self.weight)

    def to_json(self) -> dict[str, Any]:
        """As plain lists."""
        return {"words": self.words, "weight": self.weight.tolist(), "axes": self.axes.round(6).tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "TitleSpace":
        """From what to_json gave."""
        axes = np.asarray(stored["axes"], float).reshape(-1, len(stored["words"]))
        return cls(dict(stored["words"]), np.asarray(stored["weight"], float), axes)


def fit_titles(
    titles: Sequence[str | None], *, dimensions: int = 24, least: int = 2, seed: int = 0
) -> TitleSpace:
    """Learn words in at least `least` titles and the main axes of their TF-IDF (fewer than `dimensions` when words are few).

    Source: Salton & Buckley 1988 (weights); Deerwester et al. 1990 (latent semantic analysis).
    """
    often = Counter(word for title in titles for word in set(title_tokens(title or "")))
    words = {w: i for i, w in enumerate(sorted(w for w, n in often.items() if n >= least))}
    weight = np.array([np.log((1 + len(titles)) / (1 + often[w])) + 1 for w in words])
    if len(words) < 3:
        return TitleSpace(words, weight, np.zeros((0, len(words))))
    tfidf = _weighed(_counted(titles, words), weight)
    with np.errstate(divide="ignore", invalid="ignore"):  # shares of a variance of 0, which nobody reads
        svd = TruncatedSVD(min(dimensions, len(words) - 1), random_state=seed).fit(tfidf)
    return TitleSpace(words, weight, np.asarray(svd.components_, float).round(6))


def _counted(titles: Sequence[str | None], words: Mapping[str, int]) -> csr_matrix:
    rows, columns = [], []
    for row, title in enumerate(titles):
        known = sorted({words[w] for w in title_tokens(title or "") if w in words})
        rows += [row] * len(known)
        columns += known
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(titles), len(words)))


def _weighed(counted: csr_matrix, weight: npt.NDArray[np.float64]) -> csr_matrix:
    weighed = counted.multiply(weight[None, :]).tocsr()
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1))).ravel()
    inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return csr_matrix(weighed.multiply(inverse[:, None]))
