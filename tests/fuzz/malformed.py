#!/usr/bin/python3
"""Writes malformed images of each format into the corpora of their targets.

tests/fuzz/malformed.py

Each breaks one thing that decoders have been known to trust, and is named for
it. The first four bytes are the order (decoder.h)."""

import pathlib
import struct
import zlib

CORPUS = pathlib.Path(__file__).parent / "corpus"
# WebP, of quality 49, 8 wide; a PNG's check sums stay as they are.
ORDER = b"\x02\x30\x08\2"
U16, U32 = (0xFFFF, 0x7FFF, 0), (0xFFFFFFFF, 0x7FFFFFFF, 0)


# --- PNG ---------------------------------------------------------------------

def chunk(kind, data, length=None, crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data) if length is None else length) + \
        kind + data + struct.pack(">I", crc)


def ihdr(width=9, height=9, depth=8, color=6, how=0, filt=0, lace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color,
                                      how, filt, lace))


def idat(rows=9, row=9 * 4, filt=0, cut=0):
    data = zlib.compress(bytes([filt] + [7] * row) * rows)
    return chunk(b"IDAT", data[:len(data) - cut])


def png(*chunks, end=chunk(b"IEND", b"")):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + end


def pngs():
    yield "good", png(ihdr(), idat())
    yield "no-idat", png(ihdr())
    yield "no-iend", png(ihdr(), idat(), end=b"")
    yield "no-ihdr", png(idat())
    yield "two-ihdr", png(ihdr(), ihdr(width=5000), idat())
    yield "late-ihdr", png(idat(), ihdr())
    for n in U32:
        yield f"width-{n:x}", png(ihdr(width=n), idat())
        yield f"height-{n:x}", png(ihdr(height=n), idat())
        yield f"length-{n:x}", png(ihdr(), chunk(b"IDAT", b"x" * 40, length=n))
    yield "rows-too-few", png(ihdr(), idat(rows=2))
    yield "rows-too-many", png(ihdr(), idat(rows=900))
    yield "stream-cut", png(ihdr(), idat(cut=6))
    yield "filter-unknown", png(ihdr(), idat(filt=9))
    yield "depth-3", png(ihdr(depth=3), idat())
    yield "color-5", png(ihdr(color=5), idat())
    yield "compression-1", png(ihdr(how=1), idat())
    yield "interlace-7", png(ihdr(lace=7), idat())
    yield "interlaced-1x1", png(ihdr(1, 1, lace=1), idat(1, 4))
    yield "palette-none", png(ihdr(color=3), idat(row=9))
    yield "palette-short", png(ihdr(color=3), chunk(b"PLTE", b"\1\2\3"),
                               idat(row=9))
    yield "palette-long", png(ihdr(color=3), chunk(b"PLTE", b"\1" * 3 * 257),
                              idat(row=9))
    yield "palette-of-2-bytes", png(ihdr(color=3), chunk(b"PLTE", b"\1\2"),
                                    idat(row=9))
    yield "transparency-long", png(ihdr(color=3), chunk(b"PLTE", b"\1\2\3"),
                                   chunk(b"tRNS", bytes(256)), idat(row=9))
    yield "transparency-of-rgba", png(ihdr(), chunk(b"tRNS", b"\0\1"), idat())
    yield "gray-1-bit", png(ihdr(depth=1, color=0), idat(row=2))
    yield "gray-16-bits", png(ihdr(depth=16, color=0), idat(row=18))
    bomb = zlib.compress(bytes(1 << 20))
    yield "profile-bomb", png(ihdr(), chunk(b"iCCP", b"x\0\0" + bomb), idat())
    yield "profile-no-name", png(ihdr(), chunk(b"iCCP", b"\0\0" + bomb[:9]),
                                 idat())
    yield "text-bomb", png(ihdr(), chunk(b"zTXt", b"x\0\0" + bomb), idat())
    yield "exif-loops", png(ihdr(), chunk(
        b"eXIf", b"MM\0\x2a\0\0\0\x08\xff\xff" + b"\1\x12\0\3" * 9), idat())
    yield "exif-beyond", png(ihdr(), chunk(
        b"eXIf", b"II\x2a\0\xff\xff\xff\xff"), idat())
    yield "animated", png(ihdr(), chunk(b"acTL", b"\0\0\0\2\0\0\0\0"), idat())
    yield "critical-unknown", png(ihdr(), chunk(b"ABCD", b"x"), idat())
    yield "sum-wrong", png(ihdr(), chunk(b"IDAT", zlib.compress(b"x"), crc=1))


