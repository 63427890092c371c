"""Reads events one by one; each is acknowledged, and the next comes only then."""
import sys

url = sys.argv[2]
if sys.argv[1] == "requests":
    import requests

    session = requests.Session()
    lines = session.get(url + "/events", stream=True, timeout=20).iter_lines(chunk_size=1)
    acknowledge = lambda seen: session.get(url + "/seen", params={"event": seen}, timeout=20)
else:
    import httpx

    session = httpx.Client(timeout=20)
    response = session.send(session.build_request("GET", url + "/events"), stream=True)
    lines = (line.encode() for line in response.iter_lines())
    acknowledge = lambda seen: session.get(url + "/seen", params={"event": seen})
for line in lines:
    if line.startswith(b"data: "):
        print(line.decode(), flush=True)
        acknowledge(line[6:].decode())
