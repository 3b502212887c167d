export const RO_CRATE = "https://w3id.org/ro/crate/1.1"

/** Profiles a crate conforms to: https://w3id.org/ro/wfrun/provenance/0.5 and those it builds on. */
export const PROFILES = [
  ["https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"],
  ["https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"],
  ["https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"],
  ["https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"],
] as const
export const BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"

export const COMPLETED = "http://schema.org/CompletedActionStatus"
export const FAILED = "http://schema.org/FailedActionStatus"

export const WORKFLOW = "workflow.json"
export const LANGUAGE = "#language"
export const LICENCES = "#licences"
export const RUN = "#run"
export const ORGANIZE = "#organize"

/** The engine itself, of one version. */
export const engineId = (version: string): string => `urn:facet:engine:${version}`
