"""Reads Mobility Headers with PyPCAPKit and makes them again from what it read: one JSON object a
line in, one a line out, in order.

In: {"octets": hex}.
Out: {"fields": [[name, value]], "notes": [complaint], "options": [{"number": type, "octets": null,
"fields": [[name, value]], "notes": []}], "made": hex or null}; a value is a number or octets in hex.
"""

import datetime
import enum
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
        return int(value.value)
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


def items(value):
    """The members of a structure, `None` for a plain value."""
    if isinstance(value, (MultiDict, OrderedMultiDict)):
        return [("", member) for _, member in value.items(multi=True)]
    if isinstance(value, (Info, dict)):
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
    members = items(value)
    if members is None:
        out.append([name, plain(value)])
        return
    for member, inner in members:
        flatten(".".join(filter(None, (name, member))), inner, out)


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
        read["options"].append({"number": int(option.type), "octets": None, "fields": fields, "notes": []})
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


def main():
    for line in sys.stdin:
        print(json.dumps(answer(bytes.fromhex(json.loads(line)["octets"]))))


if __name__ == "__main__":
    main()
