"""What the bestseller page shows: calls with chance, money, reasons and answer, and how earlier ones turned out."""

from typing import Any

from serving.published import Release
from serving.reads import bestsellers as reads
from serving.web.say import Say

MOST = 200
STAND_INS = ("few_launches", "like_products", "like_products_all", "too_little_matured")


def bestsellers(release: Release, say: Say, question: str) -> dict[str, Any]:
    """Values for bestsellers.html; `question` is launch, listing, or '' for both."""
    everything = release.made(reads.calls)
    rows = reads.chosen(release, everything, question=question or None, category=None, answer=None)
    answers = {r["recommendation_id"]: r for r in release.made(reads.selections).to_dicts()}
    calls = rows.head(MOST).to_dicts()
    for call in calls:
        call["answer"] = answers.get(f"{call['question']}/{call['subject_id']}")
        call["label"] = (call["name_en"] if say.language == "en" else None) or call["name"]
        stand_in, _, count = str(call["fallback_reason"] or "").partition(":")
        call["stand_in"] = say.t(f"bestsellers.{stand_in}", n=count) if stand_in in STAND_INS else stand_in
    return {
        "calls": calls,
        "total": rows.height,
        "question": question,
        "questions": [q for q in reads.QUESTIONS if q in everything["question"].to_list()],
        "scores": reads.scores(release).to_dicts(),
    }
