"""A point of access that speaks CoAP without security: takes POST, block by block, and answers as it is told."""
import json
import socket
import struct
import threading

OBSERVED = {"path": 11, "format": 12, "query": 15, "block1": 27, "from": 279, "rqi": 283, "rsc": 307}
NAMES = {number: name for name, number in OBSERVED.items()}


def options_of(data):
    """(options by name, payload) of what follows the token."""
    at, number, out = 0, 0, {"path": []}
    while at < len(data) and data[at] != 0xFF:
        delta, length = data[at] >> 4, data[at] & 15
        at += 1
        wide = []
        for n in (delta, length):
            if n == 13:
                n, at = data[at] + 13, at + 1
            elif n == 14:
                n, at = struct.unpack_from(">H", data, at)[0] + 269, at + 2
            wide.append(n)
        number += wide[0]
        value, at = data[at:at + wide[1]], at + wide[1]
        name = NAMES.get(number, number)
        if name == "path":
            out["path"].append(value.decode())
        else:
            out[name] = value
    return out, data[at + 1:]


def option(delta, value):
    wide = bytes([delta - 13]) if 13 <= delta < 269 else struct.pack(">H", delta - 269) if delta >= 269 else b""
    nibble = 14 if delta >= 269 else 13 if delta >= 13 else delta
    return bytes([nibble << 4 | len(value)]) + wide + value


class CoapSink:
    """`answer` gets the content and says: a response status code, a code of CoAP alone ("4.03"), "drop" (the first time only), "reset"."""

    def __init__(self, answer=lambda content: 2000):
        self.got, self.answer, self.dropped, self.over = [], answer, 0, False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.url = f"coap://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        self.over = True
        self.thread.join()
        self.socket.close()

    def serve(self):
        body = b""
        while not self.over:
            try:
                data, peer = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            mid, token = data[2:4], data[4:4 + (data[0] & 15)]
            options, payload = options_of(data[4 + len(token):])
            ack = lambda code, more=b"": bytes([0x60 | len(token), code]) + mid + token + more
            block = options.get("block1")
            body = payload if block is None or block[0] >> 4 == 0 and len(block) == 1 else body + payload
            if block is not None and block[-1] & 8:  # more of it comes
                self.socket.sendto(ack(0x5F, option(27, block)), peer)
                continue
            content = json.loads(body)
            said = self.answer(content.get("m2m:sgn", content))
            if said == "drop":
                self.dropped += 1
                if self.dropped == 1:
                    continue
                said = 2000
            if said == "reset":
                self.socket.sendto(bytes([0x70, 0]) + mid, peer)
                continue
            self.got.append(("/" + "/".join(options["path"]), options, content.get("m2m:sgn", content)))
            more = option(27, block) if block is not None else b""
            if isinstance(said, str):
                self.socket.sendto(ack(int(said[0]) << 5 | int(said[2:]), more), peer)
            else:
                code = {2: 0x44, 4: 0x83, 5: 0xA0}[said // 1000]
                self.socket.sendto(ack(code, more + option(OBSERVED["rsc"] - (27 if more else 0), struct.pack(">H", said))), peer)
