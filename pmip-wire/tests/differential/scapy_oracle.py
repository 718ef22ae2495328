"""Reads Mobility Headers with Scapy and makes them again from what it read: one JSON object a line
in, one a line out, in order. Scapy computes lengths, padding and the checksum itself.

In: {"octets": hex, "source": hex, "destination": hex}.
Out: {"fields": [[name, value]], "notes": [complaint], "options": [{"number": type, "octets": hex,
"fields": [[name, value]], "notes": []}], "made": hex}; a value is a number or octets in hex.
"""

import importlib.metadata
import ipaddress
import json
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.config import conf
from scapy.fields import BitField, IP6Field, MACField
from scapy.layers.inet6 import IPv6, Pad1, PadN, _mip6_mhtype2cls
from scapy.packet import NoPayload

VERSION = "2.8.0"

# Longer than any message.
conf.max_list_count = 2048

COMPUTED = {"len", "cksum", "autopad"}


def plain(field, value):
    """A number, or octets in hex."""
    if isinstance(field, IP6Field):
        return ipaddress.IPv6Address(value).packed.hex()
    if isinstance(field, MACField):
        return value.replace(":", "")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(field, BitField) and field.size > 63:
        return int(value).to_bytes(field.size // 8, "big").hex()
    return int(value) if value < 1 << 63 else f"{value:x}"


def fields_of(packet, left_out):
    named = [(field, field.name) for field in packet.fields_desc if field.name not in left_out]
    return [[name, plain(field, packet.getfieldval(name))] for field, name in named]


def values_of(packet, left_out):
    return {
        field.name: packet.getfieldval(field.name)
        for field in packet.fields_desc
        if field.name not in left_out
    }


def remade(option):
    """The same option anew; where Scapy computes the length, it does."""
    computed = {field.name for field in option.fields_desc if field.default is None}
    return type(option)(**values_of(option, computed & {"olen"}))


def reading(message):
    """What Scapy read."""
    fields = fields_of(message, {"options", "autopad"})
    read = {"fields": fields, "options": [], "notes": [], "made": None}
    if not isinstance(message.payload, NoPayload):
        read["notes"].append("octets are left over")
    for option in message.fields.get("options", []):
        octets = bytes(option)
        entry = {"number": octets[0], "octets": octets.hex(), "notes": []}
        read["options"].append(entry | {"fields": fields_of(option, {"otype", "olen"})})
    return read


def make(message, source, destination):
    """The same message anew, in the packet that carries it."""
    anew = type(message)(**values_of(message, COMPUTED | {"options"}))
    if "options" in message.fields:
        options = [option for option in message.options if not isinstance(option, (Pad1, PadN))]
        anew.options = [remade(option) for option in options]
    carrier = IPv6(src=str(ipaddress.IPv6Address(source)), dst=str(ipaddress.IPv6Address(destination)))
    return bytes(carrier / anew)[40:].hex()


def answer(case):
    keys = ("octets", "source", "destination")
    octets, source, destination = (bytes.fromhex(case[key]) for key in keys)
    try:
        message = _mip6_mhtype2cls[octets[2]](octets)
        read = reading(message)
    except Exception as error:
        note = f"does not read: {type(error).__name__}: {error}"
        return {"fields": [], "options": [], "notes": [note], "made": None}
    try:
        read["made"] = make(message, source, destination)
    except Exception as error:
        read["notes"].append(f"does not make: {type(error).__name__}: {error}")
    return read


def probe():
    """The tables are about one version, whose faults they list."""
    found = importlib.metadata.version("scapy")
    if found != VERSION:
        sys.exit(f"scapy {VERSION} is wanted, found {found}")


def main():
    if sys.argv[1:] == ["--probe"]:
        return probe()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))))


if __name__ == "__main__":
    main()
