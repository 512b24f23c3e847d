"""Write down which compiled packages Cloudflare's Python has: `make pyodide`.

They are those of the Pyodide release that Cloudflare runs, told by the lock file in its npm package.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

# What the compatibility date in providers/cloudflare/files.py means.
VERSION = "0.28.2"
PACKAGE = f"pyodide@{VERSION}"
ROOT = Path(__file__).parent.parent
TARGET = ROOT / "src/awaitstep/providers/cloudflare/pyodide.json"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [ROOT / "web/npm", "pack", "--silent", f"--pack-destination={folder}", PACKAGE],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        [archive] = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as files:
            member = files.extractfile("package/pyodide-lock.json")
            assert member is not None
            lock = json.load(io.TextIOWrapper(member))
    packages = {
        package["name"]: package["version"]
        for package in lock["packages"].values()
        if package["package_type"] == "package" and "wasm32" in package["file_name"]
    }
    told = {
        "pyodide": VERSION,
        "python": ".".join(lock["info"]["python"].split(".")[:2]),
        "platform": f"wasm32-pyodide{lock['info']['abi_version'].partition('_')[0]}",
        "packages": dict(sorted(packages.items())),
    }
    TARGET.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
