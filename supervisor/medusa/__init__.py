"""Old names for plugins that import them from here; the code lives in supervisor.http.

Promise: nothing of ours imports this package.
"""
