import pytest

from integrations.sandbox.kubernetes import store
from integrations.sandbox.kubernetes.store import ObjectKey, ObjectStore


def key(name: str) -> ObjectKey:
    return ObjectKey("", "configmaps", "ci", name)


def thing(name: str, value: int = 0) -> store.Object:
    return {"metadata": {"name": name, "namespace": "ci"}, "data": {"value": value}}


def test_what_is_read_may_be_changed_without_harm() -> None:
    objects = ObjectStore()
    objects.put(key("a"), thing("a"))["data"]["value"] = 9
    found = objects.get(key("a"))
    assert found is not None
    assert found["data"] == {"value": 0}


def test_a_write_that_changes_nothing_is_none() -> None:
    objects = ObjectStore()
    first = objects.put(key("a"), thing("a"))
    assert objects.put(key("a"), first) == first
    assert len(objects.changes_since(1000)) == 1


def test_the_past_can_be_listed_until_it_is_compacted() -> None:
    """K2."""
    objects = ObjectStore()
    objects.put(key("a"), thing("a"))
    before = objects.version
    objects.put(key("a"), thing("a", 1))
    objects.put(key("b"), thing("b"))
    objects.delete(key("a"))
    assert [o["data"]["value"] for o in objects.objects_as_of(before, "", "configmaps")] == [0]
    assert [o["metadata"]["name"] for o in objects.objects("", "configmaps")] == ["b"]
    objects.compact()
    with pytest.raises(LookupError, match="too old resource version"):
        objects.objects_as_of(before, "", "configmaps")


def test_history_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """K1."""
    monkeypatch.setattr(store, "HISTORY_LIMIT", 3)
    objects = ObjectStore()
    for value in range(5):
        objects.put(key("a"), thing("a", value))
    assert len(objects.changes_since(1002)) == 3
    with pytest.raises(LookupError):
        objects.changes_since(1001)
