#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A DHCP server for tests: `dhcpd.py INTERFACE OWN-ADDRESS DIRECTORY`.

DIRECTORY/how is read for each message, words KEY=VALUE: mode (normal, silent, deaf: to what comes to
it alone, liar, garbage, refuser, keeper: offers and never gives), net (the first three bytes of
addresses), lease (seconds), router, dns, domain, mtu, routes (hexadecimal, option 121).
DIRECTORY/log has a line for each message that came.
"""
import os
import socket
import struct
import sys

NAMES = {1: "DISCOVER", 3: "REQUEST", 4: "DECLINE", 7: "RELEASE"}
OFFER, ACK, NAK = 2, 5, 6


def options_of(message):
    found, at = {}, 240
    while at < len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        size = message[at + 1]
        found[message[at]] = message[at + 2:at + 2 + size]
        at += 2 + size
    return found


def address(text):
    return socket.inet_aton(text)


class Server:
    def __init__(self, interface, own, directory):
        self.own, self.directory, self.hosts = own, directory, {}
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for option in (socket.SO_REUSEADDR, socket.SO_BROADCAST):
            self.sock.setsockopt(socket.SOL_SOCKET, option, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        # IP_PKTINFO: whom a message was sent to.
        self.sock.setsockopt(socket.IPPROTO_IP, 8, 1)
        self.sock.bind(("0.0.0.0", 67))

    def how(self):
        with open(os.path.join(self.directory, "how"), encoding="ascii") as f:
            return dict(word.split("=", 1) for word in f.read().split())

    def log(self, line):
        with open(os.path.join(self.directory, "log"), "a", encoding="ascii") as f:
            f.write(line + "\n")

    def host_of(self, client, how):
        host = self.hosts.setdefault(client, 50 + len(self.hosts))
        return f"{how['net']}.{host}"

    def answer(self, message, kind, given, how):
        if how["mode"] == "garbage":
            for bad in (b"", message[:4], b"\2\1\6\0" + message[4:8] + os.urandom(400)):
                self.sock.sendto(bad, ("255.255.255.255", 68))
            # Sound but for one thing: no server, a mask with holes, nobody's address, no time.
            for drop in (54, 1, 0, 51):
                self.send(message, kind, given, how, drop)
            return
        self.send(message, kind, given, how, None)

    def send(self, message, kind, given, how, drop):
        says = {53: bytes([kind]), 54: address(how.get("server", self.own))}
        if kind != NAK:
            says[51] = struct.pack("!I", int(how["lease"]))
            says[1] = address("255.255.255.0")
            if "router" in how:
                says[3] = address(how["router"])
            if "dns" in how:
                says[6] = b"".join(address(a) for a in how["dns"].split(","))
            if "domain" in how:
                says[15] = how["domain"].encode()
            if "mtu" in how:
                says[26] = struct.pack("!H", int(how["mtu"]))
            if "routes" in how:
                says[121] = bytes.fromhex(how["routes"])
        if drop == 1:
            says[1] = address("255.0.255.0")
        elif drop == 0:
            given = "0.0.0.0"
        elif drop:
            says.pop(drop, None)
        out = bytearray(240)
        out[0:4] = b"\2\1\6\0"
        out[4:8] = message[4:8]
        if kind != NAK:
            out[16:20] = address(given)
        out[28:44] = message[28:44]
        out[236:240] = b"\x63\x82\x53\x63"
        for code, value in says.items():
            out += bytes([code, len(value)]) + value
        self.sock.sendto(bytes(out) + b"\xff" + bytes(60), ("255.255.255.255", 68))

    def one(self):
        message, ancillary, _, _ = self.sock.recvmsg(2048, 256)
        if len(message) < 240:
            return
        to = socket.inet_ntoa(ancillary[0][2][8:12]) if ancillary else "?"
        said, how = options_of(message), self.how()
        kind = said.get(53, b"\0")[0]
        client = said.get(61, message[28:34])
        has, wants = socket.inet_ntoa(message[12:16]), said.get(50)
        wants = socket.inet_ntoa(wants) if wants else "-"
        self.log(f"{NAMES.get(kind, kind)} id={client.hex()} has={has} wants={wants} "
                 f"name={said.get(12, b'-').decode()} to={to}")
        given = self.host_of(client, how)
        if how["mode"] == "silent" or (how["mode"] == "deaf" and to != "255.255.255.255"):
            return
        if kind == 1:
            self.answer(message, OFFER, given, how)
        elif kind == 3 and how["mode"] == "liar":
            self.answer(message, ACK, f"{how['net']}.250", how)
        elif kind == 3 and how["mode"] != "keeper":
            asked = wants if wants != "-" else has
            right = asked == given and how["mode"] != "refuser"
            self.answer(message, ACK if right else NAK, given, how)


if __name__ == "__main__":
    server = Server(*sys.argv[1:4])
    server.log("READY")
    while True:
        server.one()
