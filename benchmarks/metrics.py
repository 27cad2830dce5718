# ruff: noqa: UP031
"""The metrics. Each is a function (install, opt) -> {key: value}.

A key reads 'what [unit]'. Keys ending in '+' are better when higher, the rest
better when lower. README.rst defines each one.
"""
import os
import random
import re
import selectors
import signal
import sys
import time

from harness import (
    EXITED,
    SPAWNED,
    BenchError,
    Daemon,
    Fifo,
    children,
    cpu_sum,
    ctx_switches,
    fd_count,
    idlers,
    memory_kb,
    now,
    percentile,
    post,
    program,
    reaped_cpu,
    sleep_cmd,
    stamp_command,
    syscalls,
)

HERE = os.path.dirname(os.path.abspath(__file__))


# 1 ---------------------------------------------------------------- start-N
def start(inst, opt):
    out = {}
    shapes = [('%d programs' % n, n, idlers, ss)
              for n in opt.programs[1:] for ss in (0, 1)]
    n = opt.programs[1]
    shapes.append(('1 group of %d' % n, n, group_of, 0))
    for label, n, build, startsecs in shapes:
        with Daemon(inst, build(n, startsecs=startsecs), n) as d:
            wall = d.wait_running(n) - d.started
            tag = '%s, startsecs=%d' % (label, startsecs)
            out[tag + ' wall [s]'] = wall
            out[tag + ' daemon cpu [s]'] = cpu_sum(d.family())
            out[tag + ' children cpu to exec [s]'] = cpu_sum(children(d.pid))
    return out


def group_of(n, **options):
    return program('many', sleep_cmd(), numprocs=n, process_name='p%(process_num)04d',
                   stdout_logfile='%(here)s/log/p%(process_num)04d.log', **options)


# 2 --------------------------------------------------------------- idle cost
def idle(inst, opt):
    out = {}
    for n in (1,) + opt.idle_programs:
        with Daemon(inst, idlers(n), n) as d:
            d.wait_running(n)
            time.sleep(2.5)
            pids = d.family()
            c0, v0, t0 = cpu_sum(pids), sum(ctx_switches(p)[0] for p in pids), now()
            time.sleep(opt.idle_seconds)
            dt = now() - t0
            out['%d children, cpu [ms per 20 s]' % n] = (cpu_sum(pids) - c0) / dt * 2e4
            out['%d children, wakeups [per 20 s]' % n] = (
                sum(ctx_switches(p)[0] for p in pids) - v0) / dt * 20
            calls = [syscalls(p, 5) for p in pids]
            if None not in calls:
                out['%d children, syscalls [per 20 s]' % n] = sum(calls) * 4
    return out


