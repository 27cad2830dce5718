"""``python -m supervisor.supervisorctl``."""

from supervisor.supervisorctl.program import main

main()
