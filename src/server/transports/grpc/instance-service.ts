// InstanceService: decodes, calls the domain, encodes.

import type { InstanceServiceService } from "../../../gen/rexec/instance/v1/instance_service.ts";
import { drainInstance, type DrainInstanceDeps } from "../../domain/instances/drain-instance.ts";
import type { Handlers } from "./call-context.ts";
import { INSTANCE_LIST, pageOfInstances } from "./instance-list.ts";
import { instanceMessage } from "./instance-message.ts";
import { nextPageToken, parseListRequest } from "./list-request.ts";

export interface InstanceServiceDeps extends DrainInstanceDeps {
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
    async drainInstance({ caller, request }) {
      await drainInstance(deps, { caller, instanceId: request.instanceId });
      return {};
    },
  };
}
