import asyncio
import sys

import websockets


async def main():
    async with websockets.connect(sys.argv[1]) as socket:
        for words in ("a few words", "x" * 100000):
            await socket.send(words)
            said = await socket.recv()
            print(len(said), said[:20])


asyncio.run(main())
