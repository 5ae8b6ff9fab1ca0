"""Seconds and peak memory of a command and all it starts, and runs in turn: what the benchmarks share."""
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time


def tree(pid):
    """pid and its descendants."""
    pids, todo = [], [pid]
    while todo:
        p = todo.pop()
        pids.append(p)
        try:
            for t in os.listdir(f"/proc/{p}/task"):
                todo += map(int, open(f"/proc/{p}/task/{t}/children").read().split())
        except OSError:
            pass
    return pids


def memfds(pid):
    """(inode, bytes) of the anonymous files that a process holds open."""
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            if os.readlink(path).startswith("/memfd:"):
                at = os.stat(path)
                yield at.st_ino, at.st_blocks * 512
    except OSError:
        pass


def tree_mib(pid):
    """Memory of a process tree: summed PSS, but anonymous files whole, since pages that were written and are not
    mapped are in nobody's PSS."""
    kib, shared, files = 0, 0, {}
    for p in tree(pid):
        files.update(memfds(p))
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                fields = dict(line.split()[:2] for line in f if line.startswith("Pss"))
            kib += int(fields["Pss:"])
            shared += int(fields["Pss_Shmem:"])
        except (OSError, KeyError):
            pass
    return (kib + max(0, sum(files.values()) / 1024 - shared)) / 1024


class Run:
    """What one command took: seconds, peak MiB of the process tree (20 samples a second), its standard
    output, and both figures for each stage; a job begins a stage by printing the line "stage: NAME"."""

    def __init__(self, argv):
        self.text, self.stages, self.peak = "", {}, 0.0
        self._stage = None
        start = time.time()
        with tempfile.TemporaryFile() as err:
            p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=err)
            reader = threading.Thread(target=self._read, args=(p.stdout,))
            reader.start()
            while p.poll() is None:
                self._sample(tree_mib(p.pid))
                time.sleep(0.05)
            reader.join()
            self.seconds = time.time() - start
            self._end_stage()
            if p.returncode:
                err.seek(0)
                sys.exit(f"{argv[0]} failed with {p.returncode}:\n{err.read()[-3000:].decode(errors='replace')}")

    def _sample(self, mib):
        self.peak = max(self.peak, mib)
        stage = self._stage
        if stage:
            self.stages[stage]["peak"] = max(self.stages[stage]["peak"], mib)

    def _end_stage(self):
        if self._stage:
            self.stages[self._stage]["seconds"] = time.time() - self._began
        self._stage = None

    def _read(self, pipe):
        for line in pipe:
            line = line.decode(errors="replace")
            if line.startswith("stage: "):
                self._end_stage()
                name = line[7:].strip()
                self.stages[name] = {"seconds": 0.0, "peak": 0.0}
                self._stage, self._began = name, time.time()
            else:
                self.text += line


def in_turn(commands, pairs):
    """Each command `pairs` times, A B A B: {name: [Run, ...]}."""
    runs = {name: [] for name in commands}
    for _ in range(pairs):
        for name, argv in commands.items():
            runs[name].append(Run(argv))
    return runs


def ratio(a, b):
    """Median over pairs of b / a: machines drift, so only runs beside each other are compared."""
    return statistics.median(y / x for x, y in zip(a, b))
