"""Files below one folder.

Promise: nothing outside of the folder is ever opened, however the path is written. Knows no page.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Sequence

from supervisor.engine.system import SHORTAGES
from supervisor.hints import TYPE_CHECKING, Any
from supervisor.http.request import deferring_http_request
from supervisor.http.response import build_http_date, parse_http_date
from supervisor.late import Late

if TYPE_CHECKING:
    from urllib import parse as urls
else:
    urls = Late("urllib.parse")

__all__ = ["default_handler", "file_producer", "os_filesystem"]

_TYPES = {
    "css": "text/css", "gif": "image/gif", "htm": "text/html", "html": "text/html", "ico": "image/x-icon",
    "jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "text/javascript", "json": "application/json",
    "pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml", "txt": "text/plain",
    "webp": "image/webp", "woff": "font/woff", "woff2": "font/woff2", "xml": "text/xml",
}
_PIECE = 65536


class os_filesystem:
    """A folder, seen as a whole file system: paths begin with / and cannot leave it."""

    def __init__(self, root: str, wd: str = "/") -> None:
        self.root = root
        self.wd = self.normalize(wd)

    def current_directory(self) -> str:
        return self.wd

    def isfile(self, path: str) -> bool:
        return os.path.isfile(self.translate(path))

    def isdir(self, path: str) -> bool:
        return os.path.isdir(self.translate(path))

    def cwd(self, path: str) -> bool:
        """Change the folder that relative paths start from; whether there is one."""
        if not self.isdir(path):
            return False
        self.wd = self.normalize(path)
        return True

    def cdup(self) -> bool:
        return self.cwd("..")

    def listdir(self, path: str) -> list[str]:
        return sorted(os.listdir(self.translate(path)))

    def stat(self, path: str) -> os.stat_result:
        return os.stat(self.translate(path))

    def open(self, path: str, mode: str = "rb") -> Any:
        return open(self.translate(path), mode)

    def unlink(self, path: str) -> None:
        os.unlink(self.translate(path))

    def mkdir(self, path: str) -> None:
        os.mkdir(self.translate(path))

    def rmdir(self, path: str) -> None:
        os.rmdir(self.translate(path))

    def normalize(self, path: str) -> str:
        """The path from the root on, without ``.``, ``..`` and repeated slashes.

        >>> os_filesystem("/srv").normalize("../a//./b/..")
        '/a'
        """
        path = posixpath.normpath(posixpath.join(getattr(self, "wd", "/"), path))
        return "/" + path.lstrip("/")

    def translate(self, path: str) -> str:
        """Where it really is."""
        if "\0" in path:
            raise FileNotFoundError("NUL in a path")
        return os.path.join(self.root, self.normalize(path)[1:])


class file_producer:
    """The rest of an open file."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def more(self) -> bytes:
        data: bytes = self._file.read(_PIECE)
        return data

    def close(self) -> None:
        self._file.close()


class default_handler:
    """Serves the files of a file system to whoever matched nothing else."""

    IDENT = "Default HTTP Request Handler"
    directory_defaults = ["index.html", "default.html"]
    valid_commands = ["GET", "HEAD"]

    def __init__(self, filesystem: os_filesystem, hidden: Sequence[str] = ()) -> None:
        self.filesystem = filesystem
        # Names of files end like this that are there, but not for clients.
        self._hidden = tuple(hidden)

    def match(self, request: deferring_http_request) -> bool:
        return True

    def handle_request(self, request: deferring_http_request) -> None:
        if request.command not in self.valid_commands:
            request["Allow"] = ", ".join(self.valid_commands)
            request.error(405)
            return
        path = request.split_uri()[0]
        try:
            self._serve(request, path)
        except (OSError, ValueError) as error:
            # Gone meanwhile, not for us to read, or a path that no file can have.
            request.error(503 if getattr(error, "errno", None) in SHORTAGES else 404)

    def _serve(self, request: deferring_http_request, path: str) -> None:
        filesystem = self.filesystem
        if filesystem.isdir(path):
            if path and not path.endswith("/"):
                request["Location"] = urls.quote(filesystem.normalize(path)).rstrip("/") + "/"
                request.error(301)
                return
            path = next((path + name for name in self.directory_defaults if filesystem.isfile(path + name)), "")
        if not path or path.endswith(self._hidden or ("/",)) or not filesystem.isfile(path):
            request.error(404)
            return
        self._send(request, path)

    def _send(self, request: deferring_http_request, path: str) -> None:
        file = self.filesystem.open(path, "rb")
        try:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise OSError("not a file")
            if _is_current(request.get_header("if-modified-since"), found):
                request.error(304)
                return
            request["Last-Modified"] = build_http_date(found.st_mtime)
            request["Content-Length"] = found.st_size
            request["Content-Type"] = _TYPES.get(path.rpartition(".")[2].lower(), "text/plain")
            request["X-Content-Type-Options"] = "nosniff"
            if request.command == "GET":
                request.push(file_producer(file))
                file = None
            request.done()
        finally:
            if file is not None:
                file.close()


def _is_current(condition: str | None, found: os.stat_result) -> bool:
    """Whether the client's copy (DATE[; length=N]) is the file as it is."""
    if condition is None:
        return False
    date, more, parameter = condition.partition(";")
    since = parse_http_date(date)
    if since is None or int(found.st_mtime) > since:
        return False
    name, _, length = parameter.partition("=")
    return not more or (name.lower() == " length" and length == str(found.st_size))
