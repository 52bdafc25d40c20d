// An instance of the domain as a message of the API.

import { type Instance as InstanceMessage, InstanceState } from "../../../gen/rexec/instance/v1/instance_service.ts";
import type { InstanceState as State, InstanceView } from "../../domain/instances/instances.ts";

const STATES: Readonly<Record<State, InstanceState>> = {
  up: InstanceState.INSTANCE_STATE_UP,
  draining: InstanceState.INSTANCE_STATE_DRAINING,
  silent: InstanceState.INSTANCE_STATE_SILENT,
};

export function instanceMessage({ state, ...instance }: InstanceView): InstanceMessage {
  return { ...instance, state: STATES[state] };
}
