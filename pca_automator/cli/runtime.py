"""The runtime's own model, for the command: what a function would refuse, the command refuses first.

The functions' code is shipped with the library as an asset, not as a package that can be imported by name, and the
worlds do not import each other (tests/contract). This is the one place where the command reaches over: patterns,
overrides, due dates and the error catalogue would otherwise stand twice, and drift. They need nothing but boto3, and
cryptography where a certificate is read. What writes the functions' own logs and metrics is not asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

from pca_automator._internal.assets import lambda_source

_PACKAGE = "pca_runtime"


def runtime(module: str) -> Any:
    """A module of the functions' shared code, for example ``runtime("inventory.item").Overrides``."""
    if _PACKAGE not in sys.modules:
        folder = lambda_source() / _PACKAGE
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{folder} is not a package")
        package = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{_PACKAGE}.{module}")
