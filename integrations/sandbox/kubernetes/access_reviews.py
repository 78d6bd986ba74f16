"""SubjectAccessReview and its kin: asked by POST, answered in the reply, never stored."""

from typing import Any

from .authentication import ClusterUser
from .errors import invalid
from .rbac import Attributes, Authorizer
from .resources import AUTHORIZATION

Object = dict[str, Any]


def answer(review: Object, caller: ClusterUser, authorizer: Authorizer) -> Object:
    """The review with its `status`. Raises ApiError 422 when it asks nothing, or about nobody."""
    spec = review.get("spec") or {}
    kind = review["kind"]
    if bool(spec.get("resourceAttributes")) == bool(spec.get("nonResourceAttributes")):
        sentence = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid(AUTHORIZATION, kind, "", [("spec.resourceAttributes", "FieldValueInvalid", sentence)])
    user = caller
    if kind != "SelfSubjectAccessReview":
        if not spec.get("user") and not spec.get("groups"):
            sentence = "at least one of user or group must be specified"
            raise invalid(AUTHORIZATION, kind, "", [("spec.user", "FieldValueInvalid", sentence)])
        user = ClusterUser(spec.get("user", ""), tuple(spec.get("groups") or ()))
    allowed = authorizer.allowed(user.name, user.groups, _attributes(spec))
    return {
        "apiVersion": review["apiVersion"],
        "kind": kind,
        "metadata": review.get("metadata") or {"creationTimestamp": None},
        "spec": spec,
        "status": {"allowed": allowed, **({} if allowed else {"reason": ""})},
    }


def _attributes(spec: Object) -> Attributes:
    if asked := spec.get("nonResourceAttributes"):
        return Attributes(asked.get("verb", ""), path=asked.get("path", ""))
    asked = spec["resourceAttributes"]
    resource = asked.get("resource", "")
    if subresource := asked.get("subresource"):
        resource = f"{resource}/{subresource}"
    return Attributes(
        asked.get("verb", ""), asked.get("group", ""), resource, asked.get("name", ""), asked.get("namespace", "")
    )
