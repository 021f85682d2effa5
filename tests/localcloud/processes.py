"""Processes beside the test's own: what the kernel knows of a local cloud, and moments alone."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from localcloud.environment import project_root

LISTENING = "0A"


def processes_naming(text: str) -> set[int]:
    """The processes whose command line holds `text`, without this one."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
    return found


def printed_by(moment: str) -> str:
    """What these lines of Python print in a process of their own."""
    return subprocess.run(
        [sys.executable, "-c", moment],
        cwd=project_root(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def processor_seconds(pid: int) -> float:
    """The processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def listening_addresses(pid: int) -> set[str]:
    """The addresses a process listens on, as the kernel writes them: hexadecimal, by its tables."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    addresses = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (table.startswith("udp") or fields[3] == LISTENING):
                addresses.add(fields[1].partition(":")[0])
    return addresses
