"""What a commit's message says that the commit undoes or fixes; how many commits a deployment brings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.source_range import MOST_IDS, CommitsFound, SourceRange, undoing

SHA = "54a4f0239f2e98bc0842818f611a4cf73bb7dd35"


@pytest.mark.parametrize(
    ("message", "reverts", "fixes"),
    [
        (f'Revert "Faster"\n\nThis reverts commit {SHA}.', (SHA,), ()),
        (f'Revert "Faster"\n\nThis reverts commit {SHA}.\r\n\r\nIt burnt.\r\n', (SHA,), ()),
        (f'Revert "Faster"\n\nThis reverts commit {SHA}, reversing\nchanges made to {SHA[::-1]}.', (SHA,), ()),
        ('Revert "Faster"\n\nThis reverts commit 54a4f0239f2e (Faster, 2026-01-05).', ("54a4f0239f2e",), ()),
        (f"Two\n\nThis reverts commit {SHA}.\nThis reverts commit 54a4f02.", (SHA, "54a4f02"), ()),
        ('Slower\n\nFixes: 54a4f0239f2e ("KVM: MMU: return page fault")', (), ("54a4f0239f2e",)),
        ("Slower\n\nfixes:  54A4F0239F2E", (), ("54a4f0239f2e",)),
        (f'Slower (#7)\n\nFixes: {SHA} ("x")\n\n---------\n\nCo-authored-by: Ana <a@example.com>', (), (SHA,)),
        ('Slower\n\nFixes: 54a4f02 ("x")\nFixes: 54a4f03 ("y")\nSigned-off-by: Ana', (), ("54a4f02", "54a4f03")),
        ("hotfix: the till", (), ()),
        ("Fix it\n\nFixes: #123", (), ()),
        ("Fix it\n\nFixes #1234567", (), ()),
        ("Fix it\n\nFixes: https://example.com/54a4f0239f2e", (), ()),
        ("Fix it\n\nFixes: 54a4f0", (), ()),
        ("Fix it\n\nFixes: 54a4f02zz", (), ()),
        ("Fix it\n\nFixes: 54a4f02 and all others", (), ()),
        (f"Quote\n\n> This reverts commit {SHA}.\n    This reverts commit {SHA}.", (), ()),
        (f"Words\n\nAs you know, This reverts commit {SHA}.", (), ()),
    ],
)
def test_gits_own_conventions_count_and_no_others(
    message: str, reverts: tuple[str, ...], fixes: tuple[str, ...]
) -> None:
    found = undoing("c0ffee", message)
    assert (found.commit, found.reverts, found.fixes) == ("c0ffee", reverts, fixes)
    assert bool(found) is bool(reverts or fixes)


def test_a_commit_that_names_ten_thousand_names_the_first_few() -> None:
    message = "All\n\n" + "\n".join(f"Fixes: {number:012x}" for number in range(10_000))
    assert undoing("c", message).fixes == tuple(f"{number:012x}" for number in range(MOST_IDS))


@given(st.text())
def test_any_text_is_a_message(text: str) -> None:
    undoing("c", text)


def test_commits_in_two_ranges_count_once() -> None:
    one = SourceRange(("web",), "s", "a", "c", 2, ("c", "b"))
    other = SourceRange(("jobs",), "s", "b", "c", 1, ("c",))
    cut = SourceRange(("side",), "t", "x", "z", 400, ("z", "y"))
    assert CommitsFound("f", (one, other)).total == 2
    assert CommitsFound("f", (one, cut)).total == 402
    assert (one.complete, cut.complete) == (True, False)
    assert CommitsFound("f", (one,)).complete
    assert not CommitsFound("f", (one,), ("sidecar",)).complete
    assert not CommitsFound("f", (one, cut)).complete
