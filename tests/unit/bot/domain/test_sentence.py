"""Lists in sentences."""

import pytest

from bot.domain.sentence import listed, shortened


@pytest.mark.parametrize(
    ("words", "found"), [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (("a", "b", "c"), "a, b or c")]
)
def test_the_last_word_follows_a_conjunction(words: list[str], found: str) -> None:
    assert listed(words, "or") == found


@pytest.mark.parametrize(("number", "found"), [(2, "0 and 1"), (3, "0, 1 and 2"), (4, "0, 1, 2 and 1 more"),
                                               (2003, "0, 1, 2 and 2,000 more")])  # fmt: skip
def test_of_many_it_is_said_how_many_more_there_are(number: int, found: str) -> None:
    assert shortened([str(one) for one in range(number)], 3) == found
