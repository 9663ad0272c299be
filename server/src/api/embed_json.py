"""Turns a JSON file into a C header, compact: embed_json.py IN.json OUT.h NAME."""
import json
import sys

source, out, name = sys.argv[1:]
with open(source, encoding="utf-8") as f:
    data = json.dumps(json.load(f), separators=(",", ":"), ensure_ascii=False).encode()
rows = [", ".join(str(b) for b in data[i : i + 24]) for i in range(0, len(data), 24)]
with open(out, "w", encoding="utf-8") as f:
    f.write(f"static const size_t {name}_len = {len(data)};\n")
    f.write(f"static const unsigned char {name}[] = {{\n\t" + ",\n\t".join(rows) + "};\n")
