"""Configuration: text -> typed values -> groups, from one row per option.

Nothing is imported here, so that supervisorctl pays only for the parts it reads with.
"""
