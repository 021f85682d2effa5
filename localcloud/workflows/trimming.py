"""The interpreter without what it does not need: of AWS Batch one enumeration, not all of EC2.

Its `batch` integration imports `moto.batch.utils`, and with it the package, whose models import
moto's EC2: a second, and a hundred megabytes of instance types.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import moto


def import_alone(package: str, module: str) -> None:
    """Import a module without running its package's `__init__`, which stays to be imported."""
    if package in sys.modules:
        return
    empty = ModuleType(package)
    empty.__path__ = [str(Path(*moto.__path__, package.rpartition(".")[2]))]
    sys.modules[package] = empty
    try:
        importlib.import_module(f"{package}.{module}")
    finally:
        del sys.modules[package]


import_alone("moto.batch", "utils")
