// gRPC reflection: which calls there are and what they look like, told to those who may read.

import type { handleBidiStreamingCall, Server, ServerDuplexStream } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { descriptorSetBase64 } from "../../../gen/descriptors.ts";
import { arrivalOf } from "./request-stream.ts";
import { type Closing, type Draining, serveCall, type ServeCallDeps } from "./serve-call.ts";
import { watchCredential, type WatchCredentialDeps } from "./watch-credential.ts";

type Deps = ServeCallDeps & WatchCredentialDeps & Closing & Draining;
type Exchange = handleBidiStreamingCall<unknown, unknown>;

/** `services`: the full names of those that are told of. */
export function addReflection(server: Server, deps: Deps, services: readonly string[]): void {
  // The library reads the files of a package as its loader makes it, and nothing else of it.
  const root = { rexec: { fileDescriptorProtos: descriptorFiles() } };
  const reflection = new ReflectionService(root as unknown as ConstructorParameters<typeof ReflectionService>[0], {
    services: [...services],
  });
  reflection.addToServer({
    addService(definition, implementation) {
      const guarded = Object.entries(implementation).map(([name, exchange]) => {
        const { path } = definition[name] ?? { path: "" };
        return [name, guard(deps, path, exchange as Exchange)];
      });
      server.addService(definition, Object.fromEntries(guarded) as typeof implementation);
    },
  });
}

/** The library answers what is asked on the stream once the stream's caller is let in, and for as long. */
function guard(deps: Deps, path: string, exchange: Exchange): Exchange {
  return (call) => {
    const { metadata } = call;
    void serveCall<undefined, void>(deps, {
      path,
      call: arrivalOf(call),
      async perform({ caller, signal }, giveUp) {
        const stop = watchCredential(deps, { path, caller, metadata, peer: call.getPeer(), giveUp });
        try {
          await untilEnded(call, signal, () => exchange(call));
        } finally {
          stop();
        }
      },
    }).then((answer) => {
      if (answer.outcome === "error") call.emit("error", answer.status);
    });
  };
}

function untilEnded(call: ServerDuplexStream<unknown, unknown>, signal: AbortSignal, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    call.once("end", () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    begin();
  });
}

/** Field 1 of google.protobuf.FileDescriptorSet, again and again. */
function descriptorFiles(): Buffer[] {
  const reader = new BinaryReader(Buffer.from(descriptorSetBase64, "base64"));
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) files.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return files;
}
