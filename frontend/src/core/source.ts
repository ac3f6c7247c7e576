import type { JsonObject } from "./json";

/** Where answers come from: the server, or the page itself when it was exported as one file. */
export interface Source {
  /** True when values can change: there is a server, and something to follow. */
  readonly isLive: boolean;
  ask(question: string, signal?: AbortSignal): Promise<JsonObject>;
  tell(question: string, body: JsonObject): Promise<JsonObject>;
  /** What an image or a download can have as its address; null when the file is not here. */
  address(question: string): string | null;
}

/** An answer that is a refusal: what was wrong, and what to do about it. */
export class Problem extends Error {
  constructor(
    message: string,
    readonly hint = "",
    readonly status = 0,
  ) {
    super(message);
  }
}
