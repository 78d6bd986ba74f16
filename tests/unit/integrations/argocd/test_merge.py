"""The merge of stream and lists, against every order of losses, delays and repetitions."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from integrations.argocd.merge import MergedChange, Sighting, StreamMerge

KEYS = ("a", "b", "c")


@dataclass
class Server:
    """The truth, and all that it ever was."""

    version: int = 0
    state: dict[str, tuple[int, str]] = field(default_factory=dict)
    past: list[dict[str, tuple[int, str]]] = field(default_factory=lambda: [{}])

    def change(self, key: str, delete: bool) -> tuple[Sighting[str], bool] | None:
        """The event of a change; None where there is nothing to delete."""
        if delete and key not in self.state:
            return None
        self.version += 1
        value = f"{key}{self.version}"
        if delete:
            del self.state[key]
        else:
            self.state[key] = (self.version, value)
        self.past.append(dict(self.state))
        return Sighting(key, self.version, value), delete

    def list(self, lag: int) -> list[Sighting[str]]:
        known = self.past[max(0, len(self.past) - 1 - lag)]
        return [Sighting(key, version, value) for key, (version, value) in known.items()]


def listed(merge: StreamMerge[str], seen: Iterable[Sighting[str]]) -> tuple[MergedChange[str], ...]:
    """All news of a whole list."""
    return tuple(one for news in merge.listed(seen) for one in news)


@dataclass
class Reader:
    """What a reader of the news believes; checks as it reads."""

    alive: dict[str, str] = field(default_factory=dict)

    def read(self, news: tuple[MergedChange[str], ...]) -> None:
        for item in news:
            key = item.value[0]
            if item.deleted:
                assert key in self.alive, "told twice that it is gone"
                del self.alive[key]
            else:
                assert self.alive.get(key) != item.value, "told twice"
                self.alive[key] = item.value


change = st.tuples(st.just("change"), st.sampled_from(KEYS), st.booleans())
steps = st.lists(
    st.one_of(
        change,
        change,
        st.tuples(st.just("deliver"), st.integers(1, 4), st.booleans()),
        st.tuples(st.just("lose"), st.integers(1, 3), st.just(False)),
        st.tuples(st.just("list"), st.integers(0, 3), st.just(False)),
    ),
    max_size=60,
)


@given(steps)
def test_in_the_end_the_reader_knows_the_truth_and_was_told_nothing_twice(plan: list[tuple[str, object, bool]]) -> None:
    """A10: events come in order, some are lost, some come again after a reconnect; lists lag (A7)."""
    server, merge, reader = Server(), StreamMerge[str](), Reader()
    pending: list[tuple[Sighting[str], bool]] = []
    for kind, what, flag in plan:
        if kind == "change":
            if event := server.change(str(what), flag):
                pending.append(event)
        elif kind == "deliver":
            for seen, deleted in pending[: int(str(what))]:
                reader.read(merge.event(seen, deleted=deleted))
                if flag:
                    reader.read(merge.event(seen, deleted=deleted))
            del pending[: int(str(what))]
        elif kind == "lose":
            del pending[: int(str(what))]
        else:
            reader.read(listed(merge, server.list(int(str(what)))))
    for _ in range(3):
        reader.read(listed(merge, server.list(0)))
    assert reader.alive == {key: value for key, (_, value) in server.state.items()}


@given(st.lists(st.sampled_from(KEYS), max_size=30), st.data())
def test_per_key_the_news_is_in_order_however_the_lists_lag(changes: list[str], data: st.DataObject) -> None:
    """As long as no list repeats the same past, which is how a restored server is recognised."""
    server, merge, told = Server(), StreamMerge[str](), list[MergedChange[str]]()
    for key in changes:
        event = server.change(key, delete=False)
        assert event is not None
        if data.draw(st.booleans(), label="delivered"):
            told += merge.event(event[0])
        if data.draw(st.booleans(), label="listed"):
            told += listed(merge, server.list(data.draw(st.integers(0, 1), label="lag")))
    for key in KEYS:
        versions = [int(news.value[1:]) for news in told if news.value[0] == key and not news.deleted]
        assert versions == sorted(set(versions))


def test_a_list_that_lags_behind_the_stream_does_not_bring_the_past_back() -> None:
    merge = StreamMerge[str]()
    merge.event(Sighting("a", 5, "new"))
    assert listed(merge, [Sighting("a", 4, "old")]) == ()


def test_a_server_restored_from_a_backup_is_believed_at_the_second_list() -> None:
    merge = StreamMerge[str]()
    listed(merge, [Sighting("a", 500, "before")])
    assert listed(merge, [Sighting("a", 20, "restored")]) == ()
    assert listed(merge, [Sighting("a", 20, "restored")]) == (MergedChange("restored"),)


def test_the_event_of_a_deletion_may_carry_the_version_of_the_last_change() -> None:
    merge = StreamMerge[str]()
    merge.event(Sighting("a", 5, "here"))
    assert merge.event(Sighting("a", 5, "here"), deleted=True) == (MergedChange("here", deleted=True),)
    assert merge.event(Sighting("a", 5, "here"), deleted=True) == ()
    assert listed(merge, [Sighting("a", 5, "here")]) == ()


def test_what_a_list_does_not_have_any_more_is_gone() -> None:
    merge = StreamMerge[str]()
    listed(merge, [Sighting("a", 1, "a"), Sighting("b", 1, "b")])
    assert listed(merge, [Sighting("a", 1, "a")]) == (MergedChange("b", deleted=True),)
    assert listed(merge, [Sighting("a", 1, "a"), Sighting("b", 9, "b again")]) == (MergedChange("b again"),)


def test_a_list_from_before_a_creation_does_not_delete_it() -> None:
    merge = StreamMerge[str]()
    listed(merge, [])
    merge.event(Sighting("a", 1, "created"))
    assert listed(merge, []) == ()
    assert listed(merge, [Sighting("a", 1, "created")]) == ()


def test_versions_that_are_no_numbers_are_told_apart_by_what_they_say() -> None:
    merge = StreamMerge[str]()
    assert merge.event(Sighting("a", None, "one")) == (MergedChange("one"),)
    assert merge.event(Sighting("a", None, "one")) == ()
    assert merge.event(Sighting("a", None, "two")) == (MergedChange("two"),)


def test_a_list_can_be_gone_through_in_pieces() -> None:
    """Ten thousand Applications in which nothing is new hold nobody up."""
    merge: StreamMerge[str] = StreamMerge()
    listed(merge, [Sighting(key, 1, key) for key in KEYS])
    news = merge.listed(Sighting(key, version, f"{key}{version}") for version, key in enumerate(KEYS[:2], 1))
    assert list(news) == [(), (MergedChange("b2"),), (MergedChange("c", deleted=True),)]
