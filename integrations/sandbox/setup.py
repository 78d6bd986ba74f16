"""The packages below this folder as `integrations.sandbox`, and the manifests of `deploy/` as its data."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
NAME = "integrations.sandbox"
DEPLOY = HERE.parents[1] / "deploy"
MANIFESTS = ("apps", "platform", "bot/base")
ROBOT_ACCOUNT = "harbor-robot.json"


class WithManifests(build_py):  # type: ignore[misc]  # it has no types
    """What the sandbox loads is what is shipped, so it is copied, and stands nowhere twice in the repository."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for part in MANIFESTS:
            target = Path(self.build_lib, *NAME.split("."), "deploy", part)
            shutil.copytree(DEPLOY / part, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(DEPLOY / ROBOT_ACCOUNT, Path(self.build_lib, *NAME.split("."), "deploy", ROBOT_ACCOUNT))


setup(
    packages=[NAME, *(f"{NAME}.{package}" for package in find_packages(str(HERE)))],
    package_dir={NAME: "."},
    package_data={
        NAME: ["seed/**/*", "page/**/*"],
        f"{NAME}.page": ["**/*.html", "**/*.css", "**/*.js", "**/*.svg"],
    },
    cmdclass={"build_py": WithManifests},
)
