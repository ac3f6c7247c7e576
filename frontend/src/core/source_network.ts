import { hintOnPage } from "./hints";
import { isObject, type JsonObject } from "./json";
import { Problem, type Source } from "./source";

const TOKEN = "meticulous-token";

export class NetworkSource implements Source {
  readonly isLive = true;
  private readonly token = takeToken();

  ask(question: string, signal?: AbortSignal): Promise<JsonObject> {
    return this.fetch(question, signal ? { signal } : {});
  }

  tell(question: string, body: JsonObject): Promise<JsonObject> {
    if (!this.token) {
      const hint = "Open the address that 'meticulous ui' printed, with its token, in this tab.";
      return Promise.reject(new Problem("This tab may look, but not change anything.", hint, 403));
    }
    return this.fetch(question, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  address(question: string): string {
    return question;
  }

  private async fetch(question: string, options: RequestInit): Promise<JsonObject> {
    const headers = new Headers(options.headers);
    if (this.token) headers.set("X-Meticulous-Token", this.token);
    let response: Response;
    try {
      response = await fetch(question, { ...options, headers });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      const hint = "Is 'meticulous ui' still running, and the tunnel to it open?";
      throw new Problem("The server does not answer.", hint);
    }
    return answerOf(response);
  }
}

async function answerOf(response: Response): Promise<JsonObject> {
  let body: unknown = null;
  try {
    body = await response.json();
  } catch {
    // Said below: an answer that is no JSON comes from something in between.
  }
  const answer = isObject(body as JsonObject) ? (body as JsonObject) : null;
  const error = answer?.error;
  if (isObject(error)) throw new Problem(String(error.message), hintOnPage(String(error.hint ?? "")), response.status);
  if (!response.ok || !answer) {
    throw new Problem(`The server answered ${response.status}, not with data.`, "", response.status);
  }
  return answer;
}

/** Take the token out of the address bar, so that it gets into no bookmark and no screenshot. */
function takeToken(): string {
  const query = new URLSearchParams(location.search);
  const given = query.get("token");
  try {
    if (given === null) return sessionStorage.getItem(TOKEN) ?? "";
    sessionStorage.setItem(TOKEN, given);
  } catch {
    // Without storage, a reload needs the printed address again.
  }
  if (given !== null) {
    query.delete("token");
    const rest = query.toString();
    history.replaceState(null, "", location.pathname + (rest ? `?${rest}` : "") + location.hash);
  }
  return given ?? "";
}
