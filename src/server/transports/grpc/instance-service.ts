// InstanceService: decodes, calls the domain, encodes.

import type { InstanceServiceService } from "../../../gen/rexec/instance/v1/instance_service.ts";
import type { InstanceId } from "../../../protocol/ids.ts";
import { drainInstance, type DrainInstanceDeps } from "../../domain/instances/drain-instance.ts";
import { watchedInstances } from "../../domain/instances/watch-instances.ts";
import type { ChangeLogs } from "../../domain/watches/change-logs.ts";
import type { Handlers } from "./call-context.ts";
import { INSTANCE_LIST, pageOfInstances } from "./instance-list.ts";
import { instanceMessage } from "./instance-message.ts";
import { nextPageToken, parseListRequest } from "./list-request.ts";
import { serveStateWatch } from "./state-watch.ts";

export interface InstanceServiceDeps extends DrainInstanceDeps {
  changeLogs: ChangeLogs;
  pageTokenKey: string;
}

export function instanceService(deps: InstanceServiceDeps): Handlers<typeof InstanceServiceService> {
  return {
    async listInstances({ request }) {
      const query = parseListRequest(INSTANCE_LIST, request, deps.pageTokenKey);
      const page = pageOfInstances(await deps.instances.list(), query);
      return {
        instances: page.rows.map(instanceMessage),
        nextPageToken: nextPageToken(INSTANCE_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    watchInstances({ caller, request, signal }, send) {
      const { instances, changeLogs, pageTokenKey: tokenKey } = deps;
      const source = watchedInstances({ instances, changes: changeLogs.instances }, { caller });
      const watched = { name: "instances", userId: caller.user.id, filter: "" };
      const { resumeToken } = request;
      return serveStateWatch(
        source,
        { watched, resumeToken, signal, tokenKey, encode: instanceMessage, encodeRemoved: removedInstance },
        send,
      );
    },
    async drainInstance({ caller, request }) {
      await drainInstance(deps, { caller, instanceId: request.instanceId });
      return {};
    },
  };
}

function removedInstance(instanceId: InstanceId): { instanceId: string } {
  return { instanceId };
}
