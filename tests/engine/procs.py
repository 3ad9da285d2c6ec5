"""Programs of the benchmark: where they live, what they cost, how they end."""

import contextlib
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import tempfile
import time

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[1 % len(CORES)]
START_S = 20  # for a server to listen
STOP_S = 10


class BenchError(Exception):
    """The benchmark can't be done, or is not to be believed."""


def descriptors():
    """As many as a process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def set_up_child(core):
    most = descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {core})


@contextlib.contextmanager
def ahead_of_others():
    """Our session's processes come first on the machine, if we may say so and
    the kernel groups by session: or a p99 is that of whatever else runs."""
    group = pathlib.Path("/proc/self/autogroup")
    before = None
    with contextlib.suppress(OSError):
        name = group.read_text()  # nothing, for processes without a group
        if name:
            group.write_text("-20")
            before = name.split()[-1]
    try:
        yield
    finally:
        if before is not None:
            group.write_text(before)


def program(name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if not path:
        raise BenchError(f"there is no {name}; scripts/deps bench installs it")
    return path


# --- accounting ---------------------------------------------------------------

def parents():
    """pid -> ppid of all processes."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
                found[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    return found


def family(pid):
    """A process and all that descend from it."""
    parent = parents()
    members = [pid]
    for member in members:
        members += [p for p, pp in parent.items() if pp == member]
    return members


def cpu_ns(pids):
    """The time that all threads of these processes have run. The kernel counts
    the softirqs of a send, which are the receiver's work on loopback, with
    the sender, alike for all."""
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(OSError), \
                        open(f"/proc/{pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
    return total


def pin(pids, core):
    """All their threads: some choose cores for themselves."""
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {core})


def used_s():
    """By the two cores since the start of the machine, and by us."""
    total = 0
    for line in open("/proc/stat"):
        name, *ticks = line.split()
        if name in (f"cpu{SERVER_CORE}", f"cpu{CLIENT_CORE}"):
            user, nice, system, _, _, irq, softirq, *_ = map(int, ticks)
            total += user + nice + system + irq + softirq
    ours = sum(u.ru_utime + u.ru_stime for u in map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    return total / os.sysconf("SC_CLK_TCK"), ours


def memory_bytes(pids):
    """The processes' own memory, and their shares of what they share."""
    total = 0
    for pid in pids:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


# --- a server -----------------------------------------------------------------

class Server:
    """A process, with all that it starts, that listens on a port."""

    def __init__(self, name, command, port, folder, core):
        self.name, self.port, self.core = name, port, core
        self.log = folder / "output"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(c) for c in command], cwd=folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
                preexec_fn=lambda: set_up_child(core))
        self.pids = []

    def fail(self, what):
        end = self.log.read_text(errors="replace")[-2000:]
        raise BenchError(f"{self.name} {what}\n{end}")

    def wait(self):
        """Until it listens, and all its processes are there."""
        deadline = time.monotonic() + START_S
        while True:
            if self.process.poll() is not None:
                self.fail(f"ended with status {self.process.returncode}")
            if time.monotonic() > deadline:
                self.fail(f"does not listen on port {self.port}")
            with contextlib.suppress(OSError), \
                    socket.create_connection(("127.0.0.1", self.port), 1):
                break
            time.sleep(0.02)
        self.find()
        pin(self.pids, self.core)

    def find(self):
        self.pids = family(self.process.pid)

    def cpu_ns(self):
        if self.process.poll() is not None:
            self.fail("ended meanwhile")
        return cpu_ns(self.pids)

    def memory_bytes(self):
        self.find()
        return memory_bytes(self.pids)

    def stop(self):
        pids = family(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in pids[1:]:  # those that outlived their parent
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)


# --- the place ----------------------------------------------------------------

class Place:
    """A temporary folder in memory, in which all programs live and at whose
    end they end."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        shm = pathlib.Path("/dev/shm")
        parent = shm if os.access(shm, os.W_OK) else None
        self.folder = pathlib.Path(self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="bench-", dir=parent)))
        self.folder.chmod(0o755)
        self.ports = free_ports()
        self.started = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def port(self):
        return next(self.ports)

    def make_folder(self, name):
        self.started += 1
        folder = self.folder / f"{self.started}-{name.replace(' ', '-')}"
        folder.mkdir()
        # Some servers give up root.
        folder.chmod(0o777)
        return folder

    def start(self, name, command, port, folder, core):
        server = Server(name, command, port, folder, core)
        self.stack.callback(server.stop)
        server.wait()
        return server


def free_ports():
    """Ports below those that the kernel gives to clients."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                continue
        yield port
    raise BenchError("no port is free")
