"""The law of the floors leaves nothing out: `.importlinter` names every module, and every larger room has a law inside.

`make check` runs the law; what is tested here is that it cannot be left out by forgetting.
"""

from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
LARGE = 8
"""modules in a room, from which on it needs a law of its own"""


def contracts() -> list[dict[str, str]]:
    law = ConfigParser()
    law.read(ROOT / ".importlinter")
    return [dict(law[section]) for section in law.sections() if section.startswith("importlinter:contract:")]


def layered() -> dict[str, dict[str, str]]:
    """Room → the law inside it."""
    return {one["containers"].strip(): one for one in contracts() if one["type"] == "layers" and "containers" in one}


def independent() -> set[str]:
    """Rooms whose modules know nothing of each other."""
    named = [one["modules"].split() for one in contracts() if one["type"] == "independence"]
    return {name.removesuffix(".*") for names in named for name in names if name.endswith(".*")}


def rooms() -> Iterator[tuple[str, int]]:
    """Each package of the product, and how many modules and packages it has."""
    for top in ("bot", "commands", "integrations"):
        for face in (ROOT / top).rglob("__init__.py"):
            room = face.parent
            if "sandbox" in room.parts or "migrations" in room.parts:
                continue
            files = [file for file in room.glob("*.py") if file != face]
            packages = [one for one in room.iterdir() if (one / "__init__.py").exists()]
            yield ".".join(room.relative_to(ROOT).parts), len(files) + len(packages)


def test_each_law_of_a_room_names_all_that_is_in_it() -> None:
    assert [room for room, law in layered().items() if law.get("exhaustive") != "True"] == []


def test_every_larger_room_has_a_law_inside() -> None:
    large = {room for room, modules in rooms() if modules > LARGE}
    assert large - set(layered()) - independent() - {"integrations"} == set()


def test_the_independence_contracts_need_no_list() -> None:
    names = [name for one in contracts() if one["type"] == "independence" for name in one["modules"].split()]
    assert {"commands.*", "bot.gates.*", "bot.ports.*"} <= set(names)
    assert all(name.endswith(".*") for name in names)
