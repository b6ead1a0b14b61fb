"""A network of one's own between this program and a far side, to be cut.

own_namespace() runs this program again in namespaces of network and mounts, or skips it;
Cable() is another one and the two ends between them.  What listens on
THERE_IP is started by `nsenter -t PID -n`.
"""
import os
import subprocess
import sys
import time

from told import skip_all

HERE_IP, THERE_IP = "10.77.0.1", "10.77.0.2"


def ip(*words, inside=None, quiet=False):
    """`ip`, in this namespace or in that of a process."""
    words = ["ip", *words]
    if inside:
        words = ["nsenter", "-t", str(inside), "-n", *words]
    subprocess.run(words, check=not quiet, capture_output=quiet)


class Cable:
    """A network between this namespace and another one."""

    def __init__(self):
        self.other = subprocess.Popen(["unshare", "-n", "sleep", "600"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.other.pid
        here = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.pid}/ns/net") == here:
            time.sleep(0.01)
        ip("link", "set", "lo", "up")
        ip("link", "set", "lo", "up", inside=self.pid)
        ip("link", "add", "near", "type", "veth", "peer", "name", "away",
           "netns", str(self.pid))
        self.address(HERE_IP)
        ip("addr", "add", THERE_IP + "/24", "dev", "away", inside=self.pid)
        ip("link", "set", "near", "up")
        ip("link", "set", "away", "up", inside=self.pid)

    def address(self, mine):
        """We are known by this address alone."""
        ip("addr", "flush", "dev", "near")
        ip("addr", "add", mine + "/24", "dev", "near")

    def cut(self):
        """No frame passes, and nobody is told."""
        ip("link", "set", "away", "down", inside=self.pid)

    def mend(self):
        ip("link", "set", "away", "up", inside=self.pid)

    def lose_answers(self, yes):
        """What we send arrives; what is answered does not."""
        ip("route", "add" if yes else "del", "blackhole", HERE_IP + "/32", inside=self.pid)

    def end(self):
        self.other.kill()
        self.other.wait()


def own_namespace():
    if "PINLINE_IN_NAMESPACE" not in os.environ:
        try:
            allowed = subprocess.run(["unshare", "-n", "-m", "ip", "link", "add", "x", "type", "veth"],
                                     capture_output=True, text=True)
        except OSError as why:
            allowed = subprocess.CompletedProcess([], 1, "", str(why))
        if allowed.returncode != 0:
            skip_all(f"no network of our own can be made: {allowed.stderr.strip()}")
        os.environ["PINLINE_IN_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv])
