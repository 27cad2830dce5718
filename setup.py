"""Everything is declared in setup.cfg; here is what makes distributions the same every time.

With SOURCE_DATE_EPOCH set, two builds of one tree give equal files: order, times, owners and modes of what is packed
are fixed.
"""

import gzip
import os
import tarfile

from setuptools import setup
from setuptools.command.sdist import sdist


class ReproducibleSdist(sdist):
    """Packs by itself when it is told which time it is."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, owner=None, group=None):
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch is None or format != "gztar":
            return super().make_archive(base_name, format, root_dir, base_dir, owner, group)

        def same(member):
            member.mtime = int(epoch)
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            return member

        path = f"{base_name}.tar.gz"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with (
            open(path, "wb") as raw,
            gzip.GzipFile("", "wb", mtime=int(epoch), fileobj=raw) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            tar.add(os.path.join(root_dir or "", base_dir), base_dir, filter=same)     # add() sorts
        return path


if "SOURCE_DATE_EPOCH" in os.environ:
    os.umask(0o022)     # the files in a wheel have the modes of those it is made from
setup(cmdclass={"sdist": ReproducibleSdist})
