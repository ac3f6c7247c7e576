const FAILED = new Set(["ERROR", "LOST", "TERMINATED", "INTERRUPTED", "UNKNOWN"]);

/** Whether an experiment ended so that one asks why. */
export function hasFailed(status: string): boolean {
  return FAILED.has(status);
}
