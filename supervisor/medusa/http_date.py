"""Old names for plugins; the code lives in supervisor.http."""

from supervisor.http.response import build_http_date, parse_http_date

__all__ = ["build_http_date", "parse_http_date"]
