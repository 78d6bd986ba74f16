"""Reading and writing objects by the rules of the API, whoever asks: names, versions, status, owners, patches."""

import copy
import random
import uuid
from collections.abc import Callable
from typing import Any

from integrations.sandbox.clock import Clock, rfc3339

from . import errors, patches
from .admission import Admission
from .resources import Resource
from .store import ObjectKey, ObjectStore

Object = dict[str, Any]

# The alphabet of generated names: no vowels, so that no words come out.
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


class Operations:
    """Every object here is in its storage version."""

    def __init__(self, store: ObjectStore, admission: Admission, clock: Clock) -> None:
        self.store = store
        self._admission = admission
        self._clock = clock

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        found = self.store.get(ObjectKey(resource.group, resource.plural, namespace, name))
        if found is None:
            raise errors.not_found(resource.group, resource.plural, name)
        return found

    def create(self, resource: Resource, namespace: str, obj: Object, dry_run: bool = False) -> Object:
        obj = copy.deepcopy(obj)
        metadata = obj["metadata"]
        if metadata.get("resourceVersion"):
            raise errors.bad_request("resourceVersion should not be set on objects to be created")
        self._settle_place(resource, namespace, metadata)
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=rfc3339(self._clock.now()), generation=1)
        metadata.pop("managedFields", None)
        if resource.status:
            # A posted status is dropped (K5); T1: a run just created has none.
            obj.pop("status", None)
        obj = self._admission.admit(obj, None, resource)
        key = ObjectKey(resource.group, resource.plural, namespace, metadata["name"])
        if self.store.get(key) is not None:
            raise errors.already_exists(resource.group, resource.plural, metadata["name"])
        if dry_run:
            return obj
        created = self.store.put(key, obj)
        if resource.kind == "Namespace":
            self._add_default_account(metadata["name"])
        return created

    def _add_default_account(self, namespace: str) -> None:
        """Every namespace has a service account of this name."""
        account = Resource("", "serviceaccounts", "ServiceAccount")
        self.create(account, namespace, {"apiVersion": "v1", "kind": account.kind, "metadata": {"name": "default"}})

    def _settle_place(self, resource: Resource, namespace: str, metadata: Object) -> None:
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(random.choices(_SUFFIX, k=5))
        if not metadata.get("name"):
            cause = ("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")
            raise errors.invalid(resource.group, resource.kind, "", [cause])
        if not resource.namespaced:
            return
        if metadata.setdefault("namespace", namespace) != namespace:
            raise errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if self.store.get(ObjectKey("", "namespaces", "", namespace)) is None:
            raise errors.not_found("", "namespaces", namespace)

    def update(self, resource: Resource, obj: Object, part: str = "", dry_run: bool = False) -> Object:
        """Replace the main part, or with part="status" the status alone (K5). Raises ApiError 404, 409, 400, 422."""
        metadata = obj["metadata"]
        old = self.get(resource, metadata.get("namespace", ""), metadata["name"])
        asked = metadata.get("resourceVersion")
        if not asked and resource.custom:
            cause = (
                "metadata.resourceVersion",
                "FieldValueInvalid",
                "Invalid value: 0x0: must be specified for an update",
            )
            raise errors.invalid(resource.group, resource.kind, metadata["name"], [cause])
        self._check_identity(resource, metadata, old["metadata"])
        if part == "status":
            new = {**copy.deepcopy(old), "status": copy.deepcopy(obj.get("status") or {})}
            self._admission.check_schema(new, resource)
        else:
            new = self._new_main(resource, copy.deepcopy(obj), old)
        key = ObjectKey(resource.group, resource.plural, old["metadata"].get("namespace", ""), metadata["name"])
        return new if dry_run else self.store.put(key, new)

    def _new_main(self, resource: Resource, new: Object, old: Object) -> Object:
        kept = ("uid", "creationTimestamp", "namespace", "generation", "resourceVersion")
        new["metadata"].update({name: old["metadata"][name] for name in kept if name in old["metadata"]})
        if resource.status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        new = self._admission.admit(new, old, resource)
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
        return new

    @staticmethod
    def _check_identity(resource: Resource, metadata: Object, old: Object) -> None:
        version, uid = metadata.get("resourceVersion"), metadata.get("uid")
        if (version and version != old["resourceVersion"]) or (uid and uid != old["uid"]):
            raise errors.conflict(resource.group, resource.plural, metadata["name"])

    def patch(
        self, resource: Resource, old: Object, patch: Any, media_type: str, decode: Callable[[Object], Object]
    ) -> Object:
        """The object as the patch makes it, not yet written. `decode` turns it back into its storage version."""
        patched = patches.apply(old, patch, media_type, resource.custom)
        for name in ("name", "namespace"):
            if patched.get("metadata", {}).get(name) != old["metadata"].get(name):
                cause = (f"metadata.{name}", "FieldValueInvalid", "Invalid value: field is immutable")
                raise errors.invalid(resource.group, resource.kind, old["metadata"]["name"], [cause])
        return decode(patched)

    def delete(self, resource: Resource, namespace: str, name: str, preconditions: Object | None = None) -> Object:
        """Removes the object and, as the garbage collector does, everything that it owns. Returns its last state."""
        found = self.get(resource, namespace, name)
        for field, wanted in (preconditions or {}).items():
            if found["metadata"].get(field) != wanted:
                raise errors.conflict(resource.group, resource.plural, name)
        last = self.store.delete(ObjectKey(resource.group, resource.plural, namespace, name))
        self._collect(last["metadata"]["uid"])
        if resource.kind == "Namespace":
            self._empty(name)
        return last

    def _collect(self, uid: str) -> None:
        for key in self.store.dependents(uid):
            if (dependent := self.store.get(key)) is not None:
                self.store.delete(key)
                self._collect(dependent["metadata"]["uid"])

    def _empty(self, namespace: str) -> None:
        for key in self.store.keys_in(namespace):
            self.store.delete(key)
