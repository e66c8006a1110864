"""Keep the last results of a benchmark in docs/benchmarks.md: what it printed, when, where, by which command.

python bench/results.py road-counts -- python bench/road_counts.py --runs 3
"""

import argparse
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.paris_time import machine_now
from lib.files.atomic_file import write_atomically

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
TITLE = "# Benchmarks\n\nResults of the last `make bench`. Times depend on the machine; compare within a table.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    ran = subprocess.run(arguments.command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    sys.stdout.write(ran.stdout)
    if ran.returncode == 0:
        keep(arguments.section, section_text(arguments.section, arguments.command, ran.stdout))
    return ran.returncode


def section_text(section: str, command: list[str], printed: str) -> str:
    shown = shlex.join(["python", *command[1:]])
    when = f"{machine_now():%Y-%m-%d}"
    return f"## {section}\n\n{when}, {machine()}.\n\n    {shown}\n\n{printed.strip()}\n"


def machine() -> str:
    """Processor, cores, memory and Python, as a reader compares them."""
    cpu = (
        re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text()) if Path("/proc/cpuinfo").exists() else None
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    name = cpu[1].strip() if cpu else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}"


def keep(section: str, text: str) -> None:
    """Replace the section of that name, or add it at the end."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else TITLE
    old = re.compile(rf"^## {re.escape(section)}\n.*?(?=^## |\Z)", re.M | re.S)
    whole = old.sub(lambda _: f"{text}\n", page) if old.search(page) else f"{page}\n{text}"
    write_atomically(PAGE, f"{whole.rstrip()}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
