"""HTML to a small PNG by Chromium, at the width of a phone; and what a PNG was made from, noted in it.

Fonts differ from machine to machine and with them every pixel, so a picture is fresh if it was made from the same HTML.
Chunks and filters: www.w3.org/TR/png-3.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, sync_playwright

WIDTH = 390
"""Of a phone, in CSS pixels; a picture has twice as many."""
MOST_BYTES = 60_000

_FEW_COLOURS = """async data => {
    const image = new Image();
    image.src = data;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), {width: image.width, height: image.height});
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const pixels = pen.getImageData(0, 0, image.width, image.height).data;
    const coarse = at => [0, 1, 2].map(each => Math.round(pixels[at + each] / 17) * 17);
    const counts = new Map();
    for (let at = 0; at < pixels.length; at += 4) {
        const key = coarse(at).join();
        counts.set(key, (counts.get(key) || 0) + 1);
    }
    const often = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || (a < b ? -1 : 1));
    const palette = often.slice(0, 10).map(key => key.split(",").map(Number));
    const far = (a, b) => a.reduce((sum, each, at) => sum + (each - b[at]) ** 2, 0);
    const nearest = new Map(often.map(key => {
        const colour = key.split(",").map(Number);
        return [key, palette.reduce((best, each, at) => far(each, colour) < far(palette[best], colour) ? at : best, 0)];
    }));
    let places = "";
    for (let at = 0; at < pixels.length; at += 4) places += String.fromCharCode(nearest.get(coarse(at).join()));
    return {width: image.width, palette: palette.flat(), places: btoa(places)};
}"""
"""A picture as its 10 most frequent colours, and for each pixel the place of the nearest among them."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NOTE = b"Source\0"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-lcd-text",
    "--disable-sync",
    "--disable-font-subpixel-positioning",
)


class NoChromiumError(Exception):
    """There is no browser to draw with; the sentence says how to get one."""


def digest(html: str) -> str:
    return sha256(html.encode()).hexdigest()


def source(png: bytes) -> str:
    """The digest of the HTML that a picture was made from; empty where it does not say."""
    notes = (data for kind, data in _chunks(png) if kind == b"tEXt" and data.startswith(_NOTE))
    return next(notes, _NOTE).removeprefix(_NOTE).decode("latin-1")


def size(png: bytes) -> tuple[int, int]:
    """Its width and height."""
    [data] = (data for kind, data in _chunks(png) if kind == b"IHDR")
    return int.from_bytes(data[:4]), int.from_bytes(data[4:8])


@contextmanager
def phone() -> Iterator[Page]:
    """A page of Chromium that is as wide as a phone. Raises `NoChromiumError`."""
    chromium = which("chromium")
    if chromium is None:
        raise NoChromiumError("There is no Chromium here; install it with: apt-get install chromium")
    with TemporaryDirectory() as profile, sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium,
            args=list(_ARGUMENTS),
            headless=True,
            viewport={"width": WIDTH, "height": 640},
            device_scale_factor=2,
        )
        yield browser.new_page()
        browser.close()


def draw(page: Page, pages: Mapping[str, str], folder: Path) -> None:
    """Make NAME.png of each of some HTML pages on a `phone`, and take away those that none of them has made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, html in pages.items():
        page.set_content(html)
        seen = b64encode(page.locator("main").screenshot()).decode()
        drawn = page.evaluate(_FEW_COLOURS, f"data:image/png;base64,{seen}")
        (folder / f"{name}.png").write_bytes(_packed(drawn, digest(html)))
    for path in folder.glob("*.png"):
        if path.stem not in pages:
            path.unlink()


def _packed(drawn: Mapping[str, Any], note: str) -> bytes:
    """A PNG of few colours, four bits to a pixel, with a note; the width is even."""
    width, places = drawn["width"], b64decode(drawn["places"])
    pairs = bytes(left << 4 | right for left, right in zip(places[::2], places[1::2], strict=True))
    rows = [pairs[at : at + width // 2] for at in range(0, len(pairs), width // 2)]
    head = width.to_bytes(4) + len(rows).to_bytes(4) + bytes((4, 3, 0, 0, 0))
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    palette = bytes(drawn["palette"])
    made = ((b"IHDR", head), (b"PLTE", palette), (b"tEXt", _NOTE + note.encode()), (b"IDAT", pixels), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in made)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's kind and data."""
    at = len(_SIGNATURE)
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
