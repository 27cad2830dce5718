"""The border to the operating system: loop, timers, clock, signals, daemonizing, privileges.

Promise: bytes, signals and deadlines enter here and nowhere else. Knows nothing of programs or requests.
"""
