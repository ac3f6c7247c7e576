"""Build the page into the wheel, when npm is there; without it the wheel builds and says so."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = os.path.join("src", "meticulous", "web", "static")
# What the server sends, and what an exported page is made of: frontend/vite.config.ts.
PAGES = ("index.html", os.path.join("export", "index.html"))


class PageHook(BuildHookInterface[Any]):
    """Runs npm in ``frontend/`` before a wheel is made; an editable install uses `make page`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the page's files, and put them into the wheel."""
        static = os.path.join(self.root, STATIC)
        frontend = os.path.join(self.root, "frontend")
        if self.target_name != "wheel" or version == "editable":
            return
        if not all(os.path.isfile(os.path.join(static, page)) for page in PAGES):
            npm = shutil.which("npm")
            if npm is None or not os.path.isdir(frontend):
                self.app.display_warning(
                    "npm is not here, so the wheel is without the page of `meticulous ui`; "
                    "install Node.js and build it again for that."
                )
                return
            # Not `npm ci`, which refuses a lock that was made where a registry lacks the parts of
            # other operating systems; the versions are those of the lock either way.
            for words in (["install", "--no-save"], ["run", "build"]):
                try:
                    subprocess.run([npm, *words], cwd=frontend, check=True)
                except (OSError, subprocess.CalledProcessError) as error:
                    self.app.display_warning(f"the wheel is without the page: {error}")
                    return
        build_data["artifacts"].append(STATIC.replace(os.sep, "/") + "/**")
