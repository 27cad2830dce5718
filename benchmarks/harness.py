# ruff: noqa: UP031
"""Plumbing shared by the benchmark: launching a supervisord install, reading
what it costs from the kernel, and a thin XML-RPC/HTTP client for load.

Everything comes from /proc and clock_gettime; nothing outside the standard
library is imported.
"""
import glob
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import xmlrpc.client

CLK_TCK = os.sysconf('SC_CLK_TCK')
now = time.monotonic


class BenchError(Exception):
    pass


# ------------------------------------------------------------ kernel figures

def cpu_clock(pid):
    """CPU seconds used so far by a live process (all threads), ns resolution."""
    return time.clock_gettime((~pid << 3) | 2)


def cpu_sum(pids):
    total = 0.0
    for pid in pids:
        try:
            total += cpu_clock(pid)
        except OSError:
            pass
    return total


def stat_fields(pid):
    with open('/proc/%d/stat' % pid, 'rb') as f:
        return f.read().rpartition(b')')[2].split()


def reaped_cpu(pid):
    """CPU seconds of the children this process has already waited for."""
    f = stat_fields(pid)
    return (int(f[13]) + int(f[14])) / CLK_TCK


def ctx_switches(pid):
    """(voluntary, involuntary) context switches over all threads."""
    vol = inv = 0
    for path in glob.glob('/proc/%d/task/*/status' % pid):
        try:
            with open(path) as f:
                for line in f:
                    if line.startswith('voluntary'):
                        vol += int(line.split()[1])
                    elif line.startswith('nonvoluntary'):
                        inv += int(line.split()[1])
        except OSError:
            pass
    return vol, inv


def memory_kb(pid):
    """{'Rss','Pss','Uss'} in kB."""
    out = {'Rss': 0, 'Pss': 0, 'Uss': 0}
    with open('/proc/%d/smaps_rollup' % pid) as f:
        for line in f:
            key, _, rest = line.partition(':')
            if key in ('Rss', 'Pss'):
                out[key] += int(rest.split()[0])
            elif key in ('Private_Clean', 'Private_Dirty'):
                out['Uss'] += int(rest.split()[0])
    return out


def fd_count(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


def children(pid):
    out = []
    for path in glob.glob('/proc/%d/task/*/children' % pid):
        try:
            with open(path) as f:
                out += [int(x) for x in f.read().split()]
        except OSError:
            pass
    return out


def syscalls(pid, seconds):
    """Syscalls made by pid over `seconds`, by strace, or None without it."""
    strace = shutil.which('strace')
    if not strace:
        return None
    with tempfile.NamedTemporaryFile('r') as out:
        tracer = subprocess.Popen(
            [strace, '-f', '-c', '-U', 'calls,name', '-o', out.name, '-p', str(pid)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
        for line in open(out.name):
            m = re.match(r'\s*(\d+)\s+total', line)
            if m:
                return int(m.group(1))
    return 0


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100.0))]


# ------------------------------------------------------- small native helpers

STAMP_C = r'''
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
int main(int c, char **v) {
    struct timespec t; char b[64];
    clock_gettime(CLOCK_MONOTONIC, &t);
    int n = snprintf(b, 64, "%d %ld\n", getpid(), t.tv_sec * 1000000000L + t.tv_nsec);
    int f = open(v[1], O_WRONLY);
    if (write(f, b, n) != n) return 1;
    close(f);
    for (;;) pause();
}
'''


def build_c(name, source, work):
    """Compile a helper into `work`; None when no C compiler is present."""
    cc = shutil.which('cc') or shutil.which('gcc')
    if not cc:
        return None
    src, exe = os.path.join(work, name + '.c'), os.path.join(work, name)
    if os.path.exists(exe):
        return exe
    with open(src, 'w') as f:
        f.write(source)
    for flags in (['-static'], []):
        if subprocess.run([cc, '-O2', '-o', exe, src] + flags,
                          stderr=subprocess.DEVNULL).returncode == 0:
            return exe
    return None


def stamp_command(work, fifo):
    """A child that reports 'pid monotonic_ns' into `fifo` when it starts."""
    exe = build_c('stamp', STAMP_C, work)
    if exe:
        return [exe, fifo]
    script = os.path.join(work, 'stamp.sh')
    with open(script, 'w') as f:
        f.write('#!/bin/sh\necho $$ 0 > "$1"\nexec sleep 100000\n')
    os.chmod(script, 0o755)
    return [script, fifo]


