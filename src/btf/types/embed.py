# SPDX-License-Identifier: BSD-2-Clause
"""embed.py IN OUT: writes the bytes of IN as a C initialiser list."""
import sys

data = open(sys.argv[1], "rb").read()
with open(sys.argv[2], "w") as out:
    for i in range(0, len(data), 16):
        out.write(",".join(str(b) for b in data[i : i + 16]) + ",\n")