# --- GIF ---------------------------------------------------------------------

def screen(width=4, height=4, flags=0x80, palette=b"\xff\0\0\0\0\xff"):
    return b"GIF89a" + struct.pack("<HHBBB", width, height, flags, 0, 0) + \
        palette


def blocks(data):
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255]
                    for i in range(0, len(data), 255)) + b"\0"


# All clear codes, then 16 pixels, and the end: with codes of 3 bits.
LZW = b"\x04\x02\x81\x40\x20\x10\x08\x04\x50"


def picture(left=0, top=0, width=4, height=4, flags=0, bits=2, data=LZW):
    return b"\x2c" + struct.pack("<HHHHB", left, top, width, height, flags) + \
        bytes([bits]) + blocks(data)


def control(disposal=0, delay=5, clear=None):
    return b"\x21\xf9\4" + struct.pack(
        "<BHB", disposal << 2 | (clear is not None), delay, clear or 0) + b"\0"


def gifs():
    yield "good", screen() + picture() + b";"
    yield "no-end", screen() + picture()
    yield "no-picture", screen() + b";"
    yield "no-palette", screen(flags=0, palette=b"") + picture() + b";"
    yield "palette-cut", screen(flags=0x87) + picture() + b";"
    for n in U16:
        yield f"screen-{n:x}", screen(width=n, height=n) + picture() + b";"
        yield f"wide-{n:x}", screen() + picture(width=n) + b";"
        yield f"high-{n:x}", screen() + picture(height=n) + b";"
        yield f"left-{n:x}", screen() + picture(left=n) + b";"
        yield f"top-{n:x}", screen() + picture(top=n) + b";"
    yield "interlaced-1-row", screen() + picture(height=1, flags=0x40) + b";"
    for bits in 0, 1, 8, 9, 12, 255:
        yield f"code-of-{bits}", screen() + picture(bits=bits) + b";"
    yield "codes-all-ones", screen() + picture(data=b"\xff" * 60) + b";"
    yield "codes-all-clear", screen() + picture(data=b"\x24\x49\x92" * 9) + b";"
    yield "codes-none", screen() + picture(data=b"") + b";"
    yield "block-beyond", screen() + picture()[:-10] + b"\xff\1\2\3"
    yield "colour-beyond-palette", screen() + picture(bits=7) + b";"
    yield "dispose-before-first", screen() + control(3) + picture() + b";"
    moving = [control(d, clear=d & 1) + picture(d & 1, d & 1, 3, 3)
              for d in (3, 2, 1, 3, 7, 2)]
    yield "dispose-each-way", screen() + b"".join(moving) + b";"
    yield "second-outside", screen() + picture() + picture(left=3) + b";"
    yield "second-cut", screen() + picture() + picture()[:-3]
    yield "pictures-many", screen() + picture() * 300 + b";"
    yield "delay-ffff", screen() + (control(delay=0xFFFF) + picture()) * 9 + \
        b";"
    yield "loop-cut", screen() + b"\x21\xff\x0bNETSCAPE2.0\1\1\0" + \
        picture() + b";"
    yield "extension-none", screen() + b"\x21\xff\0" + picture() + b";"
    yield "control-short", screen() + b"\x21\xf9\1\0\0" + picture() + b";"
    yield "record-unknown", screen() + b"\x99" + picture() + b";"


