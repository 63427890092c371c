"""Reads requests with h11: blobs in (four bytes of length before each), one line of JSON each out."""

import json
import struct
import sys
from urllib.parse import urlsplit

import h11


def canonical(host):
    try:
        split = urlsplit("//" + host)
        return "%s:%d" % ((split.hostname or "").removesuffix("."), split.port or 0)
    except ValueError:
        return None


def read(blob):
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    requests = []
    reading = None
    try:
        connection.receive_data(blob)
        connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if event is h11.PAUSED:
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    return requests, connection.trailing_data[0] == b""
                connection.start_next_cycle()
            elif isinstance(event, h11.Request):
                hosts = [value.decode("latin1") for name, value in event.headers if name == b"host"]
                reading = {
                    "method": event.method.decode("latin1"),
                    "target": event.target.decode("latin1"),
                    "hosts": hosts,
                    "authority": canonical(hosts[0]) if hosts else None,
                }
                body = b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                requests.append({**reading, "body": body.decode("latin1")})
                # Not 200, which would leave HTTP after CONNECT.
                connection.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
            else:
                return requests, isinstance(event, h11.ConnectionClosed) and connection.trailing_data[0] == b""
    except h11.RemoteProtocolError:
        return requests, False


blobs = sys.stdin.buffer
while header := blobs.read(4):
    requests, whole = read(blobs.read(struct.unpack(">I", header)[0]))
    print(json.dumps({"requests": requests, "whole": whole}))
