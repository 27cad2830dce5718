"""A process supervisor: supervisord keeps programs alive, supervisorctl commands it."""
