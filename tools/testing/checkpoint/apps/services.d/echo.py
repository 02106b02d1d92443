# SPDX-License-Identifier: GPL-2.0
"""Send back what comes, on each connection: echo.py ADDRESS PORT"""
import asyncio
import sys


async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, sys.argv[1], int(sys.argv[2]))
    await server.serve_forever()


asyncio.run(main())
