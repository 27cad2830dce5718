"""Makes what is installed beside the package and comes from the code: manual pages and completions.

usage: python docs/share.py [FOLDER]        (needs Sphinx; without FOLDER: docs/share/ of this checkout)

The results are kept in the repository, so that a distribution can be built without Sphinx; a test says when they are
out of date.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import tempfile

DOCS = pathlib.Path(__file__).parent
COMPLETIONS = {
    "bash": "bash-completion/completions/supervisorctl",
    "zsh": "zsh/site-functions/_supervisorctl",
    "fish": "fish/vendor_completions.d/supervisorctl.fish",
}


def completions(share: pathlib.Path) -> None:
    """The scripts that ``supervisorctl completion`` prints."""
    for shell, place in COMPLETIONS.items():
        path = share / place
        path.parent.mkdir(parents=True, exist_ok=True)
        call = [sys.executable, "-m", "supervisor.supervisorctl", "completion", shell]
        path.write_bytes(subprocess.run(call, check=True, stdout=subprocess.PIPE, cwd=DOCS.parent).stdout)


def manual_pages(share: pathlib.Path) -> None:
    """The pages of docs/man."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-b", "man", "-d", f"{folder}/doctrees",
                        str(DOCS), f"{folder}/man"], check=True)
        for page in sorted(pathlib.Path(folder, "man").rglob("*.[0-9]")):
            place = share / "man" / f"man{page.suffix[1:]}"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(page, place / page.name)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "share"
    completions(target)
    manual_pages(target)
