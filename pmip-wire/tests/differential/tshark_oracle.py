"""Reads Mobility Headers with tshark: one JSON object a line in, one a line out, in order.

In: {"octets": hex, "transport": "ipv6" or "udp", "source": hex, "destination": hex}.
Out: {"fields": [[name, hex]], "notes": [complaint], "options": [{"number": type, "octets": hex,
"fields": [[name, hex]], "notes": [complaint]}]}.
"""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

VERSION = "4.0"
CONTROL_PORT = 5436
LINKTYPE_RAW = 101
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def checksum(octets):
    """Of an even number of octets, as all are here."""
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(case):
    keys = ("octets", "source", "destination")
    octets, source, destination = (bytes.fromhex(case[key]) for key in keys)
    if case["transport"] == "ipv6":
        return struct.pack("!IHBB", 6 << 28, len(octets), 135, 64) + source + destination + octets
    # IPv4 has the last 32 bits of the addresses.
    source, destination = source[-4:], destination[-4:]
    length = 8 + len(octets)
    udp = struct.pack("!HHHH", CONTROL_PORT, CONTROL_PORT, length, 0) + octets
    pseudo = source + destination + struct.pack("!BBH", 0, 17, length)
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp) or 0xFFFF) + octets
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0, 64, 17, 0, source, destination)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + udp


def write_pcap(file, packets):
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0x40000, LINKTYPE_RAW))
    for octets in packets:
        file.write(struct.pack("<IIII", 0, 0, len(octets), len(octets)) + octets)
    file.close()


def walk(element, fields, notes):
    """Collects what is below `element`, in order."""
    for child in element:
        name = child.get("name", "")
        if name.startswith("_ws."):
            notes.append(child.get("showname") or child.get("show") or name)
            continue
        if name:
            fields.append([name, child.get("value", "")])
        walk(child, fields, notes)


def options_of(region):
    """The options in `region`; complaints between them belong to the one before."""
    options = []
    for child in region:
        if child.get("name", "").startswith("_ws.") and options:
            walk([child], options[-1]["fields"], options[-1]["notes"])
            continue
        octets = child.get("value", "")
        option = {"number": int(octets[:2] or "0", 16), "octets": octets, "fields": [], "notes": []}
        walk(child, option["fields"], option["notes"])
        options.append(option)
    return options


def reading(tree):
    """What tshark read of one packet."""
    read = {"fields": [], "options": [], "notes": []}
    protocols = {proto.get("name"): proto for proto in tree.iter("proto")}
    read["notes"] += [name for name in protocols if name.startswith("_ws.")]
    if "mipv6" not in protocols:
        read["notes"].append("no Mobility Header")
        return read
    for child in protocols["mipv6"]:
        if child.get("show") == "Mobility Options":
            read["options"] = options_of(child)
        else:
            walk([child], read["fields"], read["notes"])
    return read


def packets_of(pdml):
    """The packets in `pdml`, one by one. What tshark shows of text may be no XML."""
    parser = ElementTree.XMLPullParser()
    for line in pdml:
        parser.feed(NOT_XML.sub("?", line))
        for _, element in parser.read_events():
            if element.tag == "packet":
                yield element
                element.clear()


def probe():
    """The tables are about one version, whose faults they list."""
    shown = subprocess.run(["tshark", "--version"], check=True, capture_output=True, text=True).stdout
    if f" {VERSION}." not in shown:
        sys.exit(f"tshark {VERSION} is wanted, found {shown.splitlines()[0]}")


def main():
    if sys.argv[1:] == ["--probe"]:
        return probe()
    cases = [json.loads(line) for line in sys.stdin]
    pcap = tempfile.NamedTemporaryFile(suffix=".pcap", delete=False)
    try:
        write_pcap(pcap, map(packet, cases))
        command = ["tshark", "-n", "-r", pcap.name, "-T", "pdml"]
        tshark = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
        for element in packets_of(tshark.stdout):
            print(json.dumps(reading(element)))
        if tshark.wait() != 0:
            sys.exit(f"tshark ended with {tshark.returncode}")
    finally:
        os.unlink(pcap.name)


if __name__ == "__main__":
    main()
