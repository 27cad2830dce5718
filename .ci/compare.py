"""Compare the behaviour of an install with the recorded one; fail for a difference nobody listed.

usage: compare.py CONFORMANCE_DIR BIN_DIR

``.ci/differs.txt`` has a line for each scenario that may differ: its name and the reason. A listed
scenario that is the same again is an error too, so that the list only shrinks.
"""

import json
import pathlib
import subprocess
import sys
import tempfile


def main() -> int:
    material, bin_dir = map(pathlib.Path, sys.argv[1:3])
    rows = [line.split(None, 1) for line in pathlib.Path(".ci/differs.txt").read_text().splitlines() if line.strip()]
    listed = {row[0] for row in rows if not row[0].startswith("#")}
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder, "result.json")
        subprocess.run([str(material / "compare"), "-v", "--json", str(result), f"{bin_dir}/"], check=False)
        scenarios = json.loads(result.read_text())["scenarios"]
    differing = {name for name, row in scenarios.items() if row["verdict"] != "same"}
    for name in sorted(differing - listed):
        print(f"{name}: differs, and .ci/differs.txt gives no reason")
    for name in sorted(listed - differing):
        print(f"{name}: is the same; take it out of .ci/differs.txt")
    return 1 if differing ^ listed else 0


if __name__ == "__main__":
    sys.exit(main())
