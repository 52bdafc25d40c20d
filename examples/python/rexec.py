"""The control plane from Python: messages made of descriptors, a token on every call, errors with their reasons."""

import contextlib
import os
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def _load_descriptors(path):
    pool = descriptor_pool.DescriptorPool()
    with open(path, "rb") as file:
        for proto in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(proto)
    return pool


_POOL = _load_descriptors(os.environ.get("REXEC_DESCRIPTORS", "rexec.binpb"))
_CHANNEL = grpc.insecure_channel(os.environ.get("REXEC_GRPC", "127.0.0.1:7071"))


def message_class(name):
    """The class of a message by its full name, with protobuf packages old and new."""
    descriptor = _POOL.FindMessageTypeByName(name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(_POOL).GetPrototype(descriptor)


class RexecError(Exception):
    """A refusal: `reason` is to compare, `details` holds the other google.rpc details by their names."""

    def __init__(self, error):
        super().__init__(error.details())
        self.details = _read_details(error)
        info = self.details.get("ErrorInfo")
        self.reason = info.reason if info else error.code().name


def _read_details(error):
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = message_class("google.rpc.Status").FromString(value)
            return dict(_unpack(detail) for detail in status.details)
    return {}


def _unpack(detail):
    name = detail.type_url.split("/")[-1]
    return name.split(".")[-1], message_class(name).FromString(detail.value)


def call(service, method, **fields):
    """One call with a deadline, its request made of the fields. Raises RexecError."""
    with _refusals():
        return _method(_CHANNEL.unary_unary, service, method)(_request(service, method, **fields), timeout=10, **_token())


def receive(service, method, **fields):
    """The responses of a call, one by one as they are taken. Raises RexecError."""
    with _refusals():
        yield from _method(_CHANNEL.unary_stream, service, method)(_request(service, method, **fields), **_token())


def send(service, method, requests):
    """One call with many requests: an iterable of their fields, asked for as they are taken. Raises RexecError."""
    made = (_request(service, method, **fields) for fields in requests)
    with _refusals():
        return _method(_CHANNEL.stream_unary, service, method)(made, **_token())


def main(commands):
    """Runs the one that the command line names, with the rest of its words."""
    try:
        commands[sys.argv[1]](*sys.argv[2:])
    except RexecError as error:
        print(f"{error.reason}: {error}", file=sys.stderr)
        for name, detail in error.details.items():
            print(f"  {name}: {str(detail).strip()}".replace("\n", " "), file=sys.stderr)
        sys.exit(1)


def _descriptor(service, method):
    return _POOL.FindServiceByName(service).methods_by_name[method]


def _request(service, method, **fields):
    return message_class(_descriptor(service, method).input_type.full_name)(**fields)


def _method(kind, service, method):
    return kind(
        f"/{service}/{method}",
        request_serializer=lambda request: request.SerializeToString(),
        response_deserializer=message_class(_descriptor(service, method).output_type.full_name).FromString,
    )


def _token():
    return {"metadata": (("authorization", "Bearer " + os.environ.get("REXEC_TOKEN", "")),)}


@contextlib.contextmanager
def _refusals():
    try:
        yield
    except grpc.RpcError as error:
        raise RexecError(error) from error
