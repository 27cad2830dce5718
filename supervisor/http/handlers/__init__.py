"""What answers requests here: authentication in front, logs that are followed, files.

Promise: each handler has match(request) and handle_request(request), as plugins' handlers have. Knows no socket.
"""
