"""Servers, their CPU time, the load generator and the control socket: what all rows use."""
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
# The environment of the systemd unit (docs/operate/speed.md): for the servers and for the yardsticks alike.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=500"}
BUILD_KIND = ("release", "debugoptimized")
SP = "bench.test"


def median(values):
    return statistics.median(values)


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def process_tree(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [pid] + [p for child in children for p in process_tree(int(child))]


def cpu_seconds(pid):
    """User and system time of the processes below and with pid, and of the children they have waited for."""
    total = 0
    for p in process_tree(pid):
        fields = pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return total / TICKS


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no memory any more")


class Process:
    """A server that was started, with the means to end it and to read what it has used."""

    running = []

    def __init__(self, argv, log, **more):
        self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                      env={**os.environ, **ENVIRONMENT}, **more)
        Process.running.append(self)

    @classmethod
    def end_all(cls):
        """What a row has started, also one that failed before it was whole."""
        while cls.running:
            cls.running[-1].stop()

    def cpu(self):
        return cpu_seconds(self.child.pid)

    def stop(self):
        if self in Process.running:
            Process.running.remove(self)
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()


class Server(Process):
    """keystead serve on one configuration."""

    def __init__(self, bench, conf, workers=None):
        self.conf = conf
        read_fd, write_fd = os.pipe()
        self.log = open(conf.with_suffix(".log"), "ab")
        super().__init__([bench.program, "serve", "-c", conf, "--workers", str(workers or bench.workers), "--ready-fd", str(write_fd)],
                         self.log, pass_fds=(write_fd,))
        os.close(write_fd)
        with os.fdopen(read_fd) as pipe:
            line = pipe.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"the server did not start: see {self.log.name}")
        ready = json.loads(line)
        self.ports = {listener["name"]: int(listener["address"].rsplit(":", 1)[1]) for listener in ready["listeners"]}
        self.port = self.ports["main"]

    def stop(self):
        super().stop()
        self.log.close()

    def memory(self):
        """Resident MiB of the processes; with more than one worker the writer is the supervisor's first child."""
        _, *children = process_tree(self.child.pid)
        if len(children) == 1:
            return {"worker_and_writer_rss_mib": resident_mib(children[0])}
        writer, *workers = map(resident_mib, children)
        return {"writer_rss_mib": writer, **{f"worker_{i + 1}_rss_mib": n for i, n in enumerate(workers)}}

    def control(self, requests):
        """Sends each request and checks that it was done."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.conf.with_suffix(".sock")))
            with s.makefile("rwb") as stream:
                for request in requests:
                    stream.write(json.dumps(request).encode() + b"\n")
                    stream.flush()
                    answer = json.loads(stream.readline())
                    if not answer["ok"]:
                        raise RuntimeError(f"{request['noun']} {request['verb']}: {answer}")


class Bench:
    """One run: the program, a folder, and what was made in it."""

    def __init__(self, build, seconds, workers, keep, count=None):
        self.build, self.seconds, self.workers, self.keep = build, seconds, workers, keep
        self.count = count  # of resources, for the rows that have many
        self.program = build / "keystead"

    def __enter__(self):
        if self.keep:
            self.dir = pathlib.Path(self.keep).resolve()
            self.dir.mkdir(parents=True)
        else:
            self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=self.build))
        return self

    def __exit__(self, *exc):
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def build_kind(self):
        options = json.loads((self.build / "meson-info" / "intro-buildoptions.json").read_text())
        chosen = {o["name"]: o["value"] for o in options}
        sanitized = "" if chosen["b_sanitize"] == "none" else f" with {chosen['b_sanitize']}"
        return chosen["buildtype"] + sanitized

    def init(self, name, *more):
        """A fresh set of configurations on free ports."""
        folder = self.dir / name
        subprocess.run([self.program, "init", folder, "--sp", SP, "--port-base", "0", *more], check=True, stdout=subprocess.DEVNULL)
        return folder

    def tool(self, *argv):
        """A subcommand of keystead bench; its result."""
        done = subprocess.run([self.program, "bench", *map(str, argv), "--json"], capture_output=True, text=True, check=False,
                              env={**os.environ, **ENVIRONMENT})
        if done.returncode != 0:
            raise RuntimeError(f"bench {argv[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return {k: int(v) for k, v in json.loads(done.stdout).items()}

    def load(self, servers, *argv):
        """A load on servers, timed by what they use."""
        before = sum(s.cpu() for s in servers)
        done = self.tool(*argv)
        time.sleep(0.2)  # what the last operations leave to do
        used = sum(s.cpu() for s in servers) - before
        return {**done, "per_cpu_second": done["done"] / used, "wall_rate": done["done"] * 1e6 / done["wall_us"]}
