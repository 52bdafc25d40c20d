// What the operating system and the runtime say of this process, under the names that dashboards expect. Read when
// asked: prom-client's own collectors leave observers behind that nobody can stop.

import { readdirSync } from "node:fs";
import { Counter, Gauge, type Registry } from "prom-client";

export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void =>
    void new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  new Counter({
    name: "process_cpu_seconds_total",
    help: "user and system time",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge("process_start_time_seconds", "since 1970", () => performance.timeOrigin / 1000);
  gauge("process_resident_memory_bytes", "in RAM", () => process.memoryUsage.rss());
  gauge("process_open_fds", "file descriptors; NaN where the system does not tell", openFileDescriptors);
  gauge("nodejs_heap_size_used_bytes", "of JavaScript's heap", () => process.memoryUsage().heapUsed);
  gauge("nodejs_external_memory_bytes", "buffers, outside of the heap", () => process.memoryUsage().external);
}

function openFileDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return Number.NaN; // No Linux.
  }
}