# 3 ------------------------------------------------------------------ memory
def memory(inst, opt):
    out = {}
    for n in (1,) + opt.idle_programs:
        with Daemon(inst, idlers(n), n) as d:
            d.wait_running(n)
            d.rpc('supervisor.getAllProcessInfo')
            time.sleep(0.5)
            sizes = [memory_kb(p) for p in d.family()]
            for k in ('Rss', 'Pss', 'Uss'):
                out['%d children, %s [MB]' % (n, k)] = sum(s[k] for s in sizes) / 1024
            out['%d children, fds [n]' % n] = sum(fd_count(p) for p in d.family())
    # leak: the same daemon before and after opt.churn restarts
    progs = ''.join(program('q%02d' % i, true_cmd(), autorestart='true')
                    for i in range(20))
    with Daemon(inst, progs) as d:
        d.watch(SPAWNED)
        d.wait_log(SPAWNED, opt.churn // 10, 300)
        before, fds = memory_kb(d.pid)['Uss'], fd_count(d.pid)
        d.wait_log(SPAWNED, opt.churn + opt.churn // 10, 600)
        # allocator noise alone reaches 1.5 MB, so less than 2 MB counts as none
        out['growth over %d restarts, 2048 = none [kB]' % opt.churn] = max(
            2048, memory_kb(d.pid)['Uss'] - before)
        out['fd growth over restarts [n]'] = max(0, fd_count(d.pid) - fds - 6)
    return out


def true_cmd():
    return '/bin/true' if os.path.exists('/bin/true') else '/usr/bin/true'


# 4 ---------------------------------------------------------- restart latency
def kill_loop(fifo, first_pid, kills, seconds, rng):
    """Kill the stamped child over and over; latencies from kill to new exec."""
    pid, lat, end = first_pid, [], now() + seconds
    while len(lat) < kills and now() < end:
        time.sleep(rng.uniform(0.01, 0.05))
        t0 = now()
        os.kill(pid, signal.SIGKILL)
        got = fifo.read(15)
        if got is None:
            raise BenchError('no replacement within 15 s')
        pid = got[0]
        lat.append((got[1] - t0) * 1000)
    return lat


def restart(inst, opt):
    out = {}
    for siblings in (0, opt.programs[1] * 5 // 2):
        d = Daemon(inst, '', siblings + 1)
        fifo = Fifo(d.work)
        stamp = ' '.join(stamp_command(d.work, fifo.path))
        d.write_config(idlers(siblings) + program('kk', stamp, autorestart='true'))
        with d:
            first = fifo.read(120)[0]
            d.wait_running(siblings + 1)
            time.sleep(1.5)
            c0 = d.cpu()
            lat = kill_loop(fifo, first, opt.kills, opt.kill_seconds, random.Random(7))
            tag = '%d siblings, ' % siblings
            out[tag + 'kill to exec p50 [ms]'] = percentile(lat, 50)
            out[tag + 'kill to exec p99 [ms]'] = percentile(lat, 99)
            out[tag + 'daemon cpu per restart [ms]'] = (d.cpu() - c0) / len(lat) * 1e3
        fifo.close()
    return out


# 5 -------------------------------------------------------------- crash storm
def storm(inst, opt):
    n = 200
    progs = ''.join(program('q%03d' % i, true_cmd(), autorestart='true') for i in range(n))
    with Daemon(inst, progs, n) as d:
        d.watch(SPAWNED)
        d.wait_log(SPAWNED, n, 60)
        time.sleep(1)
        n0, c0, k0, t0 = d.count_log(SPAWNED), d.cpu(), reaped_cpu(d.pid), now()
        time.sleep(opt.storm_seconds)
        count, dt = d.count_log(SPAWNED) - n0, now() - t0
        cpu, kids = d.cpu() - c0, reaped_cpu(d.pid) - k0
        rate = rpc_rate(d, post('supervisor.getState'), 200, seconds=5)
        return {'restarts per s +': count / dt,
                'restarts per daemon cpu s +': count / max(cpu, 1e-6),
                'daemon cpu per restart [ms]': cpu / max(count, 1) * 1e3,
                'child cpu per restart [ms]': kids / max(count, 1) * 1e3,
                'getState during the storm p50 [ms]': rate[2],
                'getState during the storm p99 [ms]': rate[3]}


# 6 ------------------------------------------------------------ log throughput
def line_file(path, megabytes, ansi=False):
    """A file of distinct 80-byte lines, `megabytes` MB long."""
    with open(path, 'wb') as f:
        for k in range(megabytes):
            rows = []
            for i in range(12500):
                head = b'%09d ' % (k * 12500 + i)
                body = b'\x1b[32mok\x1b[0m ' if ansi else b''
                rows.append((head + body).ljust(79, b'x') + b'\n')
            f.write(b''.join(rows))


def log_case(inst, opt, mb, nchildren, tag, options, ansi=False, extra='', main='',
             check=True):
    d = Daemon(inst, '', nchildren, main=main, extra=extra)
    unit = 10
    src = os.path.join(d.work, 'lines')
    line_file(src, unit, ansi)
    reps = max(1, mb // nchildren // unit)
    cmd = '/bin/cat ' + ' '.join([src] * reps)
    names = ['w%02d' % i for i in range(nchildren)]
    d.write_config(''.join(
        program(n, cmd, autostart='false', autorestart='false', **options) for n in names))
    with d:
        d.wait_rpc()
        d.watch(EXITED)
        c0, t0 = d.cpu(), now()
        for n in names:
            d.rpc('supervisor.startProcess', n, False)
        d.wait_log(EXITED, nchildren, 300)
        wall, cpu = now() - t0, d.cpu() - c0
        total = reps * nchildren * unit          # MB written
        out = {tag + ' MB per s +': total / wall,
               tag + ' daemon cpu [s per GB]': cpu / total * 1000}
        if check:
            out[tag + ' bytes wrong [n]'] = sum(
                wrong_bytes(os.path.join(d.work, 'log', n + '.log'), src, reps, options)
                for n in names)
        return out


def wrong_bytes(path, src, reps, options):
    """0 when the log (with its backups) holds the end of the stream, intact."""
    unit = open(src, 'rb').read()
    backups = sorted((p for p in os.listdir(os.path.dirname(path))
                      if re.fullmatch(re.escape(os.path.basename(path)) + r'\.\d+', p)),
                     key=lambda p: -int(p.rpartition('.')[2]))
    pos = len(unit) * reps
    size = sum(os.path.getsize(os.path.join(os.path.dirname(path), p)) for p in backups)
    size += os.path.getsize(path)
    bad = 0
    if not backups and size != pos:
        bad += abs(pos - size)
    at = (pos - size) % len(unit)
    for p in backups + [os.path.basename(path)]:
        with open(os.path.join(os.path.dirname(path), p), 'rb') as f:
            while True:
                data = f.read(1 << 20)
                if not data:
                    break
                while data:
                    want = unit[at:at + len(data)]
                    if data[:len(want)] != want:
                        bad += len(want)
                    data = data[len(want):]
                    at = (at + len(want)) % len(unit)
    return bad


def logs(inst, opt):
    mb, out = opt.log_mb, {}
    plain = {'stdout_logfile_maxbytes': 0}
    out.update(log_case(inst, opt, mb, 1, '1 child, no rotation', plain))
    out.update(log_case(inst, opt, mb, 20, '20 children, no rotation', plain))
    out.update(log_case(inst, opt, mb, 1, '1 child, 50MBx10',
                        {'stdout_logfile_maxbytes': '50MB', 'stdout_logfile_backups': 10}))
    out.update(log_case(inst, opt, mb, 1, '1 child, 1MBx10',
                        {'stdout_logfile_maxbytes': '1MB', 'stdout_logfile_backups': 10}))
    out.update(log_case(inst, opt, mb, 20, '20 children, 1MBx10',
                        {'stdout_logfile_maxbytes': '1MB', 'stdout_logfile_backups': 10}))
    out.update(log_case(inst, opt, mb // 2, 1, 'strip_ansi', plain, ansi=True,
                        main='strip_ansi=true', check=False))
    out.update(log_case(inst, opt, mb // 2, 1, 'capture on',
                        dict(plain, stdout_capture_maxbytes='1MB')))
    out.update(log_case(inst, opt, mb // 2, 1, 'events on, no listener',
                        dict(plain, stdout_events_enabled='true')))
    lis = ('[eventlistener:l]\ncommand=%s %s/dev/null\nevents=PROCESS_LOG\nbuffer_size=100\n'
           % (listener_cmd(), ''))
    out.update(log_case(inst, opt, mb // 10, 1, 'events on, listener',
                        dict(plain, stdout_events_enabled='true'), extra=lis))
    return out


# 7 ---------------------------------------------------------------------- RPC
def rpc_rate(d, request, calls, keep=True, seconds=8):
    """(calls per s, daemon cpu us per call, p50 ms, p99 ms)."""
    conn, lat = d.http(), []
    conn.exchange(request)
    if not keep:
        conn.close()
    c0, t0 = d.cpu(), now()
    while len(lat) < calls and now() - t0 < seconds:
        t = now()
        head, body = conn.exchange(request)
        if not keep:
            conn.close()
        lat.append((now() - t) * 1e3)
    dt, cpu = now() - t0, d.cpu() - c0
    conn.close()
    if b'<fault>' in body:
        raise BenchError('fault: %r' % body[:300])
    return len(lat) / dt, cpu / len(lat) * 1e6, percentile(lat, 50), percentile(lat, 99)


def rpc_concurrent(d, request, clients, calls):
    """Calls per s with `clients` connections, each with one call outstanding."""
    sel = selectors.DefaultSelector()
    conns = []
    for _ in range(clients):
        c = d.http()
        c.exchange(request)
        conns.append(c)
    c0, t0, sent, done = d.cpu(), now(), 0, 0
    for c in conns:
        c.buf = b''
        c.sock.sendall(request)
        sent += 1
        sel.register(c.sock, selectors.EVENT_READ, c)
    while done < calls:
        for key, _ in sel.select(30):
            c = key.data
            c.buf += c.sock.recv(65536)
            if c.buf.rstrip().endswith(b'</methodResponse>'):
                done, c.buf = done + 1, b''
                if sent < calls:
                    c.sock.sendall(request)
                    sent += 1
    dt, cpu = now() - t0, d.cpu() - c0
    for c in conns:
        c.close()
    return done / dt, cpu / done * 1e6


def rpc(inst, opt):
    out = {}
    for n in (10,) + opt.idle_programs:
        with Daemon(inst, idlers(n), n) as d:
            d.wait_running(n)
            time.sleep(1.5)
            if n == 10:
                for tag, keep in (('new connection', False), ('keep-alive', True)):
                    r = rpc_rate(d, post('supervisor.getState', close=not keep),
                                 opt.calls, keep)
                    out['getState %s calls per s +' % tag] = r[0]
                    out['getState %s daemon cpu [us]' % tag] = r[1]
                    out['getState %s p50 [ms]' % tag] = r[2]
                    out['getState %s p99 [ms]' % tag] = r[3]
                r = rpc_concurrent(d, post('supervisor.getProcessInfo', 'p0001'), 8, opt.calls)
                out['getProcessInfo x8 clients calls per s +'], \
                    out['getProcessInfo x8 clients daemon cpu [us]'] = r
                multi = [{'methodName': 'supervisor.getProcessInfo', 'params': ['p0001']}] * 100
                r = rpc_rate(d, post('system.multicall', multi), 200, seconds=6)
                out['multicall of 100 p50 [ms]'], out['multicall of 100 daemon cpu [us]'] = \
                    r[2], r[1]
            r = rpc_rate(d, post('supervisor.getAllProcessInfo'), 200, seconds=6)
            out['getAllProcessInfo N=%d p50 [ms]' % n] = r[2]
            out['getAllProcessInfo N=%d daemon cpu [us]' % n] = r[1]
            if n > 10:
                r = rpc_rate(d, post('supervisor.getState'), 300, seconds=5)
                out['getState keep-alive N=%d daemon cpu [us]' % n] = r[1]
    return out


# 8 ---------------------------------------------------------------------- ctl
def ctl(inst, opt):
    out = {}

    def put(tag, results):
        results = list(results)
        for i, what in enumerate(('wall [ms]', 'its cpu [ms]', 'daemon cpu [ms]')):
            out['%s %s' % (tag, what)] = percentile([r[i] for r in results], 50) * 1e3

    for n in (1, opt.programs[-1]):
        with Daemon(inst, idlers(n), n) as d:
            d.wait_running(n)
            time.sleep(1.5)
            put('status N=%d' % n, (d.ctl('status') for _ in range(5)))
            if n == 1:
                put('version', (d.ctl('version') for _ in range(10)))
                put('help', (d.ctl('help') for _ in range(5)))
    n = opt.programs[1]
    with Daemon(inst, idlers(n, autostart='false'), n) as d:
        d.wait_rpc()
        for verb in ('start', 'restart', 'stop'):
            r = d.ctl(verb, 'all', timeout=opt.limit)
            if r[3].count(b'ERROR'):
                raise BenchError('%s all: %r' % (verb, r[3][:300]))
            put('%s all N=%d' % (verb, n), [r])
    return out


# 9 --------------------------------------------------------------- event delivery
def listener_cmd():
    return '%s -S -E %s' % (sys.executable, os.path.join(HERE, 'listener.py'))


def events(inst, opt):
    out = {}
    d = Daemon(inst, '', 2)
    fifo = Fifo(d.work)
    d.write_config(
        '[eventlistener:l]\ncommand=%s %s\nevents=REMOTE_COMMUNICATION,PROCESS_STATE_EXITED\n'
        'buffer_size=%d\n' % (listener_cmd(), fifo.path, opt.events + 100)
        + program('victim', sleep_cmd(), autorestart='true'))
    with d:
        d.wait_rpc()
        d.wait_running(2)
        time.sleep(1.5)
        # latency, one at a time
        conn, lat = d.http(), []
        for i in range(200):
            t0 = now()
            conn.exchange(post('supervisor.sendRemoteCommEvent', 't', 'x'))
            got = fifo.read(10)
            if got is None:
                raise BenchError('event %d never arrived' % i)
            lat.append((got[1] - t0) * 1e3)
            time.sleep(0.005)
        out['remote comm event to listener p50 [ms]'] = percentile(lat, 50)
        out['remote comm event to listener p99 [ms]'] = percentile(lat, 99)
        lat = []
        for _ in range(20):
            info = d.rpc('supervisor.getProcessInfo', 'victim')
            if info['pid'] == 0:
                time.sleep(0.3)
                continue
            t0 = now()
            os.kill(info['pid'], signal.SIGKILL)
            got = fifo.read(10)
            if got is None:
                raise BenchError('exit event never arrived')
            lat.append((got[1] - t0) * 1e3)
            time.sleep(1.2)
            if len(lat) * 2 > opt.kill_seconds:
                break
        out['child killed to listener p50 [ms]'] = percentile(lat, 50)
        # throughput: batches of 100 in a multicall, so RPC is not the limit
        batch = post('system.multicall', [
            {'methodName': 'supervisor.sendRemoteCommEvent', 'params': ['t', 'x']}] * 100)
        c0, t0, got = d.cpu(), now(), 0
        for _ in range(opt.events // 100):
            conn.exchange(batch)
        out['%d events accepted [s]' % opt.events] = now() - t0
        while got < opt.events:
            if fifo.read(5) is None:
                break
            got += 1
        out['events delivered per s +'] = got / (now() - t0)
        out['daemon cpu per event [us]'] = (d.cpu() - c0) / max(got, 1) * 1e6
        out['events lost [n]'] = opt.events - got
        conn.close()
    fifo.close()
    return out


# 10 ------------------------------------------------------------------ shutdown
def shutdown(inst, opt):
    out = {}
    for label, n, build in [('%d programs' % n, n, idlers) for n in opt.programs[1:]] + [
            ('1 group of %d' % opt.programs[1], opt.programs[1], group_of)]:
        with Daemon(inst, build(n), n) as d:
            d.wait_running(n)
            time.sleep(1.5)
            c0 = d.cpu()
            wall = d.terminate(opt.limit)
            if wall is None:
                out[label + ' wall [s]'] = float(opt.limit)      # at least
                continue
            out[label + ' wall [s]'] = wall
            u = d.exit_usage
            out[label + ' daemon cpu [s]'] = max(0, u.ru_utime + u.ru_stime - c0)
    return out


# 11 -------------------------------------------------------------------- reload
def reload(inst, opt):
    n, out = opt.programs[-1], {}
    with Daemon(inst, idlers(n, autostart='false'), n) as d:
        d.wait_rpc()
        out['launch to RPC, %d programs, none started wall [s]' % n] = now() - d.started
        out['launch to RPC, %d programs, none started cpu [s]' % n] = cpu_sum(d.family())
        c0, t0 = d.cpu(), now()
        d.rpc('supervisor.reloadConfig')
        out['reloadConfig unchanged wall [s]'] = now() - t0
        out['reloadConfig unchanged cpu [s]'] = d.cpu() - c0
    with Daemon(inst, idlers(n), n) as d:
        d.wait_running(n)
        time.sleep(1.5)
        with open(d.conf) as f:
            text = f.read()
        with open(d.conf, 'w') as f:
            f.write(text.replace('p0005.log', 'p0005b.log'))
        for verb in ('reread', 'update'):
            wall, cpu, dcpu, txt = d.ctl(verb)
            out['ctl %s, 1 of %d changed wall [s]' % (verb, n)] = wall
            out['ctl %s, 1 of %d changed ctl cpu [s]' % (verb, n)] = cpu
            out['ctl %s, 1 of %d changed daemon cpu [s]' % (verb, n)] = dcpu
            if b'p0005' not in txt:
                raise BenchError('%s said %r' % (verb, txt[-300:]))
    return out


# 12 ----------------------------------------------------------------------- web
def get(path):
    return b'GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n' % path.encode()


def web(inst, opt):
    out = {}
    for n in opt.idle_programs:
        with Daemon(inst, idlers(n), n, inet=True) as d:
            d.wait_running(n)
            time.sleep(1.5)
            conn, lat, c0 = d.http(inet=True), [], d.cpu()
            for _ in range(10):
                t0 = now()
                head, body = conn.exchange(get('/'))
                lat.append((now() - t0) * 1e3)
                if b' 200 ' not in head.split(b'\r\n')[0]:
                    raise BenchError('GET /: %r' % head[:100])
            out['GET / N=%d p50 [ms]' % n] = percentile(lat, 50)
            out['GET / N=%d daemon cpu [ms]' % n] = (d.cpu() - c0) / 10 * 1e3
            conn.close()
    # following a log that is being written
    d = Daemon(inst, '', 1, inet=True)
    src = os.path.join(d.work, 'lines')
    line_file(src, 5)
    reps = max(1, opt.log_mb // 20 // 5)
    slow = 'for i in 1 2 3 4 5 6 7 8 9 10; do head -c 200000 %s; sleep 0.2; done; sleep 1000' % src
    d.write_config(
        program('w', '/bin/cat ' + ' '.join([src] * reps), autostart='false',
                autorestart='false', stdout_logfile_maxbytes=0)
        + program('slow', '/bin/sh -c "%s"' % slow, autostart='false',
                  stdout_logfile_maxbytes=0))
    with d:
        d.wait_rpc()
        want, got = reps * 5000000, 0
        conn = d.http(inet=True)
        open(os.path.join(d.work, 'log', 'w.log'), 'a').close()
        conn.connect()
        conn.sock.sendall(get('/logtail/w'))
        time.sleep(0.3)
        c0, t0 = d.cpu(), now()
        d.rpc('supervisor.startProcess', 'w', False)
        conn.sock.settimeout(10)
        try:
            while got < want and now() - t0 < 30:
                data = conn.sock.recv(1 << 20)
                if not data:
                    break
                got += len(data)
        except OSError:
            pass
        out['logtail follow MB per s +'] = got / 1e6 / (now() - t0)
        out['logtail follow daemon cpu [s per GB]'] = (d.cpu() - c0) / max(got, 1) * 1e9
        conn.close()
        # 20 followers that do not read, while a log grows
        open(os.path.join(d.work, 'log', 'slow.log'), 'a').close()
        tails = []
        for _ in range(20):
            c = d.http(inet=True)
            c.connect()
            c.sock.sendall(get('/logtail/slow'))
            tails.append(c)
        d.rpc('supervisor.startProcess', 'slow', False)
        time.sleep(0.3)
        r = rpc_rate(d, post('supervisor.getState'), 500, seconds=3)
        out['getState under 20 stalled tails p50 [ms]'] = r[2]
        out['getState under 20 stalled tails p99 [ms]'] = r[3]
        time.sleep(1)
        c0 = d.cpu()
        time.sleep(3)
        out['20 quiet tails daemon cpu [ms per s]'] = (d.cpu() - c0) / 3 * 1e3
        for c in tails:
            c.close()
    return out


ALL = {'start': start, 'idle': idle, 'memory': memory, 'restart': restart,
       'storm': storm, 'logs': logs, 'rpc': rpc, 'ctl': ctl, 'events': events,
       'shutdown': shutdown, 'reload': reload, 'web': web}
