#!/usr/bin/env python3
"""Fails if a link or picture of a built site leads to a file or heading that is not in it: scripts/check-site.py FOLDER"""

import html.parser
import pathlib
import sys
import urllib.parse

SITE = pathlib.Path(sys.argv[1]).resolve()


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value and tag != "base":
                self.links.append(value)
            if name in ("id", "name") and value:
                self.ids.add(value)


pages = {path: Page(path.read_text()) for path in SITE.rglob("*.html")}
dead = []
for path, page in pages.items():
    if path.name in ("print.html", "toc.html", "404.html"):
        continue
    for link in page.links:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
        heading = urllib.parse.unquote(parts.fragment)
        if not target.exists() or (heading and target in pages and heading not in pages[target].ids):
            dead.append(f"{path.relative_to(SITE)}: {link}")
if dead or len(pages) < 100:
    sys.exit("\n".join(["dead links in the site:", *sorted(set(dead))]) if dead else f"only {len(pages)} pages")
print(f"docs-site: {len(pages)} pages, {sum(len(page.links) for page in pages.values())} links, none dead")
