"""What httpx and httpcore are told not to look for: to be imported before them."""

import sys
from importlib.util import find_spec

if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment] # its command line: 110 modules, 5 MiB
if find_spec("sniffio") is None:
    # httpcore tries to import it several times a request, and each time Python looks through its whole path: 46 µs.
    sys.modules["sniffio"] = None  # type: ignore[assignment]