# --- JPEG --------------------------------------------------------------------

def segments(data):
    """(marker, at, end) of each up to the scan."""
    at = 2
    while data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        yield data[at + 1], at, end
        at = end
    yield 0xDA, at, len(data)


def segment(marker, data, length=None):
    return bytes([0xFF, marker]) + struct.pack(
        ">H", len(data) + 2 if length is None else length) + data


def changed(data, at, by):
    return data[:at] + by + data[at + len(by):]


def jpegs(base):
    where = {marker: (at, end) for marker, at, end in segments(base)}
    frame = next(at for marker, (at, _) in where.items()
                 if marker in (0xC0, 0xC2))
    scan, _ = where[0xDA]
    yield "good", base
    for marker, (at, end) in where.items():
        yield f"without-{marker:x}", base[:at] + base[end:]
        yield f"twice-{marker:x}", base[:end] + base[at:]
        yield f"cut-in-{marker:x}", base[:(at + end) // 2]
        yield f"length-0-{marker:x}", changed(base, at + 2, b"\0\0")
        yield f"length-ffff-{marker:x}", changed(base, at + 2, b"\xff\xff")
    for n in U16:
        size = struct.pack(">H", n)
        yield f"high-{n:x}", changed(base, frame + 5, size)
        yield f"wide-{n:x}", changed(base, frame + 7, size)
    for n in 0, 2, 4, 5, 255:
        yield f"components-{n}", changed(base, frame + 9, bytes([n]))
    for n in 0x00, 0x55, 0xFF, 0x41:
        yield f"sampling-{n:x}", changed(base, frame + 11, bytes([n]))
    yield "precision-12", changed(base, frame + 4, b"\x0c")
    yield "table-unknown", changed(base, frame + 12, b"\x07")
    yield "tables-of-codes-full", base[:scan] + segment(
        0xC4, b"\0" + b"\xff" * 16 + bytes(100)) + base[scan:]
    yield "end-missing", base[:-2]
    yield "scan-empty", base[:scan + 14] + b"\xff\xd9"
    yield "scan-all-ones", base[:scan + 14] + b"\xff\0" * 200 + b"\xff\xd9"
    yield "restart-each", base[:scan] + segment(0xDD, b"\0\1") + base[scan:]
    scans = base[scan:-2]
    yield "scans-200", base[:scan] + scans * (30000 // len(scans)) + b"\xff\xd9"
    exif = b"Exif\0\0II\x2a\0\x08\0\0\0\xff\xff" + b"\x12\1\3\0" * 5
    yield "exif-loops", base[:2] + segment(0xE1, exif) + base[2:]
    icc = b"ICC_PROFILE\0"
    yield "profile-part-of-none", base[:2] + segment(0xE2, icc + b"\1\0x") + \
        base[2:]
    yield "profile-parts-missing", base[:2] + segment(
        0xE2, icc + b"\2\5" + b"x" * 99) + base[2:]
    yield "arithmetic", base[:frame] + b"\xff\xc9" + base[frame + 2:]
    yield "lossless", base[:frame] + b"\xff\xc3" + base[frame + 2:]


# --- WebP --------------------------------------------------------------------

def riff(*parts, length=None):
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack(
        "<I", len(body) if length is None else length) + body


def part(kind, data, length=None):
    return kind + struct.pack("<I", len(data) if length is None else length) + \
        data + b"\0" * (len(data) & 1)


def vp8x(flags=0, width=8, height=8):
    return part(b"VP8X", bytes([flags, 0, 0, 0]) +
                (width - 1 & 0xFFFFFF).to_bytes(3, "little") +
                (height - 1 & 0xFFFFFF).to_bytes(3, "little"))


def anmf(x, y, width, height, inner, flags=0, ms=50):
    return part(b"ANMF", b"".join(n.to_bytes(3, "little") for n in (
        x, y, width - 1 & 0xFFFFFF, height - 1 & 0xFFFFFF, ms)) +
        bytes([flags]) + inner)


def webps(lossy, lossless):
    """Of the contents of two good ones, of 12 x 9 pixels or so."""
    for name, kind, data in (("lossy", b"VP8 ", lossy),
                             ("lossless", b"VP8L", lossless)):
        yield f"good-{name}", riff(part(kind, data))
        yield f"cut-{name}", riff(part(kind, data[:len(data) // 2]))
        yield f"cut-file-{name}", riff(part(kind, data))[:-9]
        for n in U32:
            yield f"length-{n:x}-{name}", riff(part(kind, data, length=n))
            yield f"riff-{n:x}-{name}", riff(part(kind, data), length=n)
        yield f"size-differs-{name}", riff(vp8x(0, 500, 2), part(kind, data))
        yield f"twice-{name}", riff(part(kind, data), part(kind, data))
        yield f"ones-{name}", riff(part(kind, data[:10] + b"\xff" * 60))
        loop = part(b"ANIM", bytes(6))
        yield f"moves-{name}", riff(vp8x(2, 12, 9), loop, *[anmf(
            0, 0, 12, 9, part(kind, data), flags) for flags in range(4)])
        yield f"outside-{name}", riff(vp8x(2, 12, 9), loop, anmf(
            0xFFFF, 9, 12, 9, part(kind, data)))
        yield f"frame-large-{name}", riff(vp8x(2, 12, 9), loop, anmf(
            0, 0, 0x1000000, 9, part(kind, data)))
        yield f"moves-without-anim-{name}", riff(vp8x(2, 12, 9), anmf(
            0, 0, 12, 9, part(kind, data)))
    yield "key-frame-not", riff(part(b"VP8 ", b"\1" + lossy[1:]))
    yield "partitions-beyond", riff(part(b"VP8 ", lossy[:1] + b"\xff\xff" +
                                         lossy[3:]))
    yield "canvas-none", riff(vp8x(), part(b"ICCP", b"x" * 9))
    yield "canvas-1000000", riff(vp8x(0, 0x1000000, 0x1000000),
                                 part(b"VP8 ", lossy))
    yield "frame-none", riff(vp8x(2, 12, 9), part(b"ANIM", bytes(6)))
    yield "frame-empty", riff(vp8x(2, 12, 9), part(b"ANIM", bytes(6)),
                              anmf(0, 0, 12, 9, b""))
    yield "alpha-alone", riff(vp8x(0x10, 12, 9), part(b"ALPH", b"\1" * 20))
    for how in range(0, 256, 51):
        yield f"alpha-{how:x}", riff(
            vp8x(0x10, 12, 9), part(b"ALPH", bytes([how]) + b"\x7f" * 30),
            part(b"VP8 ", lossy))
    yield "exif-beyond", riff(
        vp8x(8, 12, 9), part(b"VP8 ", lossy),
        part(b"EXIF", b"Exif\0\0MM\0\x2a\xff\xff\xff\xff"))
    yield "profile-none", riff(vp8x(0x20, 12, 9), part(b"ICCP", b""),
                               part(b"VP8 ", lossy))


# -----------------------------------------------------------------------------

def content(path, kind):
    data = path.read_bytes()[4:]
    at = data.index(kind)
    length, = struct.unpack_from("<I", data, at + 4)
    return data[at + 8:at + 8 + length]


def write(target, files):
    for name, data in files:
        (CORPUS / target / f"bad-{name}").write_bytes(ORDER + data)


def main():
    good = CORPUS / "fuzz_jpeg/jpeg-p.jpg"
    write("fuzz_png", pngs())
    write("fuzz_gif", gifs())
    write("fuzz_jpeg", jpegs(good.read_bytes()[4:]))
    write("fuzz_webp", webps(
        content(CORPUS / "fuzz_webp/jpeg-a.webp", b"VP8 "),
        content(CORPUS / "fuzz_webp/jpeg-l.webp", b"VP8L")))


main()
