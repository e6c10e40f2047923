#!/usr/bin/env python3
"""Writes THIRD-PARTY-NOTICES.txt: what is linked into pilot and app, under which licence, with the notices these ask for.

    scripts/third-party-notices.py            write the file
    scripts/third-party-notices.py --check    fail if the file is not what Cargo.lock makes of it

Reads `cargo metadata` and the sources of the crates that cargo has downloaded; needs no network after a build.
Only what is linked into the shipped binaries is listed: build scripts, procedural macros and tests are not distributed.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "THIRD-PARTY-NOTICES.txt"
SHIPPED = ("pilot", "app")
TARGETS = ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl")
# Where a crate offers a choice, the first of these that it offers is taken.
PREFERRED = ("MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "Zlib", "0BSD", "Unlicense")
RULE = "=" * 100
NOTICE = re.compile(r"(?i)^(licen[cs]e|copying|copyright|notice|unlicense)([-._].*)?$")


def metadata(target):
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def linked():
    """The packages that end up in a shipped binary, as cargo knows them."""
    found = {}
    for target in TARGETS:
        graph = metadata(target)
        packages = {package["id"]: package for package in graph["packages"]}
        nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
        waiting = [id for id, package in packages.items() if package["name"] in SHIPPED and package["source"] is None]
        seen = set(waiting)
        while waiting:
            for dependency in nodes[waiting.pop()]["deps"]:
                package = packages[dependency["pkg"]]
                is_linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
                is_macro = any("proc-macro" in target["kind"] for target in package["targets"])
                if is_linked and not is_macro and package["id"] not in seen:
                    seen.add(package["id"])
                    waiting.append(package["id"])
        found.update({id: packages[id] for id in seen if packages[id]["source"] is not None})
    return sorted(found.values(), key=lambda package: (package["name"], package["version"]))


def chosen(expression):
    """Of `MIT OR Apache-2.0` the one that is taken; anything else as it is."""
    choices = re.split(r"\s+OR\s+|/", expression)
    if len(choices) > 1 and not re.search(r"[()]|\bAND\b", expression):
        return next((name for name in PREFERRED if name in choices), expression)
    return expression


def texts(package, licence):
    """The licence and notice files of a crate. With a choice made, only those of the licence that was chosen."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = sorted(path for path in folder.iterdir() if path.is_file() and NOTICE.match(path.name))
    mark = {"MIT": "mit", "Apache-2.0": "apache", "BSD-3-Clause": "bsd", "Zlib": "zlib", "Unlicense": "unlicense"}.get(licence)
    of_the_chosen = [path for path in files if mark and mark in path.name.lower()]
    return [path.read_text(errors="replace") for path in of_the_chosen or files]


def tidy(text):
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\f", "\n").split("\n")]
    return "\n".join(lines).strip("\n")


def rendered():
    packages = linked()
    by_text, rows, bare = {}, [], []
    for package in packages:
        licence = chosen(package["license"] or "")
        name = f"{package['name']} {package['version']}"
        authors = ", ".join(package["authors"])
        rows.append(f"{name:<44} {package['license'] or 'see its file'}")
        found = texts(package, licence)
        if not found:
            bare.append(f"{name}: {licence}" + (f", by {authors}" if authors else ""))
        for text in found:
            by_text.setdefault(tidy(text), []).append(name)
    out = [
        "What is linked into pilot and app that others wrote, with their licences and notices.",
        "Made from Cargo.lock by scripts/third-party-notices.py; `make docs` writes it, `make lint` checks it.",
        "pilot itself is under the MPL-2.0: LICENSE. The static binaries also contain Rust's standard library (MIT OR Apache-2.0,",
        "The Rust Project Contributors), musl (MIT, Copyright 2005-2020 Rich Felker, et al.) and, in app, SQLite (public domain).",
        "",
        *rows,
    ]
    if bare:
        out += ["", "These come without a licence file and name only their licence:", "", *bare]
    for text, names in sorted(by_text.items(), key=lambda item: item[1]):
        out += ["", RULE, ", ".join(names), RULE, "", text]
    return "\n".join(out) + "\n"


def main():
    wanted = rendered()
    if sys.argv[1:] == ["--check"]:
        if not FILE.exists() or FILE.read_text() != wanted:
            sys.exit(f"{FILE.name} is not what Cargo.lock makes of it: scripts/third-party-notices.py writes it")
        print(f"third-party notices: current, {wanted.count(RULE) // 2} texts")
    else:
        FILE.write_text(wanted)


main()