class Fifo:
    """Reader end of the pipe the stamping children report into."""

    def __init__(self, work, name='fifo'):
        self.path = os.path.join(work, name)
        if not os.path.exists(self.path):
            os.mkfifo(self.path)
        self.fd = os.open(self.path, os.O_RDWR)
        self.buf = b''

    def read(self, timeout):
        """Next (pid, seconds on CLOCK_MONOTONIC), or None at the timeout."""
        end = now() + timeout
        while b'\n' not in self.buf:
            left = end - now()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return None
            self.buf += os.read(self.fd, 65536)
        line, _, self.buf = self.buf.partition(b'\n')
        pid, ns = line.split()
        return int(pid), (int(ns) / 1e9 or now())

    def close(self):
        os.close(self.fd)


# -------------------------------------------------------------- HTTP / RPC

class Http:
    """Minimal HTTP/1.1 client on a unix socket path or a (host, port)."""

    def __init__(self, address, timeout=120):
        self.address, self.timeout, self.sock = address, timeout, None

    def connect(self):
        if isinstance(self.address, str):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            self.sock = socket.socket(socket.AF_INET)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.address)

    def close(self):
        if self.sock:
            self.sock.close()
            self.sock = None

    def exchange(self, request):
        """Send one request, return the whole reply (head, body)."""
        if self.sock is None:
            self.connect()
        self.sock.sendall(request)
        data = b''
        while b'\r\n\r\n' not in data:
            got = self.sock.recv(1 << 18)
            if not got:
                raise BenchError('connection closed before reply: %r' % data[:200])
            data += got
        head, _, body = data.partition(b'\r\n\r\n')
        m = re.search(rb'content-length:\s*(\d+)', head, re.I)
        if m:
            parts, have, want = [body], len(body), int(m.group(1))
            while have < want:
                got = self.sock.recv(1 << 18)
                if not got:
                    raise BenchError('short reply')
                parts.append(got)
                have += len(got)
            return head, b''.join(parts)
        chunked = b'chunked' in head.lower()
        parts = [body]
        while not (chunked and b''.join(parts[-2:]).endswith(b'0\r\n\r\n')):
            got = self.sock.recv(1 << 18)
            if not got:
                break
            parts.append(got)
        return head, b''.join(parts)


def post(method, *params, close=False):
    """The bytes of an XML-RPC request."""
    body = xmlrpc.client.dumps(params, method).encode()
    return (b'POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n'
            + (b'Connection: close\r\n' if close else b'')
            + b'Content-Length: %d\r\n\r\n' % len(body) + body)


# ------------------------------------------------------------- installs

class Install:
    """A directory holding supervisord, supervisorctl and python."""

    def __init__(self, name, bin_dir):
        self.name = name
        self.bin = os.path.abspath(bin_dir)
        for tool in ('supervisord', 'supervisorctl'):
            if not os.path.exists(os.path.join(self.bin, tool)):
                raise BenchError('%s: no %s in %s' % (name, tool, bin_dir))

    def tool(self, name):
        return os.path.join(self.bin, name)


def program(name, command, **options):
    base = {'command': command, 'redirect_stderr': 'true', 'startsecs': 0,
            'stdout_logfile': '%(here)s/log/' + name + '.log'}
    base.update(options)
    return '[program:%s]\n%s\n' % (
        name, ''.join('%s=%s\n' % kv for kv in base.items()))


def idlers(n, **options):
    """n separate [program:x] sections, each one sleeping child."""
    return ''.join(program('p%04d' % i, sleep_cmd(), **options) for i in range(n))


def sleep_cmd():
    return shutil.which('sleep') + ' 100000'


