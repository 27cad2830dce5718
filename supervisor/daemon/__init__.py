"""What the daemon is made of beside its loop: starting up, ending, and room for plugins' own descriptors.

Promise: each part does one thing and is handed what it works on. Only supervisord.py knows them all.
"""
