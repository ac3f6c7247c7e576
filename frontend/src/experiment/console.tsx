import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { experimentPath, question, useAnswer } from "../core/api";
import { plural } from "../core/format";
import { useKeys } from "../core/keys";
import { address, change, running } from "../core/state";
import type { Console, ExperimentFacts } from "../core/types";
import { Empty, Failure, Waiting } from "../parts/states";
import { ConsoleLines, type ConsoleHandle } from "./console_lines";
import { SearchResults } from "./console_search";
import { hasFailed } from "./failed";
import { useConsole, type Stream } from "./use_console";

export function ConsoleTab({ facts: { expid, status } }: { facts: ExperimentFacts }): JSX.Element {
  const { part } = address.value;
  const usual = useUsualStream(expid, hasFailed(status), part === "");
  // Kept from one stream to the other: what is not in this one may be in that.
  const [text, setText] = useState("");
  const stream = part === "stdout" || part === "stderr" ? part : usual;
  return (
    <div class="console">
      {stream ? (
        <ConsoleOf key={stream} id={expid} stream={stream} text={text} setText={setText} />
      ) : (
        <Waiting isSlow={false} what="Reading" />
      )}
    </div>
  );
}

/** What is opened when none is asked for; null until it is known. Why one failed is told in stderr. */
function useUsualStream(id: string, failed: boolean, isUnchosen: boolean): Stream | null {
  // Who already reads one stream is not taken to another when the experiment fails meanwhile.
  const [isAbout] = useState(failed);
  const asked = isAbout && isUnchosen ? question(experimentPath(id, "console"), { stream: "stderr", start: 0, count: 1 }) : null;
  const { value, problem } = useAnswer<Console>(asked, "console");
  if (asked === null || problem) return "stdout";
  return value && (value.total > 0 ? "stderr" : "stdout");
}

function Streams({ stream }: { stream: Stream }): JSX.Element {
  return (
    <span class="group" role="group" aria-label="Which output">
      {(["stdout", "stderr"] as const).map((name) => (
        <button key={name} type="button" aria-pressed={stream === name} onClick={() => change({ part: name }, true)}>
          {name}
        </button>
      ))}
    </span>
  );
}

interface Props {
  id: string;
  stream: Stream;
  /** What is searched. */
  text: string;
  setText: (text: string) => void;
}

function ConsoleOf({ id, stream, text, setText }: Props): JSX.Element {
  const isRunning = running.value.has(id);
  const [isFollowing, setFollowing] = useState(isRunning);
  const lines = useConsole(id, stream);
  const handle = useRef<ConsoleHandle>(null);
  const search = useRef<HTMLInputElement>(null);
  const { total, errors, problem, isSlow } = lines;
  const jump = (line: number): void => {
    setFollowing(false);
    handle.current?.jump(line);
  };
  const toError = (): void => {
    const line = errors.at(-1);
    if (line !== undefined) jump(line);
  };
  useKeys("Console", [
    { keys: "/", label: "search the console", run: () => search.current?.focus() },
    { keys: "E", label: "jump to the error", run: toError },
    { keys: "G", label: "to the end", run: () => jump(total) },
    { keys: "g g", label: "to the beginning", run: () => jump(0) },
    { keys: "f", label: "follow, or not", run: () => setFollowing(!isFollowing) },
  ]);
  if (total === 0) {
    return (
      <>
        <div class="tools">
          <Streams stream={stream} />
        </div>
        {problem ? (
          <Failure problem={problem} what={`${stream} cannot be read`} />
        ) : lines.isKnown ? (
          <Nothing stream={stream} isRunning={isRunning} />
        ) : (
          <Waiting isSlow={isSlow} what="Reading" />
        )}
      </>
    );
  }
  return (
    <>
      <div class="tools">
        <Streams stream={stream} />
        <input
          ref={search}
          type="search"
          aria-label="Search the console"
          placeholder="Search ( / )"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        {text && <SearchResults key={text} id={id} stream={stream} text={text} onJump={jump} />}
        {errors.length > 0 && (
          <button type="button" onClick={toError}>
            To the error
          </button>
        )}
        <button type="button" onClick={() => jump(total)}>
          To the end
        </button>
        {isRunning && (
          <button type="button" aria-pressed={isFollowing} onClick={() => setFollowing(!isFollowing)}>
            {isFollowing ? "following" : "follow"}
          </button>
        )}
        <span class="counts">{plural(total, "line")}</span>
      </div>
      <ConsoleLines lines={lines} handle={handle} isFollowing={isFollowing && isRunning} found={text} onScroll={() => setFollowing(false)} />
    </>
  );
}

function Nothing({ stream, isRunning }: { stream: Stream; isRunning: boolean }): JSX.Element {
  return (
    <Empty>
      Nothing was written to {stream}
      {isRunning ? " yet; it appears here by itself." : "."}
    </Empty>
  );
}
