import packageInfo from "../../../package.json" with { type: "json" }
import type { RunEvent } from "../../schema/event.ts"
import type { RunRecord } from "../../schema/trace.ts"
import { Exporter } from "./exporter.ts"
import { RunSpans } from "./spans.ts"
import { targetOf, type Unusable } from "./target.ts"

/** The trace of one run on its way to a collector. */
export class Traces {
  readonly #exporter: Exporter
  readonly #spans: RunSpans

  private constructor(exporter: Exporter, spans: RunSpans) {
    this.#exporter = exporter
    this.#spans = spans
  }

  /** Undefined where neither the flag nor the environment asks for traces. */
  static start(
    flag: string | undefined,
    env: Readonly<Record<string, string | undefined>>,
  ): Traces | Unusable | undefined {
    const target = targetOf(flag, env)
    if (target === undefined || "problem" in target) return target
    const exporter = new Exporter(target, packageInfo.version)
    return new Traces(exporter, new RunSpans(exporter.add, env["TRACEPARENT"]))
  }

  event(event: RunEvent): void {
    this.#spans.event(event)
  }

  /** Sends what is left; gives what went wrong, if anything did. A run without a record broke off, by the error. */
  end(record: RunRecord | undefined, error?: string): Promise<string | undefined> {
    this.#spans.end(record, error)
    return this.#exporter.close()
  }
}
