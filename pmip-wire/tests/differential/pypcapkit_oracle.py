"""Reads Mobility Headers with PyPCAPKit and makes them again from what it read: one JSON object a
line in, one a line out, in order.

In: {"octets": hex}.
Out: {"fields": [[name, value]], "notes": [complaint], "options": [{"number": type, "octets": null,
"fields": [[name, value]], "notes": []}], "made": hex or null}; a value is a number or octets in hex.
"""

import datetime
import enum
import importlib.metadata
import ipaddress
import json
import sys
import warnings

warnings.simplefilter("ignore")

import aenum
from pcapkit.corekit.infoclass import Info
from pcapkit.corekit.multidict import MultiDict, OrderedMultiDict
from pcapkit.protocols.internet.mh import MH


def plain(value):
    """A number, or octets in hex."""
    if isinstance(value, (enum.Enum, aenum.Enum)):
        value = int(value.value)
    if isinstance(value, (bool, int)):
        return int(value) if value < 1 << 63 else f"{value:x}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return value.encode().hex()
    if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return value.packed.hex()
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(milliseconds=1)
    raise TypeError(f"a value of type {type(value)}")


# The fields of the binary traffic selectors with their widths, in the order of their flags: each has
# a start and an end (RFC 6088 section 3).
IPV4_SELECTOR = [
    ("source_address", 4),
    ("destination_address", 4),
    ("spi", 4),
    ("source_port", 2),
    ("destination_port", 2),
    ("ds", 1),
    ("protocol", 1),
]
IPV6_SELECTOR = [
    ("source_address", 16),
    ("destination_address", 16),
    ("spi", 4),
    ("flow_label", 4),
    ("source_port", 2),
    ("destination_port", 2),
    ("ds", 1),
    ("next_header", 1),
]


def selector(kind, octets):
    """The fields of a traffic selector, which PyPCAPKit leaves as octets."""
    if kind not in (1, 2):
        return [("format", kind), ("octets", octets)]
    flags, place, fields = int.from_bytes(octets[:4], "big"), 4, []
    layout = IPV4_SELECTOR if kind == 1 else IPV6_SELECTOR
    ends = [(f"{name}.{end}", width) for name, width in layout for end in ("start", "end")]
    for number, (name, width) in enumerate(ends):
        if flags & 0x80000000 >> number:
            fields.append((name, octets[place : place + width]))
            place += width
    return fields + [("left_over", len(octets[place:]))]


def structure(info):
    """The members of a structure, where it keeps lists as lists that we keep as octets, joined."""
    named = dict(info.items())
    # CGA parameters are octets to us.
    named.pop("parameters", None)
    if "ts_format" in named:
        named["selector"] = dict(selector(int(named.pop("ts_format")), named["selector"]))
    if isinstance(named.get("fid"), tuple):
        named["fid"] = b"".join(fid.to_bytes(2, "big") for fid in named["fid"])
    if "requests" in named:
        joined = (bytes([asked.type, len(asked.value)]) + asked.value for asked in named["requests"])
        named["requests"] = b"".join(joined)
    return named


def sub_option(number, info):
    """The members under the number; of a number that it does not know, PyPCAPKit keeps octets."""
    if type(info).__name__.startswith("Unassigned"):
        return "other", {"type": info.type, "data": info.data}
    inside = structure(info)
    return str(int(number)), {key: inside[key] for key in inside if key not in ("type", "length")}


def members(value):
    """The names and values in a structure, `None` for a plain value."""
    if isinstance(value, (MultiDict, OrderedMultiDict)):
        listed = value.items(multi=True)
        kept = [(number, info) for number, info in listed if not type(info).__name__.startswith("Pad")]
        return [sub_option(number, info) for number, info in kept]
    if isinstance(value, Info):
        return list(structure(value).items())
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (list, tuple)):
        return [("", member) for member in value]
    if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return [("address", value.network_address), ("length", value.prefixlen)]
    return None


def flatten(name, value, out):
    """Appends what `value` holds to `out`, in order; members of a list share a name."""
    if value is None or isinstance(value, (float, datetime.datetime)):
        return
    inside = members(value)
    if inside is None:
        out.append([name, plain(value)])
        return
    for member, inner in inside:
        flatten(".".join(filter(None, (name, member))), inner, out)


VERSION = "1.5.0b14"
NOT_OF_THE_MESSAGE = {"options", "packet", "payload", "nopayload"}


def reading(info):
    """What PyPCAPKit read."""
    read = {"fields": [], "options": [], "notes": [], "made": None}
    for name, value in info.items():
        if name not in NOT_OF_THE_MESSAGE and not name.startswith("__"):
            flatten(name, value, read["fields"])
    for _, option in info.get("options", OrderedMultiDict()).items(multi=True):
        fields = []
        flatten("", option, fields)
        entry = {"number": int(option.type), "octets": None, "fields": fields, "notes": []}
        read["options"].append(entry)
    return read


def answer(octets):
    """What it read, and made again. Whatever it raises, it does not read or make the message."""
    try:
        info = MH(octets, len(octets)).info
        read = reading(info)
    except Exception as error:
        note = f"does not read: {type(error).__name__}: {error}"
        return {"fields": [], "options": [], "notes": [note], "made": None}
    try:
        read["made"] = MH.from_data(info).data.hex()
    except Exception as error:
        read["notes"].append(f"does not make: {type(error).__name__}: {error}")
    return read


def probe():
    """The tables are about one version, whose faults they list."""
    found = importlib.metadata.version("pypcapkit")
    if found != VERSION:
        sys.exit(f"pypcapkit {VERSION} is wanted, found {found}")


def main():
    if sys.argv[1:] == ["--probe"]:
        return probe()
    for line in sys.stdin:
        print(json.dumps(answer(bytes.fromhex(json.loads(line)["octets"]))))


if __name__ == "__main__":
    main()
