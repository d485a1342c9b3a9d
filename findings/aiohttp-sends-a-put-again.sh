#!/bin/sh
# aiohttp 3.14.5: a PUT that a server has taken, and whose answer is lost, is sent a second time without a word.
#
# A server that takes a request over a connection that was used before and closes it without an answer gets the same
# request again over a new one, if its method is idempotent by RFC 9110 (PUT, DELETE, GET). The caller sees one success.
# LMSs append by PUT, too: Canvas adds the comment of each `PUT .../submissions/:user_id`, so it is there twice.
# A session has no public setting for it, and a POST in the same place is not sent again.
#
# Output seen:
#   PUT: 200, taken 2 times
#   POST: ServerDisconnectedError, taken 1 times
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiohttp==3.14.5
"$folder/venv/bin/python" - > "$folder/seen" <<'END_OF_PYTHON'
import asyncio

import aiohttp

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def tried(method):
    taken = 0

    async def serve(reader, writer):
        nonlocal taken
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET"):
                    writer.write(ANSWER)
                    continue
                await reader.readexactly(len(b"comment"))
                taken += 1
                if taken == 1:
                    return  # it is done, and its answer is lost
                writer.write(ANSWER)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = "http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            await answer.read()
        try:
            async with session.request(method, url, data=b"comment") as answer:
                came = answer.status
        except aiohttp.ClientError as error:
            came = type(error).__name__
    print(f"{method}: {came}, taken {taken} times")


asyncio.run(tried("PUT"))
asyncio.run(tried("POST"))
END_OF_PYTHON
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "PUT: 200, taken 2 times
POST: ServerDisconnectedError, taken 1 times" ]
