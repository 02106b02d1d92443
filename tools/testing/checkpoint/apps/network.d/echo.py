# SPDX-License-Identifier: GPL-2.0
"""Send back what comes, on each connection."""
import asyncio


async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, '10.9.0.2', 7777)
    await server.serve_forever()


asyncio.run(main())
