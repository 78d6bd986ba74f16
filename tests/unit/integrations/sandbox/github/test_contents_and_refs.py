"""Files, refs, commits, comparisons."""

import base64
from pathlib import Path

from tests.unit.integrations.sandbox.github.world import FILE, FILES, REPO, World, running


async def test_a_file_at_a_ref(world: World) -> None:
    """G8."""
    old = await world.git.head()
    await world.git.commit({FILE: b"new\n"}, "x", "Bo", "bo@example.com")
    found = (await world.http.get(f"{REPO}/contents/{FILE}", params={"ref": old})).json()
    assert base64.b64decode(found["content"]) == FILES[FILE]
    raw = {"Accept": "application/vnd.github.raw+json"}
    assert (await world.http.get(f"{REPO}/contents/{FILE}", headers=raw)).content == b"new\n"
    assert (await world.http.get(f"{REPO}/contents/absent")).status_code == 404
    assert (await world.http.get(f"{REPO}/contents/{FILE}", params={"ref": "no"})).status_code == 404


async def test_a_folder_is_an_array_and_a_large_file_has_no_content(world: World) -> None:
    """G8."""
    await world.git.commit({"big.bin": b"x" * 1_000_001}, "x", "Bo", "bo@example.com")
    listed = (await world.http.get(f"{REPO}/contents")).json()
    assert [(one["name"], one["type"]) for one in listed] == [
        ("README.md", "file"),
        ("apps", "dir"),
        ("big.bin", "file"),
    ]
    big = (await world.http.get(f"{REPO}/contents/big.bin")).json()
    assert (big["content"], big["encoding"], big["size"]) == ("", "none", 1_000_001)
    raw = await world.http.get(f"{REPO}/contents/big.bin", headers={"Accept": "application/vnd.github.raw"})
    assert len(raw.content) == 1_000_001


async def test_writing_a_file_needs_its_blob(world: World) -> None:
    """G8: 422 without, 409 with another one."""
    url, body = f"{REPO}/contents/README.md", {"message": "m", "content": base64.b64encode(b"2").decode()}
    assert (await world.http.put(url, json=body)).status_code == 422
    assert (await world.http.put(url, json={**body, "sha": "f" * 40})).status_code == 409
    sha = (await world.http.get(url)).json()["sha"]
    assert (await world.http.put(url, json={**body, "sha": sha})).status_code == 200
    assert await world.git.read("README.md") == b"2"
    [commit] = await world.git.log(1)
    assert (commit["author"], commit["email"]) == ("bo", "7+bo@users.noreply.github.com")


async def test_ref_spelling(world: World) -> None:
    """G6."""
    head = await world.git.head()
    assert (await world.http.get(f"{REPO}/git/ref/heads/main")).json()["object"]["sha"] == head
    assert (await world.http.get(f"{REPO}/git/ref/refs/heads/main")).status_code == 404
    made = await world.http.post(f"{REPO}/git/refs", json={"ref": "refs/heads/a/b", "sha": head})
    assert made.status_code == 201
    assert (await world.http.post(f"{REPO}/git/refs", json={"ref": "a", "sha": head})).status_code == 422
    matching = (await world.http.get(f"{REPO}/git/matching-refs/heads/a")).json()
    assert [one["ref"] for one in matching] == ["refs/heads/a/b"]


async def test_the_many_meanings_of_422(world: World) -> None:
    """G7."""
    old = await world.git.head()
    new = await world.git.commit({"x": b"1"}, "x", "Bo", "bo@example.com")
    main, absent = f"{REPO}/git/refs/heads/main", f"{REPO}/git/refs/heads/absent"
    for answer, message in (
        (await world.http.patch(main, json={"sha": old}), "Update is not a fast forward"),
        (await world.http.patch(absent, json={"sha": old}), "Reference does not exist"),
        (
            await world.http.post(f"{REPO}/git/refs", json={"ref": "refs/heads/main", "sha": old}),
            "Reference already exists",
        ),
        (await world.http.delete(absent), "Reference does not exist"),
    ):
        assert (answer.status_code, answer.json()["message"]) == (422, message)
    assert await world.git.head() == new
    assert (await world.http.patch(main, json={"sha": old, "force": True})).status_code == 200
    assert await world.git.head() == old


async def test_a_branch_may_be_read_stale_after_a_push(tmp_path: Path) -> None:
    """G5: but by its id the commit is there at once."""
    async with running(tmp_path, stale_reads=30.0) as world:
        old = await world.git.head()
        new = await world.git.commit({"x": b"1"}, "x", "Bo", "bo@example.com")
        for url in ("/git/ref/heads/main", "/branches/main", "/commits/main"):
            text = (await world.http.get(REPO + url)).text
            assert f'"sha": "{old}"' in text, url
            assert new not in text, url
        assert (await world.http.get(f"{REPO}/commits/{new}")).json()["sha"] == new
        assert (await world.http.get(f"{REPO}/contents/x", params={"ref": new})).status_code == 200


async def test_compare(world: World) -> None:
    """G9: oldest first, with authors and files."""
    base = await world.git.head()
    for number in range(2):
        await world.git.commit({"x": f"{number}\n".encode()}, f"n{number}", "Bo", "7+bo@users.noreply.github.com")
    found = (await world.http.get(f"{REPO}/compare/{base}...main")).json()
    assert (found["status"], found["ahead_by"], found["behind_by"], found["total_commits"]) == ("ahead", 2, 0, 2)
    assert [one["commit"]["message"] for one in found["commits"]] == ["n0", "n1"]
    assert found["commits"][0]["author"]["login"] == "bo"
    assert [(one["filename"], one["status"], one["patch"]) for one in found["files"]] == [
        ("x", "added", "@@ -0,0 +1 @@\n+1")
    ]
    assert (await world.http.get(f"{REPO}/compare/main...{base}")).json()["status"] == "behind"
    assert (await world.http.get(f"{REPO}/compare/main...main")).json()["status"] == "identical"
    assert (await world.http.get(f"{REPO}/compare/main...nope")).status_code == 404


async def test_commits_of_a_path(world: World) -> None:
    await world.git.commit({"x": b"1"}, "Other", "Bo", "bo@example.com")
    await world.git.commit({FILE: b"1"}, "Mine", "Bo", "bo@example.com")
    found = (await world.http.get(f"{REPO}/commits", params={"path": FILE})).json()
    assert [one["commit"]["message"] for one in found] == ["Mine", "Seed"]
    sha = {"Accept": "application/vnd.github.sha"}
    assert (await world.http.get(f"{REPO}/commits/main", headers=sha)).text == await world.git.head()
    assert (await world.http.get(f"{REPO}/commits/{'f' * 40}")).status_code == 422


async def test_a_tree_with_a_deletion(world: World) -> None:
    sha = await world.branch("gone", {"README.md": None, "new.txt": b"1"})
    tree = (await world.http.get(f"{REPO}/git/trees/{sha}", params={"recursive": "1"})).json()
    paths = {one["path"] for one in tree["tree"] if one["type"] == "blob"}
    assert paths == {FILE, "new.txt"}
    assert tree["truncated"] is False
