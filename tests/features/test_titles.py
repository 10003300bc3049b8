import json

import numpy as np

from features.titles import TitleSpace, fit_titles, title_tokens

TITLES = [
    "新鲜小青菜 500g",
    "有机青菜",
    "小青菜苗",
    "Red tomato",
    "red Tomato 5kg",
    "tomato seedling",
    "有机番茄",
    None,
]


def test_latin_titles_are_words_and_chinese_ones_characters_and_pairs() -> None:
    assert title_tokens("Red-Tomato 5kg") == ["red", "tomato", "kg"]
    assert title_tokens("小青菜") == ["小", "青", "菜", "小青", "青菜"]


def test_titles_that_share_words_lie_close_in_either_script() -> None:
    space = fit_titles(TITLES, dimensions=4)
    green, greens, red, tomato = space.place(["小青菜", "有机青菜", "RED TOMATO", "tomato"])
    assert green @ greens > 0.5 > green @ red
    assert red @ tomato > 0.5


def test_a_title_without_known_words_lies_at_zero() -> None:
    assert not fit_titles(TITLES).place([None, "xyz", ""]).any()


def test_few_words_give_no_axes_instead_of_a_crash() -> None:
    assert fit_titles(["a b", None]).place(["a b"]).shape == (1, 0)


def test_a_space_survives_being_stored() -> None:
    space = fit_titles(TITLES, dimensions=3)
    again = TitleSpace.from_json(json.loads(json.dumps(space.to_json())))
    np.testing.assert_allclose(again.place(TITLES), space.place(TITLES))