class Daemon:
    """One running supervisord. Use as a context manager."""

    def __init__(self, install, programs, n=1, inet=False, main='', extra=''):
        self.install = install
        self.work = tempfile.mkdtemp(prefix='sb')
        os.mkdir(os.path.join(self.work, 'log'))
        self.socket = os.path.join(self.work, 's')
        self.conf = os.path.join(self.work, 'c.conf')
        self.logfile = os.path.join(self.work, 'd.log')
        self.n, self.main, self.extra = n, main, extra
        self.port = None
        if inet:
            with socket.socket() as s:
                s.bind(('127.0.0.1', 0))
                self.port = s.getsockname()[1]
        self.write_config(programs)
        self.proc = None
        self.log_offset = 0
        self.log_counts = {}
        self.exit_usage = None

    def write_config(self, programs):
        minfds = 1024 if self.n <= 200 else 4 * self.n + 512
        with open(self.conf, 'w') as f:
            f.write('[unix_http_server]\nfile=%s\n' % self.socket)
            if self.port:
                f.write('[inet_http_server]\nport=127.0.0.1:%d\n' % self.port)
            f.write('[supervisord]\nlogfile=%s\npidfile=%s/pid\nnodaemon=true\n'
                    'silent=true\nminfds=%d\nchildlogdir=%s/log\n%s\n'
                    % (self.logfile, self.work, minfds, self.work, self.main))
            f.write('[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = '
                    'supervisor.rpcinterface:make_main_rpcinterface\n')
            f.write('[supervisorctl]\nserverurl=unix://%s\n' % self.socket)
            f.write(self.extra + '\n' + programs)

    # life cycle
    def __enter__(self):
        self.launch()
        return self

    def __exit__(self, *exc):
        self.stop()

    def launch(self):
        self.started = now()
        self.errors = open(os.path.join(self.work, 'err'), 'wb')
        self.proc = subprocess.Popen(
            [self.install.tool('supervisord'), '-n', '-c', self.conf], cwd=self.work,
            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        self.pid = self.proc.pid

    def terminate(self, timeout):
        """TERM, then wait; wall seconds until it is gone. CPU in exit_usage."""
        t0 = now()
        os.kill(self.pid, signal.SIGTERM)
        while now() - t0 < timeout:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.proc.returncode = status
                self.exit_usage = usage
                return now() - t0
            time.sleep(0.002)
        return None

    def stop(self):
        """Make sure nothing of ours is left behind, and remove the files."""
        if self.proc.returncode is None:
            # stopping politely is a metric of its own; here it must be quick
            kids = self.tree()
            os.kill(self.pid, signal.SIGKILL)
            self.proc.wait()
        else:
            kids = []
        for kid in kids:
            try:
                os.kill(kid, signal.SIGKILL)
            except OSError:
                pass
        self.errors.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def tree(self):
        out, todo = [], [self.pid]
        while todo:
            kids = children(todo.pop())
            out += kids
            todo += kids
        return out

    # cost
    def family(self):
        """The daemon and any helper processes it keeps (not the programs)."""
        out = [self.pid]
        for kid in self.tree():
            try:
                with open('/proc/%d/environ' % kid, 'rb') as f:
                    if b'SUPERVISOR_ENABLED=' not in f.read():
                        out.append(kid)
            except OSError:
                pass
        return out

    def cpu(self):
        return cpu_clock(self.pid)

    # following the activity log: free for the daemon, unlike RPC polling
    def count_log(self, needle):
        """Times `needle` has been logged so far (whole file, read once)."""
        try:
            with open(self.logfile, 'rb') as f:
                f.seek(self.log_offset)
                data = f.read()
        except OSError:
            data = b''
        end = data.rfind(b'\n') + 1
        self.log_offset += end
        for line in data[:end].splitlines():
            for key in self.log_counts:
                if key in line:
                    self.log_counts[key] += 1
        return self.log_counts[needle]

    def watch(self, *needles):
        for n in needles:
            self.log_counts.setdefault(n, 0)

    def wait_log(self, needle, count, timeout):
        end = now() + timeout
        while self.count_log(needle) < count:
            if self.proc.poll() is not None:
                raise BenchError('%s died: %s' % (self.install.name, self.tail()))
            if now() > end:
                raise BenchError('%s: %d of %d x %r after %ss' % (
                    self.install.name, self.log_counts[needle], count, needle, timeout))
            time.sleep(0.002)
        return now()

    def tail(self):
        out = ''
        for name in ('err', 'd.log'):
            try:
                with open(os.path.join(self.work, name)) as f:
                    out += f.read()[-600:]
            except OSError:
                pass
        return out

    def wait_running(self, n, timeout=180):
        self.watch(RUNNING)
        return self.wait_log(RUNNING, n, timeout)

    # control
    def http(self, inet=False):
        return Http(('127.0.0.1', self.port) if inet else self.socket)

    def wait_rpc(self, timeout=60):
        end = now() + timeout
        while now() < end:
            try:
                return self.rpc('supervisor.getState')
            except (OSError, BenchError):
                if self.proc.poll() is not None:
                    raise BenchError('%s died: %s' % (self.install.name, self.tail()))
                time.sleep(0.01)
        raise BenchError('no RPC after %ss' % timeout)

    def rpc(self, method, *params):
        conn = self.http()
        try:
            _, body = conn.exchange(post(method, *params))
            return xmlrpc.client.loads(body.decode())[0][0]
        finally:
            conn.close()

    def ctl(self, *args, timeout=120):
        """Run supervisorctl; (wall, its cpu, daemon cpu, stdout bytes)."""
        out = tempfile.TemporaryFile()
        before, t0 = self.cpu(), now()
        p = subprocess.Popen([self.install.tool('supervisorctl'), '-c', self.conf, *args],
                             stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = t0 + timeout
        while True:
            pid, status, usage = os.wait4(p.pid, os.WNOHANG)
            if pid:
                break
            if now() > end:
                p.kill()
                p.wait()
                raise BenchError('supervisorctl %s: over %ss' % (args, timeout))
            time.sleep(0.001)
        wall = now() - t0
        p.returncode = status
        out.seek(0)
        return wall, usage.ru_utime + usage.ru_stime, self.cpu() - before, out.read()


RUNNING = b'entered RUNNING state'
SPAWNED = b'spawned: '
EXITED = b'exited: '
