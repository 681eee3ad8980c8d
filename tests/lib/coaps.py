"""Listeners of datagrams beside the others of a lab, for the tests of DTLS and CoAP."""
import socket

import keystead as ks


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def add_listeners(lab):
    """[listener coap] in each of the three configurations; returns the ports by role."""
    ports = {}
    for role in ks.ROLES:
        ports[role] = free_udp_port()
        lab.append(role, f"\n[listener coap]\nrole = {role}\naddress = 127.0.0.1:{ports[role]}\ntransport = udp\n"
                   f"certificate = {role}.crt\nkey = {role}.key\ntrust = ca.crt\naliases = localhost, in.{ks.SP}\n")
    return ports
