"""Fetches a file of an agent to standard output, or puts standard input there."""

import hashlib
import sys

from rexec import main, receive, send

FILES = "rexec.file.v1.FileService"
# A request holds 256 KiB at most.
PART_BYTES = 64 * 1024


def get(agent_id, path):
    summed = hashlib.sha256()
    for response in receive(FILES, "Read", agent_id=agent_id, path=path):
        if response.WhichOneof("response") == "data":
            summed.update(response.data)
            sys.stdout.buffer.write(response.data)
        elif response.WhichOneof("response") == "end" and response.end.sha256 != summed.digest():
            sys.exit("what has arrived is not what was sent")


def put(agent_id, path):
    def requests():
        summed = hashlib.sha256()
        yield {"start": {"agent_id": agent_id, "path": path, "overwrite": True}}
        while part := sys.stdin.buffer.read(PART_BYTES):
            summed.update(part)
            yield {"data": part}
        # Without this nothing is put in place.
        yield {"finish": {"sha256": summed.digest()}}

    written = send(FILES, "Write", requests())
    print(f"{written.size} bytes, SHA-256 {written.sha256.hex()}", file=sys.stderr)


main({"get": get, "put": put})
