"""Where the servers of a lab serve CoAP in DTLS: each on the UDP port of its TCP port's number, as init writes it."""
import socket

import keystead as ks


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ports(lab):
    return {role: lab.address(role)[1] for role in ks.ROLES}
