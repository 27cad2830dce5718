"""Configurations that were good before somebody slipped: characters and lines dropped, swapped, doubled."""

from __future__ import annotations

import random

GOOD = """\
[unix_http_server]
file=%(here)s/sock
chmod=0700
username=user
password={SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d
[inet_http_server:two]
port=127.0.0.1:19001
allowed_hosts=example.org
[supervisord]
logfile=%(here)s/log
logfile_maxbytes=50MB
pidfile=%(here)s/pid
loglevel=info
identifier=one ; a remark
environment=A="1",B='two words',C=%(ENV_PATH)s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/sock
[program:a]
command=/bin/cat "%(program_name)s" %(process_num)02d
process_name=%(program_name)s_%(process_num)s
numprocs=2
numprocs_start=1
exitcodes=0,2
stopsignal=INT
autorestart=unexpected
environment=
    X="%(here)s",
    Y="3%%"
stdout_logfile=NONE
stderr_logfile_maxbytes=1KB
startretries=3
stopasgroup=true
[program:b]
command=/bin/sh -c 'sleep 1; exit 0'
umask=022
user=root
[eventlistener:l]
command=/bin/cat
events=TICK_5,PROCESS_STATE
buffer_size=10
[fcgi-program:f]
command=/bin/cat
socket=unix://%(here)s/%(program_name)s.sock
socket_mode=0700
socket_backlog=5
[group:g]
programs=a,b
priority=5
[include]
files=more/*.ini
"""

DRAMATIC = "[]=:;#%()\"'\\,/ \t\n\r\0{}-0é\ufeff"


def mutated(text: str, dice: random.Random) -> str:
    """The text after one to four slips."""
    for _ in range(dice.randint(1, 4)):
        pieces = text.splitlines(keepends=True) if dice.random() < 0.4 else list(text)
        if len(pieces) < 2:
            return text
        at, other = dice.randrange(len(pieces)), dice.randrange(len(pieces))
        slip = dice.randrange(4)
        if slip == 0:
            del pieces[at]
        elif slip == 1:
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif slip == 2:
            pieces.insert(at, pieces[other])
        else:
            pieces.insert(at, dice.choice(DRAMATIC))
        text = "".join(pieces)
    return text
