"""What the pretended scanner finds: the same for the same digest, a few lows and mediums."""

import random

from .model import Vulnerability

_USUAL = (
    Vulnerability("CVE-2011-3374", "apt", "2.6.1", "", "Low",
                  "It was found that apt-key in apt, all versions, do not correctly validate gpg keys."),
    Vulnerability("CVE-2022-0563", "util-linux", "2.38.1-5+deb12u3", "", "Low",
                  "A flaw was found in the util-linux chfn and chsh utilities when compiled with Readline support."),
    Vulnerability("CVE-2023-4039", "gcc-12-base", "12.2.0-14+deb12u1", "", "Low",
                  "GCC's -fstack-protector fails to guard dynamic stack allocations on ARM64."),
    Vulnerability("CVE-2010-4756", "libc6", "2.36-9+deb12u10", "", "Low",
                  "The glob implementation in the GNU C Library allows remote users to cause a denial of service."),
    Vulnerability("CVE-2024-26461", "libkrb5-3", "1.20.1-2+deb12u3", "", "Low",
                  "Kerberos 5 contains a memory leak in k5sealv3.c."),
    Vulnerability("CVE-2023-50495", "libncursesw6", "6.4-4", "", "Medium",
                  "NCurse v6.4 was discovered to contain a segmentation fault via _nc_wrap_entry()."),
    Vulnerability("CVE-2023-31439", "libsystemd0", "252.38-1~deb12u1", "", "Low",
                  "An attacker can modify the contents of past events in a sealed log file."),
    Vulnerability("CVE-2024-35195", "requests", "2.31.0", "2.32.0", "Medium",
                  "Requests Session verify=False is kept for later requests to the same host."),
    Vulnerability("CVE-2024-37891", "urllib3", "2.0.7", "2.2.2", "Medium",
                  "The Proxy-Authorization header is not stripped during cross-origin redirects."),
    Vulnerability("CVE-2024-34064", "jinja2", "3.1.3", "3.1.4", "Medium",
                  "The xmlattr filter in Jinja accepts keys with characters that are not attribute names."),
)  # fmt: skip

CRITICAL = Vulnerability(
    "CVE-2024-3094", "xz-utils", "5.6.0-0.2", "5.6.1+really5.4.5-1", "Critical",
    "Malicious code was discovered in the upstream tarballs of xz, starting with version 5.6.0.",
)  # fmt: skip


def usual(digest: str) -> tuple[Vulnerability, ...]:
    """Follows from the digest alone."""
    chance = random.Random(digest)
    return tuple(sorted(chance.sample(_USUAL, chance.randint(2, 6)), key=lambda v: v.id))
