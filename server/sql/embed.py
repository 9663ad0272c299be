"""Turns numbered SQL files into a C table, so that the binary carries them.

embed.py OUT.c PREFIX FILE.sql… defines `const struct PREFIX_migration PREFIX_migrations[]`.
"""
import os
import sys


def literal(text):
    """One C string per line, so that a compiler's message names the line."""
    return "\n".join('\t\t"%s\\n"' % line.replace("\\", "\\\\").replace('"', '\\"') for line in text.splitlines())


def main(out, prefix, files):
    for number, file in enumerate(files, 1):
        if int(os.path.basename(file)[:4]) != number:
            sys.exit(f"{file}: expected number {number:04d}; migrations have no gaps")
    entries = []
    for file in files:
        with open(file, encoding="utf-8") as sql:
            entries.append('\t{"%s",\n%s},\n' % (os.path.basename(file), literal(sql.read())))
    with open(out, "w", encoding="utf-8") as c:
        c.write(f'#include "store/{prefix}.h"\n\n')
        c.write(f"const struct {prefix}_migration {prefix}_migrations[] = {{\n{''.join(entries)}}};\n")
        c.write(f"const size_t {prefix}_n_migrations = {len(files)};\n")


main(sys.argv[1], sys.argv[2], sys.argv[3:])
